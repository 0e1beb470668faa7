"""What is wrong in a spec, and where."""

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

from vmc_account_link.errors import RequestError
from vmc_labs.spec import located_yaml


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a spec."""

    line: int
    path: str
    """`labs[3].awsAccountId`; empty for the file as a whole."""
    reason: str


class SpecRefused(RequestError):
    """The spec is wrong; nothing was touched. One line for each problem: file, line, key, reason."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.path)))
        lines = (f"{file}:{p.line}: {f'{p.path}: ' if p.path else ''}{p.reason}" for p in self.problems)
        super().__init__("\n".join(lines))
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process, which Python would try with the text alone."""
        return type(self), (self._file, list(self.problems))


class Problems:
    """Collects what is wrong in one file."""

    def __init__(self, located: located_yaml.LocatedYaml) -> None:
        self._located = located
        self.found: list[Problem] = []

    def add(self, path: located_yaml.Path, reason: str) -> None:
        """Note a problem with what is at the path; the same one only once."""
        problem = Problem(line=self._located.line(path), path=key_of(path), reason=reason)
        if problem not in self.found:
            self.found.append(problem)


def key_of(path: located_yaml.Path) -> str:
    """`("labs", 3, "name")` -> `labs[3].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean team-01?` for the nearest of the known words; empty where none is near."""
    close = difflib.get_close_matches(word, sorted(known))
    return f"; did you mean {close[0]}?" if close and close[0] != word else ""
