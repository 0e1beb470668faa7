"""Who holds a stack's lock, by the engine's own message. Pure but for the look at the process."""

import dataclasses
import re
import socket
from datetime import datetime

import psutil

_SKEW_SECONDS = 60.0
"""The lock's moment and a process's start are both this machine's, but its clock may have been set."""

_HOLDER = re.compile(
    r"(?P<lock>\S+): created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that made a lock."""

    lock: str
    """The lock's URL in the backend."""
    user: str
    host: str
    pid: int
    since: str
    """ISO 8601, as the engine wrote it."""

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}, since {self.since})"


def holders(message: str) -> tuple[Holder, ...]:
    """The holders that the engine names when it says that a stack is locked."""
    return tuple(
        Holder(lock=m["lock"], user=m["user"], host=m["host"], pid=int(m["pid"]), since=m["since"])
        for m in _HOLDER.finditer(message)
    )


def is_dead(holder: Holder, *, host: str | None = None) -> bool | None:
    """Whether the holder has ended; None where that can't be known, because it ran on another machine.

    A process that has the number but is no `pulumi`, or is younger than the lock, got the number later.
    """
    if holder.host != (host or socket.gethostname()):
        return None
    try:
        process = psutil.Process(holder.pid)
        if process.status() == psutil.STATUS_ZOMBIE or "pulumi" not in process.name():
            return True
        return process.create_time() > datetime.fromisoformat(holder.since).timestamp() + _SKEW_SECONDS
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
