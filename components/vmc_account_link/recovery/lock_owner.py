"""Who holds a stack's lock, by the engine's own message; and whether that process has certainly ended.

A lock names a process by host name and number, and containers share both. So the engines that we start are
written down in their project's folder with what tells a process from any other; a lock without such a record
is nobody's to remove but the person's (ADR 0022).
"""

import contextlib
import dataclasses
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

_SKEW_SECONDS = 60.0
"""The lock's moment and a process's start are both this machine's, but its clock may have been set."""
_RECORDS = Path(".recovered") / "engines"
"""In the project's folder."""

_OWNER = re.compile(
    r"(?P<lock>\S+): created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)"
)
_COUNT = re.compile(r"currently locked by (\d+) lock")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LockOwner:
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where process numbers mean the same; what can't be known is empty, and then nothing is."""

    boot: str
    """This start of the kernel."""
    machine: str
    namespace: str
    """Of process numbers; a container has its own."""

    @classmethod
    def here(cls) -> "Machine":
        """The one that this process is on."""
        boot = _text(Path("/proc/sys/kernel/random/boot_id"))
        if boot:
            namespace = ""
            with contextlib.suppress(OSError):
                namespace = str(Path("/proc/self/ns/pid").readlink())
            return cls(boot=boot, machine=_text(Path("/etc/machine-id")) or "-", namespace=namespace)
        # macOS, which has neither machine ids in a file nor namespaces.
        return cls(boot=_of_macos("kern.bootsessionuuid"), machine="-", namespace="-")

    @property
    def is_known(self) -> bool:
        """Whether numbers of processes can be compared at all."""
        return bool(self.boot and self.machine and self.namespace)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecord:
    """An engine that we started."""

    pid: int
    started: float
    """Seconds since 1970."""
    birth: str
    """When it started by a clock that nobody can set, where there is one."""
    host: str
    at: Machine


def owners(message: str) -> tuple[LockOwner, ...]:
    """The holders that the engine names when it says that a stack is locked; none where one can't be read."""
    found = tuple(
        LockOwner(lock=m["lock"], user=m["user"], host=m["host"], pid=int(m["pid"]), since=m["since"])
        for m in _OWNER.finditer(message)
    )
    count = _COUNT.search(message)
    return found if count is not None and int(count[1]) == len(found) else ()


@contextlib.contextmanager
def recorded(pid: int, folder: Path) -> Iterator[None]:
    """Keep a record of an engine that we have started, for as long as it runs; one that is killed leaves it.

    Args:
        pid: the engine's.
        folder: its project's.
    """
    try:
        started, birth = psutil.Process(pid).create_time(), _birth(pid)
    except psutil.Error:
        yield  # It has ended already.
        return
    record = EngineRecord(pid=pid, started=started, birth=birth, host=socket.gethostname(), at=Machine.here())
    records = folder / _RECORDS
    records.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = records / f"{record.at.boot}-{re.sub(r'[^0-9]', '', record.at.namespace)}-{pid}-{started:.2f}.json"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as text:
        json.dump(dataclasses.asdict(record), text)
    yield
    file.unlink(missing_ok=True)


def is_dead(owner: LockOwner, folder: Path, *, here: Machine | None = None) -> bool | None:
    """Whether the holder has ended; None where that can't be known.

    It is known of an engine that we started on this very machine, in this process's own namespace and since
    this start of the kernel.

    Args:
        owner: of the lock.
        folder: the project's, in which our engines are written down.
        here: the machine; None: this one.
    """
    here = here or Machine.here()
    records = [record for record in _records(folder) if _may_be(record, owner)]
    if not here.is_known or not records or any(record.at != here for record in records):
        return None
    return not any(_runs(record) for record in records)


def is_visible(owner: LockOwner) -> bool:
    """Whether a process of that number is seen here that may be the holder: an engine, as old as the lock."""
    try:
        process = psutil.Process(owner.pid)
        if owner.host != socket.gethostname() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return "pulumi" in process.name() and process.create_time() <= _since(owner) + _SKEW_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _may_be(record: EngineRecord, owner: LockOwner) -> bool:
    return (record.pid, record.host) == (owner.pid, owner.host) and record.started <= _since(
        owner
    ) + _SKEW_SECONDS


def _runs(record: EngineRecord) -> bool:
    try:
        process = psutil.Process(record.pid)
        return process.status() != psutil.STATUS_ZOMBIE and _birth(record.pid) == record.birth
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _birth(pid: int) -> str:
    """When a process started, in the kernel's own ticks where they can be read; else to the second."""
    with contextlib.suppress(OSError, IndexError):
        # The name before may hold spaces and brackets.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    return f"{psutil.Process(pid).create_time():.0f}"


def _records(folder: Path) -> list[EngineRecord]:
    found = []
    for file in sorted((folder / _RECORDS).glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            written = json.loads(file.read_text(encoding="utf-8"))
            found.append(EngineRecord(**{**written, "at": Machine(**written["at"])}))
    return found


def _since(owner: LockOwner) -> float:
    """The lock's moment; one that can't be read is now: it makes no process younger than the lock."""
    try:
        return datetime.fromisoformat(owner.since).timestamp()
    except ValueError:
        return datetime.now(UTC).timestamp()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""


def _of_macos(name: str) -> str:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False
        )
        return done.stdout.strip()
    return ""
