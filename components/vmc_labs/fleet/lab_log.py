"""A lab's log file, and its progress for the person who watches."""

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from vmc_labs.fleet.results import LabProgress
from vmc_labs.private_files import append_to

_RUN = "# run of "
"""How a run begins in a log; each line that a lab says has the time of day before it."""


def last_run(text: str) -> str:
    """The last run of a log's text, its first line with the day."""
    return text[max(text.rfind(f"\n{_RUN}") + 1, 0) :]


class LabLog:
    """What a lab says: all of it into its file, steps to the screen as well.

    A file that can't be written costs the log, which the person is told once, and not the lab.
    """

    def __init__(self, file: Path | None, lab: str, emit_progress: Callable[[LabProgress], None]) -> None:
        """Take the file (None: none is written), the lab's name, and who is told."""
        self._path, self._lab, self._emit_progress = file, lab, emit_progress
        self._file: IO[str] | None = None
        self._phase = "log"

    def __enter__(self) -> Self:
        if self._path:
            try:
                self._file = os.fdopen(append_to(self._path), "a", encoding="utf-8", buffering=1)
                self._file.write(f"{_RUN}{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}\n")
            except OSError as error:
                self._give_up(error)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, text: str) -> None:
        """Write lines into the file."""
        if self._file:
            stamp = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
            try:
                for line in text.splitlines():
                    self._file.write(f"{stamp}Z {line}\n")
            except OSError as error:
                self._give_up(error)

    def keep(self, text: str) -> Path | None:
        """Write lines into the file and return its path."""
        self.write(text)
        return self._path

    def step(self, phase: str, message: str) -> None:
        """Tell a step, and write it down."""
        self._phase = phase
        self.write(f"[{phase}] {message}")
        self._emit_progress(LabProgress(lab=self._lab, phase=phase, message=message))

    def say(self, message: str) -> None:
        """Tell a line of the step that is under way."""
        self.step(self._phase, message)

    def _give_up(self, error: OSError) -> None:
        self._close()
        self.say(f"the log {self._path} can't be written: {error.strerror}; the lab goes on without it")

    def _close(self) -> None:
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):  # what could not be written was told
                file.close()
