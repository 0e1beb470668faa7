"""All that the commands write: text for people, JSON for programs."""

import dataclasses
import json
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, TextIO

from vmc_account_link.cli.check_result import Line, Verdict

_NAME_WIDTH = 14
_INDENT = " " * (6 + _NAME_WIDTH)


def show_lines(lines: Sequence[Line], *, as_json: bool, to: TextIO | None = None) -> None:
    """Write the lines, each with what to do about it."""
    out = to or sys.stdout
    if as_json:
        worst = max((line.verdict for line in lines), key=list(Verdict).index, default=Verdict.PASS)
        show_json({"result": worst, "lines": [dataclasses.asdict(line) for line in lines]}, to=out)
        return
    for line in lines:
        revision = line.verdict.upper() if line.verdict is Verdict.FAIL else line.verdict
        out.write(f"{revision:<6}{line.name:<{_NAME_WIDTH}}{line.found}\n")
        out.writelines(f"{_INDENT}{detail}\n" for detail in line.details)
        if line.hint:
            out.writelines(f"{_INDENT}{text}\n" for text in textwrap.wrap(f"-> {line.hint}", 90))


def show_text(lines: Sequence[str], *, to: TextIO | None = None) -> None:
    """Write lines of text as they are."""
    (to or sys.stdout).writelines(f"{line}\n" for line in lines)


def show_json(value: Any, *, to: TextIO | None = None) -> None:
    """Write one JSON document."""
    (to or sys.stdout).write(f"{json.dumps(value, indent=2, default=_plain)}\n")


def complain(error: Exception) -> None:
    """Write one line about what went wrong to standard error."""
    sys.stderr.write(f"error: {error}\n")


def _plain(value: object) -> Any:
    """What JSON has no word for."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
