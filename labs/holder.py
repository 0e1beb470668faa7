"""Who holds a stack's lock, by the engine's own message. Pure but for the look at the process."""

import dataclasses
import re
import socket

import psutil

_HOLDER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that made a lock."""

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
        Holder(user=m["user"], host=m["host"], pid=int(m["pid"]), since=m["since"])
        for m in _HOLDER.finditer(message)
    )


def is_dead(holder: Holder, *, host: str | None = None) -> bool | None:
    """Whether the holder has ended; None where that can't be known, because it ran on another machine.

    A process that has the number but is no `pulumi` got the number later.
    """
    if holder.host != (host or socket.gethostname()):
        return None
    try:
        process = psutil.Process(holder.pid)
        return process.status() == psutil.STATUS_ZOMBIE or "pulumi" not in process.name()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
