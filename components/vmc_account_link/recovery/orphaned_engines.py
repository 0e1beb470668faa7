"""What a killed driver leaves of a lab, and how the next run gets past it: engines first, then `recover`.

A driver that is killed leaves its CLI processes running, whose program and dynamic provider are gone with it.
Such an engine is asked to end as by Ctrl-C; what it still has in hand it records.
"""

import contextlib
import itertools
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from vmc_account_link.errors import CommandFailed
from vmc_account_link.recovery.orphaned_plugins import listens, shares_loopback

NOTHING = "has nothing under way"
"""How `recover` ends where it changed nothing."""
_CLIENT = re.compile(r"--client=127\.0\.0\.1:(\d+)")
_PATIENCE_SECONDS = 45.0
"""The engine ends about 5 s after its providers, whose waits end within 15 s."""
_IN_THE_WAY = ("currently locked by", "AlreadyExistsException", "pending operations")


def is_recoverable_failure(errors: Sequence[str]) -> bool:
    """Whether an update failed on what a crash may have left: a lock, or a stack that was made unheard."""
    return any(sign in error for error in errors for sign in _IN_THE_WAY)


def recover(
    stack: str,
    folder: Path,
    environment: Mapping[str, str],
    *,
    emit_progress: Callable[[str], None],
    lost_hosts: Sequence[str] = (),
    force: bool = False,
) -> bool:
    """End engines whose driver is gone, then run `recover` for the stack, in the lab's environment.

    A process of its own, because a lab's environment can't be that of this one. A lock that a machine of
    `lost_hosts` has left is removed as a dead process's is; with `force` one of which nothing is known too.

    Returns:
        Whether anything was changed.

    Raises:
        CommandFailed: somebody alive holds the stack, or what became of it could not be found out.
    """
    ended = end_orphaned_engines(folder, stack, emit_progress)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "vmc_account_link", "recover", "--stack", stack, "--cwd", str(folder)),
            *(f"--lost-host={host}" for host in lost_hosts),
            *(["--force"] if force else []),
        ],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    for line in done.stdout.splitlines():
        emit_progress(line)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise CommandFailed((lines[-1] if lines else "recover failed").removeprefix("error: "))
    return ended or not done.stdout.rstrip().endswith(NOTHING)


def end_orphaned_engines(folder: Path, stack: str, emit_progress: Callable[[str], None]) -> bool:
    """End the engines of a lab whose driver is gone, gently first; whether there were any."""
    found = orphaned_engines(folder, stack)
    for engine in found:
        emit_progress(f"asking engine {engine.pid} to end: its driver is gone")
        with contextlib.suppress(psutil.Error):
            engine.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs([engine], timeout=_PATIENCE_SECONDS)
        for process in alive:
            emit_progress(f"killed engine {process.pid}, which did not end")
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=5)
    return bool(found)


def orphaned_engines(folder: Path, stack: str) -> tuple[psutil.Process, ...]:
    """The engines of a stack, in the lab's folder, whose inline program nobody serves any more."""
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
            client = next(filter(None, map(_CLIENT.fullmatch, arguments)), None)
            if client is None or Path(arguments[0]).name != "pulumi" or not _is_of(arguments, stack):
                continue
            if Path(process.cwd()) != folder.resolve() or not shares_loopback(process.pid):
                continue
            if listens(int(client[1])):
                continue
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
        found.append(process)
    return tuple(found)


def _is_of(arguments: Sequence[str], stack: str) -> bool:
    """Whether an engine's command line names the stack."""
    named = [value for flag, value in itertools.pairwise(arguments) if flag == "--stack"]
    return [one.rpartition("/")[2] for one in named] == [stack.rpartition("/")[2]]
