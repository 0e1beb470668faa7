"""What is asked of one lab and what came of it, as frozen values that travel to other processes and back."""

import dataclasses
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from vmc_labs.spec.model import LabSpec
from vmc_labs.state.reader import Phases


class Verb(StrEnum):
    """What to do with a lab."""

    UP = "up"
    DOWN = "down"
    RECOVER = "recover"


class LabOutcome(StrEnum):
    """What came of a lab."""

    READY = "ready"
    """Linked, by this run."""
    UNCHANGED = "unchanged"
    """Linked before, and still so: nothing was done."""
    GONE = "gone"
    """Unlinked and its stack removed, or never there."""
    RECOVERED = "recovered"
    """What a crash had left is put right."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Ctrl-C, at a safe point: the next `up` goes on."""
    NOT_STARTED = "not started"

    @property
    def is_as_requested(self) -> bool:
        """Whether the person got what was asked for."""
        return self in {self.READY, self.UNCHANGED, self.GONE, self.RECOVERED}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabTask:
    """One lab and what to do with it; no secret in it, as it may cross a network in the clear."""

    verb: Verb
    event: str
    lab: LabSpec
    backend: str
    """The Pulumi backend's URL, absolute."""
    token_variables: tuple[str, ...]
    """The variables that hold the fleet's tokens, of which a lab's processes get none."""
    work_dir: Path
    """A folder of this lab's own on the machine that runs it: the engine's project folder."""
    log_file: Path | None = None
    secrets_provider: str | None = None
    """Of a stack that is new; None: the backend's default."""
    needs_link: bool = False
    """Of an `up`: ask for a new link, because the account's record is gone from the service."""
    blocked: str | None = None
    """Of an `up`: why it can't succeed, and what to do; then nothing is tried."""
    lost_hosts: tuple[str, ...] = ()
    """Machines that are known to be gone: a lock of theirs is nobody's."""
    force: bool = False
    """A lock whose holder may be alive, for all that is known, is nobody's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabResult:
    """What came of a lab."""

    lab: str
    outcome: LabOutcome
    phases: Phases = dataclasses.field(default_factory=Phases)
    outputs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The stack's outputs, by the program's names; secret ones are left out."""
    error: str | None = None
    """One line: what was asked, what came back, what to do."""
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabProgress:
    """A line about a running lab."""

    lab: str
    phase: str
    message: str


Report = Callable[[LabResult], None]
"""Takes a result as it comes."""
