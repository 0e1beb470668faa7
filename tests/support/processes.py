"""The processes that tests started, known by the folder of the test; a run that leaves one behind fails.

A process is of a test where the test's temporary folder is in its working folder, its command line or its
environment: each engine, provider and command here has it in one of them, also once its parent is gone.
"""

import contextlib
import os
import subprocess
from pathlib import Path

import psutil
import pytest

_GRACE_SECONDS = 20.0
"""What has been asked to end may take so long: an engine ends about 5 s after its providers."""


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those that have something below the folder for themselves, but for this one and its parents."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # gone meanwhile, or another user's
            if process.pid in ours or process.status() == psutil.STATUS_ZOMBIE:
                continue
            texts = (process.cwd(), *process.cmdline(), *process.environ().values())
            if any(f"{folder}/" in f"{text}/" for text in texts):
                found.append(process)
    return found


def end_processes_of(folder: Path) -> None:
    """Kill them: what outlives a killed engine."""
    processes = processes_of(folder)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=_GRACE_SECONDS)


def kill(started: subprocess.Popen[str], *, everything: bool) -> None:
    """Kill a process with -9, alone or with all that it started."""
    family = psutil.Process(started.pid).children(recursive=True) if everything else []
    started.kill()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    started.wait()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that has left a process behind; asked once, after the workers have ended."""
    if hasattr(session.config, "workerinput"):
        return
    folder: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    _, left = psutil.wait_procs(processes_of(folder), timeout=_GRACE_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            session.config.get_terminal_writer().line(
                f"\nleft behind: {process.pid} {' '.join(process.cmdline())}, in {process.cwd()}", red=True
            )
            process.kill()
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
