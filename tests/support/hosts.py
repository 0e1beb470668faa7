"""Hosts on this machine: Linux namespaces, on a network that leads nowhere else.

Each has of its own: name, address, process numbers, machine id, boot id, the fleet's folder and the engine's
home. Nothing is left of them: a namespace goes with its last process.
"""

import contextlib
import ctypes
import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.patience import PATIENCE_SECONDS, until

GATEWAY = "198.18.0.1"
"""This process, as the hosts see it; of a range that is kept for tests of networks."""
_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of <sched.h>; Python has it from 3.12 on."""
_APART = ("unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that is up."""

    name: str
    machine_id: str
    state: Path
    """Its folder for the fleet's files, as it is seen from here."""
    process: subprocess.Popen[bytes]
    """Its first one, with which all others end."""

    def lose(self) -> None:
        """The link goes down, then every process is killed: nobody hears of it."""
        _run("ip", "link", "set", self.name, "down")
        self.end()

    def end(self) -> None:
        """Kill every process; a second call does nothing."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Put this thread, and what it starts, on a network of its own, with a bridge for the hosts."""
    can_be = sys.platform == "linux" and os.geteuid() == 0 and all(map(shutil.which, ("ip", "unshare")))
    assert can_be, "hosts are made by root on Linux, with `ip` and `unshare` on PATH: sudo make two-hosts"
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert libc.unshare(_NEW_NETWORK) == 0, f"a new network: {os.strerror(ctypes.get_errno())}"
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "bridge", "type", "bridge")
        _run("ip", "address", "add", f"{GATEWAY}/24", "dev", "bridge")
        _run("ip", "link", "set", "bridge", "up")
        yield
    finally:
        assert libc.setns(before, _NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
        os.close(before)


def forwarder(ports: Sequence[int], here: str, there: str) -> list[str]:
    """The module and its arguments that take connections to those ports and pass them on."""
    return ["tests.support.forward", *(f"{here}:{port}={there}:{port}" for port in ports)]


@contextlib.contextmanager
def host(
    number: int, folder: Path, environment: Mapping[str, str], ports: Sequence[int], command: Sequence[str]
) -> Iterator[Host]:
    """A host that runs a command until the block ends.

    Args:
        number: from 1; host 1 has the name `host-1` and the address 198.18.0.11.
        folder: for what it has of its own, and its log.
        environment: the command's, with XDG_STATE_HOME and PULUMI_HOME.
        ports: of the gateway; the same ones of the host's loopback lead there.
        command: a Python module and its arguments; `{address}` in them is the host's.
    """
    name, address, machine_id = f"host-{number}", f"198.18.0.{10 + number}", uuid.uuid4().hex
    mounts = _own_files(folder, environment, machine_id)
    lines = [
        "set -e",
        f"echo {name} > /proc/sys/kernel/hostname",
        *(shlex.join(["mount", "--bind", str(own), mounted]) for own, mounted in mounts.items()),
        "ip link set lo up",
        "until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done",
        f"ip address add {address}/24 dev eth0",
        "ip link set eth0 up",
        f"{shlex.join([sys.executable, '-m', *forwarder(ports, '127.0.0.1', GATEWAY)])} &",
        shlex.join([sys.executable, "-m", *(part.format(address=address) for part in command)]),
        "exit",  # So that the shell stays, and as the first process takes orphans in.
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*_APART, "sh", "-c", "\n".join(lines)], cwd=REPOSITORY, stdout=log, stderr=log,
            env={**environment, "PYTHONPATH": str(REPOSITORY)}, start_new_session=True,
        )  # fmt: skip
    up = Host(name=name, machine_id=machine_id, state=folder / "state", process=process)
    try:
        ours = Path("/proc/thread-self/ns/net").readlink()
        until(lambda: Path(f"/proc/{process.pid}/ns/net").readlink() != ours)
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(process.pid))
        _run("ip", "link", "set", name, "master", "bridge", "up")
        yield up
    finally:
        up.end()


def _own_files(folder: Path, environment: Mapping[str, str], machine_id: str) -> dict[Path, str]:
    """What a host has of its own -> where it sees it."""
    state, home = environment["XDG_STATE_HOME"], environment["PULUMI_HOME"]
    Path(state).mkdir(exist_ok=True)
    (folder / "state").mkdir(parents=True)
    shutil.copytree(home, folder / "home", symlinks=True)
    (folder / "machine-id").write_text(f"{machine_id}\n", encoding="ascii")
    (folder / "boot-id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")
    mounted = [state, home, "/etc/machine-id", "/proc/sys/kernel/random/boot_id"]
    own = dict(
        zip([folder / name for name in ("state", "home", "machine-id", "boot-id")], mounted, strict=True)
    )
    return {file: mounted for file, mounted in own.items() if Path(mounted).exists()}


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr.strip()}"
