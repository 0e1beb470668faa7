"""Start a command under a meter of its own, and read what the meter found."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from bench.meter import SAMPLE_VARIABLE

_REPOSITORY = Path(__file__).resolve().parent.parent
_METER_ENDS_SECONDS = 30


class CommandFailed(Exception):
    """A contender did not do what it was asked; a figure of it would be a lie."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one command cost, all of its processes together."""

    wall_seconds: float
    """To the end of the command itself."""
    cpu_seconds: float
    """User and system, by the kernel's own accounts, of every process that it started, orphans included."""
    peak_pss_bytes: int
    """The largest sum of the proportional set sizes, by default looked at four times a second."""
    most_processes: int
    cpu_seconds_by_role: Mapping[str, float]
    """By `bench.roles`, as last seen before each process ended: a little less than `cpu_seconds`."""

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> Self:
        """Read the meter's report."""
        return cls(**{field.name: report[field.name] for field in dataclasses.fields(cls)})

    def to_wire(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return dataclasses.asdict(self)


class Running:
    """A command that is being measured; `finish` waits for it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        sample_seconds: float | None = None,
    ) -> None:
        """Start the command.

        Args:
            command: without a shell.
            environment: its whole environment.
            folder: where it runs.
            sample_seconds: how often its processes are looked at; None: four times a second.
        """
        self._command = command
        self._files = Path(tempfile.mkdtemp(prefix="bench-"))
        self._report = self._files / "report.json"
        # The meter finds the bench by PYTHONPATH, which the command must not see.
        launch = [
            "-c",
            (
                f"import sys; sys.path.insert(0, {str(_REPOSITORY)!r}); "
                "from bench.meter import main; sys.exit(main(sys.argv[1:]))"
            ),
        ]
        given = dict(environment)
        if sample_seconds is not None:
            given[SAMPLE_VARIABLE] = str(sample_seconds)
        with (self._files / "output").open("wb") as output:
            self._meter = subprocess.Popen(
                [sys.executable, *launch, str(self._report), "--", *command],
                env=given,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def is_running(self) -> bool:
        """Whether the command, or something that it started, runs."""
        return self._meter.poll() is None

    def cpu_seconds_so_far(self) -> float:
        """User and system time of the processes that run now; for the difference of two moments."""
        total = 0.0
        for process in psutil.Process(self._meter.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def output(self) -> str:
        """What the command has printed so far."""
        return (self._files / "output").read_text(encoding="utf-8", errors="replace")

    def finish(self, timeout_seconds: float = 1800.0) -> Measurement:
        """Wait for the end.

        Raises:
            CommandFailed: an exit code other than 0, processes left behind, or the time is over.
        """
        try:
            self._meter.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise CommandFailed(self._with_output(f"not done after {timeout_seconds:.0f} s")) from None
        except BaseException:
            self.end()
            raise
        if self._meter.returncode != 0:
            raise CommandFailed(self._with_output(f"its meter exited with {self._meter.returncode}"))
        report = json.loads(self._report.read_text(encoding="utf-8"))
        if report["code"] != 0:
            raise CommandFailed(self._with_output(f"exit code {report['code']}"))
        if report["left_behind"]:
            raise CommandFailed(self._with_output(f"left behind: {', '.join(report['left_behind'])}"))
        return Measurement.from_report(report)

    def end(self) -> None:
        """End the command and everything that it started."""
        self._meter.terminate()
        try:
            self._meter.wait(_METER_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._meter.kill()

    def _with_output(self, what: str) -> str:
        return f"{' '.join(self._command)}: {what}\n{self.output()[-2000:]}"


def measure(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    sample_seconds: float | None = None,
) -> Measurement:
    """Run a command to its end and say what it cost.

    Raises:
        CommandFailed: as `Running.finish`.
    """
    return Running(command, environment=environment, folder=folder, sample_seconds=sample_seconds).finish()


def python(*arguments: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *arguments]


def host_environment() -> dict[str, str]:
    """The environment of this process, copied."""
    return dict(os.environ)
