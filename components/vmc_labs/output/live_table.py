"""What runs, as it runs: a table that stays in place on a terminal, plain lines where there is none."""

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vmc_labs.fleet.results import LabProgress, LabResult
from vmc_labs.output.terminal import Output, clock, now_clock, summary

_MOST_ROWS = 30
"""Labs in flight that the table shows; the rest is a number."""


class LiveFleet:
    """A context manager; its methods may be called from any thread."""

    def __init__(self, output: Output, total: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take where to write, and of how many labs."""
        self._console = output.progress
        self._total = total
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, LabProgress]] = {}
        self._done: list[str] = []
        self._live = (
            Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def emit_progress(self, progress: LabProgress) -> None:
        """A running lab has something to say."""
        with self._lock:
            started, before = self._running.get(progress.lab, (self._monotonic(), None))
            self._running[progress.lab] = (started, progress)
        if not self._live and progress != before:
            self._line(progress.lab, f"[{progress.phase}] {progress.message}")

    def report(self, result: LabResult) -> None:
        """A lab has ended."""
        with self._lock:
            self._running.pop(result.lab, None)
            self._done.append(result.outcome.value)
            count = len(self._done)
        # Why it failed is said once, in the summary.
        self._line(result.lab, f"{result.outcome} after {clock(result.seconds)} ({count}/{self._total})")

    def say(self, message: str) -> None:
        """A line about the whole fleet."""
        # Whoever read this may have left; the labs go on.
        with contextlib.suppress(OSError):
            self._console.print(Text(message), soft_wrap=True)

    def _line(self, lab: str, message: str) -> None:
        self.say(f"{now_clock()} {lab}: {message}")

    def _render(self) -> RenderableType:
        with self._lock:
            running, done = dict(self._running), list(self._done)
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("lab", "phase", "elapsed", "last message"):
            table.add_column(name, no_wrap=name == "last message", overflow="ellipsis")
        for lab, (started, progress) in list(running.items())[:_MOST_ROWS]:
            elapsed = clock(self._monotonic() - started)
            table.add_row(lab, progress.phase, elapsed, Text(progress.message))
        waiting = self._total - len(done) - len(running)
        hidden = f", {len(running) - _MOST_ROWS} more in flight" if len(running) > _MOST_ROWS else ""
        came = f" ({summary(done)})" if done else ""
        line = f"{len(done)} of {self._total} done{came}, {len(running)} in flight, {waiting} to come{hidden}"
        return Group(table, Text(line))
