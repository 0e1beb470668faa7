"""A requested link and its tracking task. Pure: what is so at a moment follows from what happened when."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sandbox.modes import Modes, TaskOutcome, TemplateKind

_EXPIRED = "The link request has expired."
_CANCELED = "The task was canceled."
_STUCK_PERCENT = 60
"""Where the progress of a task that never ends stops growing."""


class TaskStatus(StrEnum):
    """The API's states of a task."""

    STARTED = "STARTED"
    CANCELING = "CANCELING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The template's custom resource reported an account."""

    at: datetime
    account_number: str
    """12 digits."""
    stack_name: str
    role_arns: Mapping[str, str]
    """By logical id: RemoteRole, RemoteRolePayer, RemoteRoleService."""
    modes: Modes
    """The modes in force at that moment: a later change does not rewrite what has begun."""

    @property
    def ends_at(self) -> datetime:
        """When VMware is done with it: the account has its record, or the task has failed."""
        return self.at + timedelta(seconds=self.modes.task_seconds)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One answer to the call that requests links."""

    id: str
    """The tracking task's uuid; identifies the link too."""
    requested_at: datetime
    expires_at: datetime
    template_kind: TemplateKind
    signature: str
    """Grants reading the template; secret."""
    template_url: str
    runs: tuple[Run, ...] = ()

    def is_expired(self, now: datetime) -> bool:
        """Whether the template can no longer be fetched or run."""
        return now >= self.expires_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A tracking task as it shows at one moment."""

    id: str
    status: TaskStatus
    progress_percent: int
    error_message: str | None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: int


def task_of(link: Link, now: datetime, modes: Modes) -> Task:
    """The link's task as it shows at `now`.

    The first run decides it, since a finished task never starts again; without a run it fails when the
    link expires, unless `modes` says that tasks never end.
    """
    if link.runs:
        return _task_of_run(link, link.runs[0], now)
    if link.is_expired(now) and modes.task_outcome is not TaskOutcome.NEVER:
        return _task(link, TaskStatus.FAILED, ended_at=link.expires_at, error_message=_EXPIRED)
    return _task(link, TaskStatus.STARTED)


def _task_of_run(link: Link, run: Run, now: datetime) -> Task:
    modes = run.modes
    elapsed = (now - run.at) / timedelta(seconds=modes.task_seconds) if modes.task_seconds > 0 else 1.0
    if modes.task_outcome is TaskOutcome.NEVER:
        progress = min(_STUCK_PERCENT, int(100 * max(0.0, elapsed)))
        return _task(link, TaskStatus.STARTED, progress_percent=progress, updated_at=run.at)
    shows_at = run.ends_at + timedelta(seconds=modes.task_lag_seconds)
    if now < shows_at:
        is_canceling = modes.task_outcome is TaskOutcome.CANCEL and elapsed >= 0.5
        return _task(
            link,
            TaskStatus.CANCELING if is_canceling else TaskStatus.STARTED,
            progress_percent=min(99, int(100 * max(0.0, elapsed))),
            updated_at=run.at,
        )
    match modes.task_outcome:
        case TaskOutcome.FAIL:
            message = modes.task_error_message
            return _task(link, TaskStatus.FAILED, ended_at=shows_at, error_message=message)
        case TaskOutcome.CANCEL:
            return _task(link, TaskStatus.CANCELED, ended_at=shows_at, error_message=_CANCELED)
        case TaskOutcome.FINISH:
            return _task(link, TaskStatus.FINISHED, ended_at=shows_at, progress_percent=100)


def _task(
    link: Link,
    status: TaskStatus,
    *,
    progress_percent: int = 0,
    updated_at: datetime | None = None,
    ended_at: datetime | None = None,
    error_message: str | None = None,
) -> Task:
    return Task(
        id=link.id,
        status=status,
        progress_percent=progress_percent,
        error_message=error_message,
        started_at=link.requested_at,
        updated_at=ended_at or updated_at or link.requested_at,
        ended_at=ended_at,
        version=1 + (updated_at is not None) + 2 * (ended_at is not None),
    )
