"""Run one external tool to its end, with a time limit and a sign of life.

A tool's failure is one line: the tail of what it printed.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BEAT_SECONDS = 30.0
# What an interrupted tool gets to tidy up after itself (`go` removes its work folder) before it is killed.
GRACE_SECONDS = 5.0
TAIL_LINES = 3
TAIL_CHARACTERS = 400


OnBeat = Callable[[float], None]


class SetupError(Exception):
    """A step of the set-up failed; the text is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A tool that ran to its end."""

    code: int
    """Exit code; the negative number of the signal that ended it."""
    output: str
    errors: str
    """What it wrote to standard error."""

    @property
    def tail(self) -> str:
        """The end of what it said, as one line."""
        return tail(self.output + self.errors)


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    limit_seconds: float,
    cwd: Path | None = None,
    beat_seconds: float = BEAT_SECONDS,
    on_beat: OnBeat = lambda _elapsed_seconds: None,
) -> Finished:
    """Run `command` in a process group of its own; every `beat_seconds` call `on_beat` with the seconds gone.

    Raises:
        SetupError: it could not be started, or had not ended after `limit_seconds`.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,  # so that what it started can be stopped with it
        )
    except OSError as error:
        raise SetupError(f"{Path(command[0]).name} could not be started: {error.strerror}") from error
    with process:
        try:
            output, errors = _wait(
                process, limit_seconds=limit_seconds, beat_seconds=beat_seconds, on_beat=on_beat
            )
        except BaseException:  # Ctrl-C as well: nothing that was started outlives this run
            _stop(process)
            raise
    return Finished(code=process.returncode, output=output, errors=errors)


def tail(output: str) -> str:
    """The end of a tool's output as one line, or "no output"."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("go: downloading", "#"))] or lines
    text = " | ".join(telling[-TAIL_LINES:])
    return f"…{text[-TAIL_CHARACTERS:]}" if len(text) > TAIL_CHARACTERS else text or "no output"


def _wait(
    process: subprocess.Popen[str], *, limit_seconds: float, beat_seconds: float, on_beat: OnBeat
) -> tuple[str, str]:
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < limit_seconds:
        try:
            return process.communicate(timeout=min(beat_seconds, limit_seconds - elapsed))
        except subprocess.TimeoutExpired:
            on_beat(time.monotonic() - started)
    raise SetupError(f"not finished after {limit_seconds:.0f} s, given up")


def _stop(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
