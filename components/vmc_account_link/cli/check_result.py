"""What a command found, one result for each thing that was looked at, and how it is shown. Pure."""

import dataclasses
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from vmc_account_link.errors import CommandFailed, VmcError

_NAME_WIDTH = 14
_HINT_WIDTH = 90


class Verdict(StrEnum):
    """What a result says of what was looked at."""

    PASS = "pass"  # noqa: S105 # nosec B105 - no password
    WARN = "warn"
    """It works, with something to know; or it could not be seen."""
    FAIL = "fail"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    found: str
    """What was found, in words, without a secret."""
    hint: str | None = None
    """What to do about it; None where there is nothing to do."""
    details: tuple[str, ...] = ()
    """More of the same, a line each."""


def passed(name: str, found: str, *, details: Iterable[str] = ()) -> CheckResult:
    """It is as it should be."""
    return CheckResult(name=name, verdict=Verdict.PASS, found=found, details=tuple(details))


def warned(name: str, found: str, hint: str | None = None, *, details: Iterable[str] = ()) -> CheckResult:
    """It works, with something to know; or it could not be seen."""
    return CheckResult(name=name, verdict=Verdict.WARN, found=found, hint=hint, details=tuple(details))


def failed(name: str, found: str, hint: str | None, *, details: Iterable[str] = ()) -> CheckResult:
    """It has to be mended first."""
    return CheckResult(name=name, verdict=Verdict.FAIL, found=found, hint=hint, details=tuple(details))


def from_error(name: str, error: VmcError | CommandFailed) -> CheckResult:
    """It could not be asked, which is no answer."""
    if isinstance(error, CommandFailed):
        return failed(name, str(error), None)
    return failed(name, f"{error.action}: {error.detail}", error.hint)


def skipped(name: str, because_of: str) -> CheckResult:
    """Nobody asked, because of another result."""
    return warned(name, f'not checked, see "{because_of}"')


def run_check(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """The result of a look, which may fail: what can't be asked does not hide the others."""
    try:
        return check()
    except (CommandFailed, VmcError) as error:
        return from_error(name, error)


def exit_code(results: Iterable[CheckResult]) -> int:
    """0 where nothing fails, else 1."""
    return int(any(result.verdict is Verdict.FAIL for result in results))


def as_text(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each result, with what to do about it below."""
    width = max((_NAME_WIDTH, *(len(result.name) + 2 for result in results)))
    indent = " " * (6 + width)
    for result in results:
        verdict = result.verdict.upper() if result.verdict is Verdict.FAIL else result.verdict
        yield f"{verdict:<6}{result.name:<{width}}{result.found}"
        hint = textwrap.wrap(f"-> {result.hint}", _HINT_WIDTH) if result.hint else ()
        yield from (f"{indent}{line}" for line in (*result.details, *hint))


def as_json(results: Sequence[CheckResult]) -> dict[str, Any]:
    """The worst verdict and all results, for a program."""
    worst = max((result.verdict for result in results), key=list(Verdict).index, default=Verdict.PASS)
    return {"result": worst, "lines": [dataclasses.asdict(result) for result in results]}
