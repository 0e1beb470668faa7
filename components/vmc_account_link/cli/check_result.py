"""What a command found, a line each, and the exit code that follows. Pure."""

import dataclasses
from collections.abc import Iterable
from enum import StrEnum

from vmc_account_link.errors import VmcError


class Verdict(StrEnum):
    """What a line says of what it looked at."""

    PASS = "pass"  # noqa: S105 # nosec B105 - no password
    WARN = "warn"
    """It works, with something to know; or it could not be seen."""
    FAIL = "fail"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    found: str
    """What was found, in words, without a secret."""
    hint: str | None = None
    """What to do about it; None where there is nothing to do."""
    details: tuple[str, ...] = ()
    """More of the same, a line each."""


def passed(name: str, found: str, *, details: Iterable[str] = ()) -> Line:
    """It is as it should be."""
    return Line(name=name, verdict=Verdict.PASS, found=found, details=tuple(details))


def warned(name: str, found: str, hint: str | None = None, *, details: Iterable[str] = ()) -> Line:
    """It works, with something to know; or it could not be seen."""
    return Line(name=name, verdict=Verdict.WARN, found=found, hint=hint, details=tuple(details))


def failed(name: str, found: str, hint: str, *, details: Iterable[str] = ()) -> Line:
    """It has to be mended first."""
    return Line(name=name, verdict=Verdict.FAIL, found=found, hint=hint, details=tuple(details))


def from_error(name: str, error: VmcError) -> Line:
    """It could not be asked, which is no answer."""
    return failed(name, f"{error.action}: {error.detail}", error.hint)


def not_asked(name: str, because_of: str) -> Line:
    """Nobody asked, because of another line."""
    return warned(name, f'not looked at, see "{because_of}"')


def exit_code(lines: Iterable[Line]) -> int:
    """0 where nothing fails, else 1."""
    return int(any(line.verdict is Verdict.FAIL for line in lines))
