"""A lab's log file, and its progress for the person who watches."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from labs.results import LabProgress


class LabLog:
    """What a lab says: all of it into its file, steps to the screen as well."""

    def __init__(self, file: Path | None, lab: str, tell: Callable[[LabProgress], None]) -> None:
        """Take the file (None: none is written), the lab's name, and who is told."""
        self._path, self._lab, self._tell = file, lab, tell
        self._file: IO[str] | None = None
        self._phase = ""

    def __enter__(self) -> Self:
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            self._file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def write(self, text: str) -> None:
        """Write lines into the file."""
        if self._file:
            stamp = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
            for line in text.splitlines():
                self._file.write(f"{stamp}Z {line}\n")

    def keep(self, text: str) -> Path | None:
        """Write lines into the file and return its path."""
        self.write(text)
        return self._path

    def step(self, phase: str, message: str) -> None:
        """Tell a step, and write it down."""
        self._phase = phase
        self.write(f"[{phase}] {message}")
        self._tell(LabProgress(lab=self._lab, phase=phase, message=message))

    def say(self, message: str) -> None:
        """Tell a line of the step that is under way."""
        self.step(self._phase, message)
