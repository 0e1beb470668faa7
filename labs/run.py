"""One lab, from beginning to end: look, recover where a crash left something, do, record."""

import dataclasses
import threading
from collections.abc import Callable

from labs.results import LabProgress, LabResult, LabTask


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How a running lab tells its progress and hears of Ctrl-C, within one process."""

    tell: Callable[[LabProgress], None]
    stop: threading.Event
    """Set on Ctrl-C: no new labs, and the running ones end at a safe point."""


def run_lab(task: LabTask, control: Control | None = None) -> LabResult:
    """Do what the task says; failures come back as a result, not as an exception.

    Credentials come from the environment of the process that runs this (the VMC token, AWS), never from the
    task.
    """
    raise NotImplementedError(task.verb, control)
