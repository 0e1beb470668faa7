"""Tasks other than a link's: work that starts, takes its time, and finishes with a result. No HTTP here."""

import dataclasses
import threading
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.modes import ModeSwitch
from sandbox.vmc.links import Task, TaskStatus


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    id: str
    kind: str
    started_at: datetime
    seconds: float
    result: Mapping[str, Any]


class TaskStore:
    """The jobs of one organization; safe across server threads."""

    def __init__(self, *, clock: Clock, modes: ModeSwitch) -> None:
        self._clock = clock
        self._modes = modes
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()

    def start(self, kind: str, result: Mapping[str, Any]) -> Task:
        """Start a job of `task_seconds`.

        Args:
            kind: the task's type; made up, as VMware's are not known.
            result: what the task's `params` hold once it has finished.
        """
        job = _Job(
            id=str(uuid.uuid4()),
            kind=kind,
            started_at=self._clock.now(),
            seconds=self._modes.current.task_seconds,
            result=dict(result),
        )
        with self._lock:
            self._jobs[job.id] = job
        return self._shown(job)

    def task(self, task_id: str) -> Task | None:
        """A job as it shows now, or None."""
        with self._lock:
            job = self._jobs.get(task_id)
        return self._shown(job) if job else None

    def tasks(self) -> tuple[Task, ...]:
        """All jobs, the oldest first."""
        with self._lock:
            jobs = tuple(self._jobs.values())
        return tuple(self._shown(job) for job in jobs)

    def _shown(self, job: _Job) -> Task:
        now = self._clock.now()
        ends_at = job.started_at + timedelta(seconds=job.seconds)
        is_over = now >= ends_at
        return Task(
            id=job.id,
            status=TaskStatus.FINISHED if is_over else TaskStatus.STARTED,
            progress_percent=100 if is_over else 0,
            error_message=None,
            started_at=job.started_at,
            updated_at=ends_at if is_over else job.started_at,
            ended_at=ends_at if is_over else None,
            version=2 if is_over else 1,
            kind=job.kind,
            params=job.result if is_over else {},
        )
