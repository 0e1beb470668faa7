"""What a guard is: a behaviour, how it is taken out, and the tests that must fail then. Pure."""

import dataclasses
import re
from enum import StrEnum

_OUTCOME = re.compile(r"(FAILED|PASSED|ERROR) (\S+::\w+(?:\[.*?\])?)(?: - (.*))?$")
"""A line of pytest's short test summary; parameters may hold blanks."""
_HUNG = "Timeout (>"
"""Of pytest-timeout."""


class WrongTable(Exception):
    """The table does not fit the code any more."""


class Verdict(StrEnum):
    """What a test made of a behaviour that was taken out."""

    SEEN_TO_FAIL = "seen to fail"
    STILL_PASSES = "STILL PASSES"
    NO_ANSWER = "NO ANSWER"
    """It did not run: the table is wrong."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Other words in one file."""

    file: str
    """Relative to the repository."""
    find: str
    """Stands in the file exactly once."""
    replacement: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A behaviour, and who notices its absence."""

    behaviour: str
    """A sentence."""
    without: tuple[Change, ...]
    """How it is taken out."""
    tests: tuple[str, ...]
    """Ids of pytest: each of them must fail without the behaviour; all parameters together count as one."""


def guard(
    behaviour: str, file: str, find: str, replacement: str, *tests: str, also: tuple[Change, ...] = ()
) -> Guard:
    """A guard of one change, and of others that belong to it."""
    change = Change(file=file, find=find, replacement=replacement)
    return Guard(behaviour=behaviour, without=(change, *also), tests=tests)


def changed(text: str, change: Change) -> str:
    """The file's text with the change made.

    Raises:
        WrongTable: what is to be found is not there exactly once, or nothing would be changed.
    """
    count = text.count(change.find)
    if count != 1:
        raise WrongTable(f"{change.file}: {count} times instead of once: {change.find!r}")
    if change.find == change.replacement:
        raise WrongTable(f"{change.file}: the replacement of {change.find!r} is the same")
    return text.replace(change.find, change.replacement)


def verdict(test: str, exit_code: int, summary: str) -> Verdict:
    """What pytest's end says about a test that ran without the behaviour.

    Args:
        test: its id in the table; without parameters it stands for all of them.
        exit_code: of pytest: 1 is "tests failed", anything else but 0 that they did not run to their end.
        summary: its short test summary; a fixture that failed is an ERROR there, not a FAILED test. A test
            that hangs is no answer: on a machine under load it may have passed.
    """
    outcomes = {"HUNG" if _HUNG in (line[3] or "") else line[1] for line in _of_test(test, summary)}
    if exit_code == 1 and "FAILED" in outcomes:
        return Verdict.SEEN_TO_FAIL
    return Verdict.STILL_PASSES if exit_code in {0, 1} and outcomes == {"PASSED"} else Verdict.NO_ANSWER


def reason(test: str, summary: str) -> str:
    """What the test said that failed; where it did not run, the last thing that pytest said."""
    found = _of_test(test, summary)
    said = next((line[3] or "" for line in found if line[1] == "FAILED"), None)
    last = next((line for line in reversed(summary.splitlines()) if line.strip()), "")
    return said if said is not None else "" if found else last


def not_passed(summary: str) -> tuple[str, ...]:
    """The ids of the tests that failed, or whose fixtures did."""
    return tuple(dict.fromkeys(line[2] for line in _outcomes(summary) if line[1] != "PASSED"))


def _of_test(test: str, summary: str) -> list[re.Match[str]]:
    return [line for line in _outcomes(summary) if line[2] == test or line[2].startswith(f"{test}[")]


def _outcomes(summary: str) -> list[re.Match[str]]:
    return list(filter(None, map(_OUTCOME.match, summary.splitlines())))
