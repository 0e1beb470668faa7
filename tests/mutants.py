"""`python -m tests.mutants FOLDER [PATTERN …]`: which changes of the pure code does no test notice?

mutmut runs in `.mutants/`, by `[tool.mutmut]` of pyproject.toml; there, `mutmut show NAME` shows a change.
"""

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.results import save_results, say

_STAGE = REPOSITORY / ".mutants"
_MUTMUT = Path(sys.executable).with_name("mutmut")
_NOTICED = ("killed", "timeout")
"""A change that makes a test run for ever is noticed as well."""
_SHOWN = (*_NOTICED, "survived", "no tests")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of the code, and what came of the tests that reach it."""

    name: str
    """As mutmut calls it: the module, the function, a number."""
    status: str

    @property
    def module(self) -> str:
        """The module that it changes."""
        return self.name.rpartition(".")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Change, test, report; mutmut's exit code, which is 0 whatever survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("folder", type=Path, help="for mutants.txt and mutants.json")
    parser.add_argument("patterns", nargs="*", help="of mutants' names, as 'vmc_labs.fleet*'; none: all")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    _lay_out()
    ended = subprocess.run([_MUTMUT, "run", *options.patterns], cwd=_STAGE, check=False)
    if ended.returncode != 0:
        return ended.returncode
    results = subprocess.run(
        [_MUTMUT, "results", "--all", "true"], cwd=_STAGE, check=True, capture_output=True, text=True
    )
    mutants = read_results(results.stdout)
    save_results(options.folder, "mutants", mutants, f"{table(mutants)}\n\n{_unnoticed(mutants)}\n")
    say(table(mutants))
    say(f"{options.folder / 'mutants.txt'}, {options.folder / 'mutants.json'}")
    return 0


def read_results(results: str) -> list[Mutant]:
    """What `mutmut results --all true` prints, but for mutants that were not tried."""
    pairs = (line.strip().rpartition(": ") for line in results.splitlines() if ": " in line)
    return [Mutant(name=name, status=status) for name, _, status in pairs if status != "not checked"]


def table(mutants: Iterable[Mutant]) -> str:
    """A line for each module, and for all: how many were noticed, how many not; the score in percent."""
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        counts.setdefault(mutant.module, Counter())[mutant.status] += 1
    counts["all"] = sum(counts.values(), Counter())
    width = max(map(len, counts))
    lines = ["".join([" " * width, *(f"{column:>10}" for column in (*_SHOWN, "other", "score"))])]
    for module, count in counts.items():
        shown = [count[status] for status in _SHOWN]
        total = max(count.total(), 1)
        score = 100 * sum(count[status] for status in _NOTICED) / total
        cells = "".join(f"{number:>10}" for number in (*shown, count.total() - sum(shown)))
        lines.append(f"{module:<{width}}{cells}{score:>8.1f} %")
    return "\n".join(lines)


def _unnoticed(mutants: Iterable[Mutant]) -> str:
    return "\n".join(f"{one.status}  {one.name}" for one in mutants if one.status not in _NOTICED)


def _lay_out() -> None:
    """Make a new folder, as mutmut wants a repository: the packages under `src`."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    if _STAGE.exists():
        shutil.rmtree(_STAGE)
    _STAGE.mkdir()
    names = {Path(path).parts[0] for path in settings["also_copy"]}
    targets = {"src": "components", **{name: name for name in (*names, "tests", "pyproject.toml")}}
    for link, target in targets.items():
        (_STAGE / link).symlink_to(os.path.relpath(REPOSITORY / target, _STAGE))


if __name__ == "__main__":
    sys.exit(main())
