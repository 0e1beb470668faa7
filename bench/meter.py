"""`python -m bench.meter REPORT -- COMMAND…`: run a command and account for every process it starts.

A process of its own for each measured command, so that what the kernel adds up for it (`RUSAGE_CHILDREN`)
is that command's alone. It is the command's subreaper: a provider that outlives its engine becomes this
process's child and is counted too, instead of going to init unseen. The sandbox is no descendant, so nothing
of it is in the figures.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.roles import role_of

_PR_SET_CHILD_SUBREAPER = 36
GRACE_VARIABLE = "BENCH_GRACE_SECONDS"
_GRACE_SECONDS = 10.0
"""How long what the command started may outlive it before it counts as left behind."""
_REAP_SECONDS = 0.005
_MEMORY_SECONDS = 0.25
SAMPLE_VARIABLE = "BENCH_SAMPLE_SECONDS"
_SAMPLE_SECONDS = 0.25


class Watch:
    """Looks at the command's processes while they run: their memory, and the CPU time of each."""

    def __init__(self, sample_seconds: float) -> None:
        self._sample_seconds = sample_seconds
        self._me = psutil.Process()
        self._processes: dict[tuple[int, float], tuple[str, float]] = {}
        self._memory_at = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak_pss_bytes = 0
        self.most_processes = 0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def cpu_seconds_by_role(self) -> dict[str, float]:
        """What was last seen of each process, added up by what it is for."""
        totals: dict[str, float] = {}
        for role, seconds in self._processes.values():
            totals[role] = totals.get(role, 0.0) + seconds
        return totals

    def _run(self) -> None:
        while not self._done.wait(self._sample_seconds):
            now = time.monotonic()
            with_memory = now - self._memory_at >= _MEMORY_SECONDS
            if with_memory:
                self._memory_at = now
            self._sample(with_memory=with_memory)

    def _sample(self, *, with_memory: bool) -> None:
        processes = self._me.children(recursive=True)
        pss = 0
        for process in processes:
            with contextlib.suppress(psutil.Error, OSError):
                times = process.cpu_times()
                key = (process.pid, process.create_time())
                self._processes[key] = (role_of(process.cmdline()), times.user + times.system)
                if with_memory:
                    pss += process.memory_full_info().pss
        self.most_processes = max(self.most_processes, len(processes))
        self.peak_pss_bytes = max(self.peak_pss_bytes, pss)


def run(command: Sequence[str], *, sample_seconds: float) -> dict[str, Any]:
    """Run a command to the end of the last process that it started.

    Returns:
        The report as JSON can hold it; `bench.measure.Measurement` explains it.
    """
    _become_subreaper()
    watch = Watch(sample_seconds)
    started = time.monotonic()
    # In a session of its own: Ctrl-C is for the bench, which ends its meters by itself.
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
    watch.start()
    try:
        code, wall_seconds, left_behind = _reap_all(process.pid, started)
    finally:
        _kill_descendants()
        watch.stop()
    process.returncode = code
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": code,
        "wall_seconds": wall_seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_pss_bytes": watch.peak_pss_bytes,
        "most_processes": watch.most_processes,
        "left_behind": left_behind,
        "cpu_seconds_by_role": watch.cpu_seconds_by_role(),
    }


def _reap_all(main: int, started: float) -> tuple[int, float, list[str]]:
    """Reap every descendant; exit code and wall time are those of `main`."""
    code, wall_seconds = 0, None
    grace_seconds = float(os.environ.get(GRACE_VARIABLE) or _GRACE_SECONDS)
    left_behind: list[str] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code, wall_seconds or 0.0, left_behind
        now = time.monotonic()
        if pid == main:
            code, wall_seconds = os.waitstatus_to_exitcode(status), now - started
        if pid == 0:
            if wall_seconds is not None and now - started > wall_seconds + grace_seconds:
                left_behind += _kill_descendants()
            time.sleep(_REAP_SECONDS)


def _kill_descendants() -> list[str]:
    killed = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            killed.append(role_of(process.cmdline()))
            process.kill()
    return killed


def _become_subreaper() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _end(_number: int, _frame: object) -> None:
    """On SIGTERM: leave through the `finally` that ends the command."""
    sys.exit(143)


def main(arguments: Sequence[str]) -> int:
    """Write the report and return 0, whatever the command's exit code."""
    report, _, *command = arguments
    signal.signal(signal.SIGTERM, _end)
    # What a script starts in the background ignores it, and all below; the engine then waits 5 s for its
    # language host to end, as nobody's does who runs it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sample_seconds = float(os.environ.pop(SAMPLE_VARIABLE, _SAMPLE_SECONDS))
    result = run(command, sample_seconds=sample_seconds)
    Path(report).write_text(json.dumps(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
