"""All that the commands write: text for people, JSON for programs; to streams as they are found."""

import contextlib
import dataclasses
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from vmc_account_link.call_context import CallContext
from vmc_account_link.cli import check_result
from vmc_account_link.cli.check_result import CheckResult


def make_writable() -> None:
    """Have standard output and error take all text: one that is closed, or has no sign for a letter, too."""
    sys.stdout, sys.stderr = (
        stream or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the process's life
        for stream in (sys.stdout, sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write(text: str, *, to_error: bool = False) -> None:
    """Write a text; that nobody reads on is no error.

    What was closed by the reader is replaced, so that Python does not complain of it as the process ends.
    """
    stream = sys.stderr if to_error else sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show_results(results: Sequence[CheckResult], *, as_json: bool) -> None:
    """Write the results of checks, each with what to do about it."""
    if as_json:
        show_json(check_result.as_json(results))
    else:
        show_text(tuple(check_result.as_text(results)))


def show_text(lines: Sequence[str]) -> None:
    """Write lines of text as they are."""
    write("".join(f"{line}\n" for line in lines))


def show_json(value: Any) -> None:
    """Write one JSON document."""
    write(f"{json.dumps(value, indent=2, default=_plain)}\n")


def complain(error: Exception) -> None:
    """Write one line about what went wrong to standard error."""
    write(f"error: {error}\n", to_error=True)


def note(line: str) -> None:
    """Write a line beside the results, to standard error."""
    write(f"{line}\n", to_error=True)


ASKING = CallContext(emit_progress=note)
"""The context of the commands' questions: standard output is theirs."""


def _plain(value: object) -> Any:
    """What JSON has no word for."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
