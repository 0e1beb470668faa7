"""All that the commands write: text for people, JSON for programs."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from vmc_account_link import check_result
from vmc_account_link.call_context import CallContext
from vmc_account_link.check_result import CheckResult
from vmc_account_link.standard_streams import write


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
