"""What became of the guards -> a table and JSON. Pure but for the two files."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.guards.mutant import Verdict
from tests.support.results import save_results


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One test without one behaviour."""

    behaviour: str
    files: tuple[str, ...]
    """Where it was taken out."""
    test: str
    verdict: Verdict
    said: str
    """What the test said when it failed."""
    seconds: float
    """The tests of one behaviour run together: each has its share."""


def table(lines: Sequence[Line]) -> str:
    """The guards in their order: the behaviour, then a line for each test."""
    shown: list[str] = []
    for place, line in enumerate(lines):
        if place == 0 or lines[place - 1].behaviour != line.behaviour:
            shown += ["", line.behaviour, f"  without it, in {', '.join(line.files)}:"]
        shown.append(f"  {line.verdict:<12} {line.seconds:5.1f} s  {line.test}")
        if line.said:
            shown.append(f"{'':23}{line.said[:160]}")
    return "\n".join([*shown[1:], "", totals(lines), ""])


def totals(lines: Sequence[Line]) -> str:
    """One line: how many were noticed."""
    counted = Counter(line.verdict for line in lines)
    behaviours = len({line.behaviour for line in lines})
    return f"{behaviours} behaviours taken out: " + ", ".join(
        f"{counted[one]} tests {one}" if one is Verdict.SEEN_TO_FAIL else f"{counted[one]} {one}"
        for one in Verdict
    )


def save(folder: Path, lines: Sequence[Line]) -> None:
    """Write `guards.txt` and `guards.json`, each at once."""
    save_results(folder, "guards", lines, table(lines))
