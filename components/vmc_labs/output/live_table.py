"""What runs, as it runs: a table that stays in place on a terminal, plain lines where there is none."""

import contextlib
import threading
import time
from datetime import timedelta
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vmc_labs.fleet.results import TEMPLATE, LabProgress, LabResult
from vmc_labs.output.report.timeline import clock
from vmc_labs.output.terminal import Output, now_clock, summary

_MOST_ROWS = 30
"""Labs in flight that the table shows at most, as far as the terminal is high; the rest is a number."""
_OTHER_ROWS = 4
"""Of the terminal: the head, the last line, which may need two, and the cursor's."""


class LiveFleet:
    """A context manager; its methods may be called from any thread."""

    def __init__(self, output: Output, total: int) -> None:
        """Take where to write, and of how many labs."""
        self._console = output.progress
        self._total = total
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, LabProgress]] = {}
        self._done: list[str] = []
        self._template_lines: set[str] = set()
        """Said already, whichever lab they were of."""
        self._live = (
            Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def emit_progress(self, progress: LabProgress) -> None:
        """A running lab has something to say."""
        if progress.phase == TEMPLATE:
            self._emit_template(progress)
            return
        with self._lock:
            started, before = self._running.get(progress.lab, (time.monotonic(), None))
            self._running[progress.lab] = (started, progress)
        if not self._live and progress != before:
            self._line(progress.lab, f"[{progress.phase}] {progress.message}")

    def _emit_template(self, progress: LabProgress) -> None:
        with self._lock:
            is_new = progress.message not in self._template_lines
            self._template_lines.add(progress.message)
        if is_new:
            self._line(progress.lab, f"[{progress.phase}] {progress.message}")

    def report(self, result: LabResult) -> None:
        """A lab has ended."""
        with self._lock:
            self._running.pop(result.lab, None)
            self._done.append(result.status)
            count = len(self._done)
        # Why it failed is said once, in the summary.
        self._line(
            result.lab,
            f"{result.status} after {clock(timedelta(seconds=result.seconds))} ({count}/{self._total})",
        )

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
            # Columns that may wrap give way first; the message's text is cut instead.
            table.add_column(name, no_wrap=name != "last message")
        shown = min(_MOST_ROWS, max(self._console.height - _OTHER_ROWS, 1))
        for lab, (started, progress) in list(running.items())[:shown]:
            message = Text(progress.message, no_wrap=True, overflow="ellipsis")
            table.add_row(lab, progress.phase, clock(timedelta(seconds=time.monotonic() - started)), message)
        waiting = self._total - len(done) - len(running)
        hidden = f", {len(running) - shown} of them not shown" if len(running) > shown else ""
        came = f" ({summary(done)})" if done else ""
        line = f"{len(done)} of {self._total} done{came}, {len(running)} in flight, {waiting} to come{hidden}"
        return Group(table, Text(line))
