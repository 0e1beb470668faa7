"""For whom a provider works: what they are shown, whether they want to stop, and the clock of their machine.

In the engine's provider process that is the person at the terminal: the engine shows the process's standard
output live, and its `Cancel` is their Ctrl-C. A process that serves the providers of many Pulumi stacks hands
each call a context of its own.
"""

import dataclasses
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from vmc_account_link.provider_process import CANCELED


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the engine shows it


def _now() -> datetime:
    return datetime.now(UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunMemory:
    """What the providers' calls of one run of the engine have to know of each other."""

    declared: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    """Organisation and AWS account of each link that this run's program declares; a destroy runs none."""
    settled: set[str] = dataclasses.field(default_factory=set)
    """The tracking task of each link that this run has unlinked, or left alone as it was asked to."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What surrounds one provider call."""

    emit_progress: Callable[[str], object] = _print
    """Takes a line for the person who waits."""
    canceled: threading.Event = CANCELED
    """Set once they want to stop."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds, for waiting."""
    now: Callable[[], datetime] = _now
    """This machine's clock, with its zone."""
    sleep: Callable[[float], object] | None = None
    """Passes so many seconds; None: until the person wants to stop, at most."""

    memory: RunMemory = dataclasses.field(default_factory=RunMemory)
    """Of this run of the engine."""

    def pause(self, seconds: float) -> None:
        """Let the time pass between two requests of a wait."""
        (self.sleep or self.canceled.wait)(seconds)
