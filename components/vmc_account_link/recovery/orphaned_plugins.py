"""Provider processes that outlived a killed engine, and finish their call unheard."""

import dataclasses
import re
import socket
from pathlib import Path

import psutil

_ENGINE_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")
_GRACE_SECONDS = 5.0
_PROGRAMS = ("pulumi-resource-", "pulumi-language-")
"""How the programs that an engine starts are named; a script's name follows its interpreter's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedPlugin:
    """A process that was started with the address of an engine that is gone."""

    pid: int
    command: str
    """Its program, for the report."""


def left_behind(folder: Path, stack: str) -> tuple[OrphanedPlugin, ...]:
    """The providers and programs in the project's folder whose engine no longer listens.

    A plugin's last argument is its engine's address, and its working folder is the project's.

    Args:
        folder: the project's.
        stack: the stack's name; a process that names another one is not its.
    """
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
            address = _ENGINE_ADDRESS.fullmatch(arguments[-1]) if len(arguments) > 1 else None
            if address is None or not _is_of_an_engine(arguments):
                continue
            if Path(process.cwd()) != folder.resolve() or not shares_loopback(process.pid):
                continue
            if listens(int(address[1])):
                continue
            if (named := process.environ().get("PULUMI_STACK")) and _short(named) != _short(stack):
                continue
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
        found.append(OrphanedPlugin(pid=process.pid, command=_program(arguments)))
    return tuple(found)


def shares_loopback(pid: int) -> bool:
    """Whether a process has this one's loopback: a container, whose processes root sees, has its own.

    Raises:
        OSError: that can't be seen: the process is another user's, or gone.
    """
    ours = Path("/proc/self/ns/net")
    # Where there are no such namespaces (macOS), every process has it.
    return not ours.exists() or Path(f"/proc/{pid}/ns/net").readlink() == ours.readlink()


def listens(port: int) -> bool:
    """Whether something takes connections there, without the list of all sockets, which is root's to see."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(plugins: tuple[OrphanedPlugin, ...]) -> None:
    """End them: asked first, then killed. What a call of theirs has done by then, the clouds tell."""
    processes = []
    for plugin in plugins:
        try:
            process = psutil.Process(plugin.pid)
            process.terminate()
            processes.append(process)
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=_GRACE_SECONDS)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)


def _is_of_an_engine(arguments: list[str]) -> bool:
    """Whether a command line is one that Pulumi's engine starts."""
    named = any(Path(argument).name.startswith(_PROGRAMS) for argument in arguments[:3])
    return named or _program(arguments) == "pulumi.dynamic"


def _short(stack: str) -> str:
    return stack.rpartition("/")[2]


def _program(arguments: list[str]) -> str:
    """`python -m pulumi.dynamic` -> `pulumi.dynamic`; else the program's file name."""
    if "-m" in arguments[:-1]:
        return arguments[arguments.index("-m") + 1]
    return Path(next((a for a in arguments if "pulumi" in a), arguments[0])).name
