"""Outcomes of crashes -> a table, totals, JSON; and back. Pure but for the two files."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.crashes.case import Outcome
from tests.crashes.points import Crash
from tests.support.results import save_results

_LEGEND = (
    "lost, late, after: the request never took effect, took effect once its sender was dead, or had taken "
    "effect at the kill;\nCLI, all: what was killed; ok: after recover and one more run the end is as "
    "without the crash; ?: not played"
)


def totals(crashes: Iterable[Crash], outcomes: Mapping[str, Outcome]) -> str:
    """One line: how many converged, at points and at random."""
    parts = []
    for label, is_random in (("at calls", False), ("at random moments", True)):
        expected = [crash for crash in crashes if crash.is_random == is_random]
        played = [outcomes[crash.name] for crash in expected if crash.name in outcomes]
        landed = [one for one in played if one.killed_after or one.fell_short]
        short = sum(1 for one in landed if one.fell_short)
        late = len(played) - len(landed)
        parts.append(
            f"{len(landed)} kills {label}: {len(landed) - short} converged, {short} FELL SHORT"
            + (f" ({late} more came too late)" if late else "")
        )
    return "; ".join(parts)


def table(crashes: Iterable[Crash], outcomes: Mapping[str, Outcome]) -> str:
    """Call by moment, where the random kills landed, the totals, and a line for each that fell short."""
    crashes = tuple(crashes)
    points = [crash for crash in crashes if not crash.is_random]
    columns = list(dict.fromkeys(f"{crash.moment.value} {crash.what}" for crash in points))
    rows: dict[str, dict[str, str]] = {}
    for crash in points:
        outcome = outcomes.get(crash.name)
        symbol = "?" if outcome is None else "SHORT" if outcome.fell_short else "ok"
        rows.setdefault(crash.row, {})[f"{crash.moment.value} {crash.what}"] = symbol
    width = max((len(row) for row in rows), default=0)
    lines = ["".join([" " * width, *(f"{column:>10}" for column in columns)])]
    for row, symbols in rows.items():
        lines.append(f"{row:<{width}}" + "".join(f"{symbols.get(column, '-'):>10}" for column in columns))
    landed = Counter(
        (outcomes[crash.name].row, outcomes[crash.name].killed_after)
        for crash in crashes
        if crash.is_random and crash.name in outcomes and outcomes[crash.name].killed_after
    )
    lines += ["", "The last call before a random kill:"]
    lines += [f"  {row}: {call} {count}" for (row, call), count in sorted(landed.items())]
    short = [outcome for outcome in outcomes.values() if outcome.fell_short]
    output = [f"FELL SHORT  {one.crash}: {one.fell_short}" for one in short]
    return "\n".join([*lines, "", _LEGEND, totals(crashes, outcomes), *output, ""])


def save(folder: Path, crashes: Iterable[Crash], outcomes: Mapping[str, Outcome]) -> None:
    """Write `crashes.txt` and `crashes.json`, each at once."""
    save_results(folder, "crashes", outcomes.values(), table(crashes, outcomes))


def load(folder: Path) -> dict[str, Outcome]:
    """The outcomes of an earlier run, by crash; none where there are none."""
    path = folder / "crashes.json"
    if not path.exists():
        return {}
    outcomes = (Outcome(**one) for one in json.loads(path.read_text(encoding="utf-8")))
    return {outcome.crash: outcome for outcome in outcomes}
