"""Runs a command and accounts for every process that it starts: `measure`.

psutil is the tool: it reads each process's memory and CPU time. hyperfine, pyperf and GNU time run one
command after the other and know the memory of the largest process alone; a link is seven processes, and
ninety links run side by side. The CPU time is the kernel's own sum. So that it is one command's alone, each
command has a process of this module above it, which is the command's subreaper: a provider that outlives its
engine becomes its child, and is counted, instead of going to init unseen.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
CLI = "CLI"
OTHER = "the command itself"
_ROLES = {
    "pulumi": CLI,
    "pulumi-language-python": "language host",
    "pip": "language host's `pip list`",
    "pulumi-language-python-exec": "program",
    "pulumi-resource-pulumi-python": "dynamic provider",
    "pulumi.dynamic": "dynamic provider",
    "pulumi-resource-aws": "AWS provider",
}
GRACE_VARIABLE = "BENCH_GRACE_SECONDS"
_GRACE_SECONDS = 10.0
"""How long what the command started may outlive it before it counts as left behind."""
_LONGEST_SECONDS = 1800.0
_PR_SET_CHILD_SUBREAPER = 36


class CommandFailed(Exception):
    """A contender did not do what it was asked; a figure of it would be a lie."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one command cost, all of its processes together."""

    wall_seconds: float
    """To the end of the command itself."""
    cpu_seconds: float
    """User and system, by the kernel, of every process that it started, orphans included."""
    peak_bytes: int
    """The largest sum of the proportional set sizes; 0 where nobody looked."""
    engines: int
    """The most Pulumi CLIs at one time: labs in flight; 0 where nobody looked."""
    cpu_by_role: Mapping[str, float]
    """As last seen before each process ended: a little less than `cpu_seconds`; empty where nobody looked."""


def measure(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    sample_seconds: float = 0,
    output: Path | None = None,
) -> Cost:
    """Run a command in a folder to its end and say what it cost.

    Args:
        command: without a shell.
        environment: its whole environment.
        folder: where it runs.
        sample_seconds: how often its processes are looked at, which costs CPU; 0: never.
        output: where what it prints is kept; None: nowhere.

    Raises:
        CommandFailed: an exit code other than 0, processes left behind, or half an hour is over.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as files:
        report, printed = Path(files) / "report.json", output or Path(files) / "output"
        meter_command = [sys.executable, "-m", "bench.meter", str(report), str(folder), str(sample_seconds)]
        with printed.open("wb") as file:
            meter = subprocess.Popen(
                [*meter_command, "--", *command], env=dict(environment), cwd=REPOSITORY,
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            meter.wait(_LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"{' '.join(command)}: not done after {_LONGEST_SECONDS:.0f} s") from None
        finally:
            meter.terminate()
            meter.wait()
        result = json.loads(report.read_text("utf-8")) if report.exists() else {"problem": "no report"}
        if problem := result.pop("problem"):
            end = printed.read_text("utf-8", errors="replace")[-2000:]
            raise CommandFailed(f"{' '.join(command)}: {problem}\n{end}")
    return Cost(**result)


def role_of(arguments: Sequence[str]) -> str:
    """What a process with these arguments is for."""
    names = (PurePath(argument).name for argument in arguments)
    return next((_ROLES[name] for name in names if name in _ROLES), OTHER)


class _Watch(threading.Thread):
    """Looks at this process's descendants until it is stopped."""

    def __init__(self, sample_seconds: float) -> None:
        super().__init__(daemon=True)
        self._sample_seconds = sample_seconds
        self._by_process: dict[tuple[int, float], tuple[str, float]] = {}
        self._done = threading.Event()
        self.peak_bytes = self.engines = 0

    def run(self) -> None:
        me = psutil.Process()
        while self._sample_seconds and not self._done.wait(self._sample_seconds):
            memory, roles = 0, Counter[str]()
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error, OSError, KeyError):
                    times, key = process.cpu_times(), (process.pid, process.create_time())
                    # One that is about to end has no arguments any more, and the role that it had.
                    arguments = process.cmdline()
                    role = role_of(arguments) if arguments else self._by_process[key][0]
                    self._by_process[key] = role, times.user + times.system
                    roles[role] += 1
                    memory += process.memory_full_info().pss
            self.peak_bytes, self.engines = max(self.peak_bytes, memory), max(self.engines, roles[CLI])

    def stop(self) -> dict[str, float]:
        """CPU seconds by role."""
        self._done.set()
        self.join()
        totals: Counter[str] = Counter()
        for role, seconds in self._by_process.values():
            totals[role] += seconds  # type: ignore[assignment] # a Counter counts fractions too
        return dict(totals)


def _run(command: Sequence[str], *, folder: str, sample_seconds: float) -> dict[str, Any]:
    """Run a command to the end of the last process that it started; the report for `measure`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    left_behind: list[str] = []
    signal.signal(signal.SIGALRM, lambda *_: left_behind.extend(_end_descendants()))
    watch, started, code, wall_seconds = _Watch(sample_seconds), time.monotonic(), 0, 0.0
    # In a session of its own: Ctrl-C is for the bench, which ends its meters by itself.
    main = subprocess.Popen(command, cwd=folder, start_new_session=True)
    watch.start()
    try:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.wait()
                if pid == main.pid:
                    wall_seconds = time.monotonic() - started
                    code = main.returncode = os.waitstatus_to_exitcode(status)
                    grace = float(os.environ.get(GRACE_VARIABLE) or _GRACE_SECONDS)
                    signal.setitimer(signal.ITIMER_REAL, grace)
    finally:
        _end_descendants()
        by_role = watch.stop()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    problem = f"left behind: {', '.join(left_behind)}" if left_behind else ""
    return {
        "problem": f"exit code {code}" if code else problem,
        "wall_seconds": wall_seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": watch.peak_bytes,
        "engines": watch.engines,
        "cpu_by_role": by_role,
    }


def _end_descendants() -> list[str]:
    ended = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            ended.append(role_of(process.cmdline()))
            process.kill()
    return ended


def main(arguments: Sequence[str]) -> None:
    """Write the report."""
    report, folder, sample_seconds, _, *command = arguments
    # Leave through the `finally` that ends the command. SIGINT also because what a script starts in the
    # background ignores it, and all below would; the engine then waits 5 s for its language host to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    result = _run(command, folder=folder, sample_seconds=float(sample_seconds))
    Path(report).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
