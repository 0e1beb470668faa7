"""What is asked of one lab and what came of it, as frozen values that travel to other processes and back."""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from vmc_labs.fleet.status import LabStatus
from vmc_labs.spec.model import LabSpec


class Verb(StrEnum):
    """What to do with a lab."""

    UP = "up"
    DOWN = "down"
    RECOVER = "recover"


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
    status: LabStatus
    """How it is now."""
    error: str | None = None
    """Why it is not as asked, in one line: what was asked, what came back, what to do."""
    has_changed: bool = True
    """Whether anything was done with it."""
    outputs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The stack's outputs, by the program's names; secret ones are left out."""
    seconds: float = 0.0


TEMPLATE = "template"
"""The phase of lines about a link's template, which say the same of most labs."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabProgress:
    """A line about a running lab."""

    lab: str
    phase: str
    message: str
