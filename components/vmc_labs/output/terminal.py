"""All writing to the terminal: tables, the live one, plain lines, JSON, CSV, env files."""

import contextlib
import csv
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vmc_account_link.errors import RequestError
from vmc_labs.fleet.plan import Step
from vmc_labs.fleet.results import LabResult
from vmc_labs.fleet.status import Finding, LabStatus
from vmc_labs.private_files import write_file
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.reader import LabState

_COLOURS = {LabStatus.FAILED: "red", LabStatus.INTERRUPTED: "yellow"}
_SHOWN = ("account_number", "connected_account_id", "connected_account_state", "stack_name")
"""The outputs that a table has room for."""
_WIDE = 200
"""Columns without a terminal: a line of a log is cut nowhere."""


class Output:
    """Standard output for what was asked for, standard error for what goes on meanwhile."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = _console(out or sys.stdout)
        self.progress = _console(err or sys.stderr)

    def say(self, line: str) -> None:
        """A line about what goes on."""
        self.progress.print(Text(line), soft_wrap=True)

    def plan(self, steps: Sequence[Step]) -> None:
        """A plan as a table, and how much it is."""
        table = _table("lab", "stack", "status", "action", "why")
        for row, step in zip(step_rows(steps), steps, strict=True):
            table.add_row(*map(Text, row.values()), style=None if step.verb else "dim")
        self._out.print(table)
        self._out.print(Text(summary([step.verb or "nothing" for step in steps])))

    def results(self, results: Sequence[LabResult]) -> None:
        """The summary of a run: how many of what, and each reason why labs are not as asked."""
        failures: dict[tuple[LabStatus, str], list[str]] = {}
        for result in results:
            if result.error:
                failures.setdefault((result.status, result.error), []).append(result.lab)
        for (status, error), labs in failures.items():
            shown = Text(status, style=_COLOURS.get(status, ""))
            self._out.print(Text.assemble(f"{', '.join(labs)} ", shown, f": {error}"), soft_wrap=True)
        unchanged = sum(not result.has_changed and not result.error for result in results)
        as_before = f" ({unchanged} unchanged)" if unchanged else ""
        self._out.print(Text(summary([result.status for result in results]) + as_before))

    def outputs(self, labs: Mapping[str, Mapping[str, object]], form: str) -> None:
        """The labs' outputs: all of them as `json` or `csv`, what people ask for as a `table`."""
        if form == "json":
            json.dump(labs, self._out.file, indent=2)
            self._out.file.write("\n")
            return
        if form == "table":
            self.table(
                [{"lab": lab, **{key: found.get(key) for key in _SHOWN}} for lab, found in labs.items()]
            )
            return
        rows = [{"lab": lab, **{key: _flat(v) for key, v in found.items()}} for lab, found in labs.items()]
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(self._out.file, names or ["lab"], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _no_formula(value) for key, value in row.items()} for row in rows)

    def text(self, lines: Iterable[str]) -> None:
        """Lines as they are."""
        for line in lines:
            self._out.print(Text(line), soft_wrap=True)

    def json(self, value: object) -> None:
        """Anything as JSON."""
        json.dump(value, self._out.file, indent=2, default=str)
        self._out.file.write("\n")

    def table(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Rows under the names of their values."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = _table(*names)
        for row in rows:
            table.add_row(*(Text(str(row.get(name, "") or "")) for name in names))
        self._out.print(table)


def summary(labels: Iterable[str]) -> str:
    """`28 ready, 2 failed`: how many of each, the most first."""
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    parts = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {label}" for label, count in parts) or "no labs"


def step_rows(steps: Sequence[Step]) -> list[dict[str, str]]:
    """A plan for `--json`."""
    return [
        {
            "lab": step.lab.name,
            "stack": step.lab.stack,
            "status": step.found.status.value,
            "action": step.verb or "nothing",
            "why": step.reason,
        }
        for step in steps
    ]


def result_rows(results: Sequence[LabResult]) -> list[dict[str, object]]:
    """A run's results for `--json`."""
    return [
        {
            "lab": one.lab,
            "status": one.status.value,
            "changed": one.has_changed,
            "seconds": round(one.seconds, 1),
            "error": one.error,
            "outputs": dict(one.outputs),
        }
        for one in results
    ]


def status_row(lab: LabSpec, found: Finding, state: LabState | None) -> dict[str, object]:
    """A lab as `status` shows it."""
    return {
        "lab": lab.name,
        "stack": lab.stack,
        "status": found.status.value,
        "account": state.outputs.get("account_number", "") if state else "",
        "connected": _moment(state.phases.connected) if state else "",
        "expires": _moment(state.expires) if state else "",
        "owner": state.tags.get("owner", "") if state else "",
        "note": "" if found.status is LabStatus.LINKED else found.reason,
    }


def write_env_files(folder: Path, labs: Mapping[str, Mapping[str, object]]) -> list[Path]:
    """Write `<lab>.env` for each lab, for this user only: lines that a shell can read in.

    Raises:
        RequestError: one can't be written.
    """
    written = []
    for lab, outputs in labs.items():
        path = folder / f"{lab}.env"
        lines = [f"LAB={shlex.quote(lab)}"]
        lines += [f"{name.upper()}={shlex.quote(_flat(value))}" for name, value in sorted(outputs.items())]
        try:
            write_file(path, "\n".join([*lines, ""]))
        except OSError as error:
            raise RequestError(f"write {path}: {error.strerror}; name another --directory") from None
        written.append(path)
    return written


def now_clock() -> str:
    """The time of day in UTC, as logs and `status` write it."""
    return time.strftime("%H:%M:%SZ", time.gmtime())


def _flat(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _no_formula(value: object) -> object:
    """A cell that a spreadsheet would not take for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else value


def _moment(moment: object) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if hasattr(moment, "strftime") else ""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Say no more, as nobody reads it; rich would end the thread, which may be a lab's."""
        self.quiet = True
        with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            # Else Python complains when it ends of what it could not write.
            os.dup2(nowhere.fileno(), self.file.fileno())


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else _WIDE
    return _Console(file=file, width=width, highlight=False, markup=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        # The first is a lab's name, which stays in one piece.
        table.add_column(column, overflow="fold", no_wrap=column == columns[0])
    return table
