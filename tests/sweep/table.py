"""Results -> a table, totals, JSON; and back. Pure but for the two files."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.results import save_results
from tests.sweep.cell import Result
from tests.sweep.kinds import Cell
from tests.sweep.verdict import Verdict

_SYMBOLS: Mapping[Verdict, str] = {
    Verdict.SUCCEEDED: "ok",
    Verdict.CONVERGED: "then ok",
    Verdict.RECOVERED: "recover",
    Verdict.FELL_SHORT: "SHORT",
}
_LEGEND = (
    "ok: it succeeded; then ok: it failed with one clear line and the next one converged; recover: the next\n"
    "one said to run `labs recover`, and after that it converged; SHORT: neither; ?: not played; "
    "-: can't happen there"
)


def table(cells: Iterable[Cell], results: Mapping[str, Result]) -> str:
    """Call by fault -> verdict, the totals, and a line for each cell that fell short."""
    cells = tuple(cells)
    kinds = list(dict.fromkeys(cell.kind.name for cell in cells))
    symbols: dict[str, dict[str, str]] = {}
    for cell in cells:
        result = results.get(cell.name)
        row = symbols.setdefault(cell.point.name, {})
        row[cell.kind.name] = _SYMBOLS[result.verdict] if result else "?"
    width = max((len(name) for name in symbols), default=0)
    widths = [max(len(kind), 7) for kind in kinds]
    lines = [" ".join([" " * width, *(f"{kind:>{w}}" for kind, w in zip(kinds, widths, strict=True))])]
    for name, row in symbols.items():
        shown = (f"{row.get(kind, '-'):>{w}}" for kind, w in zip(kinds, widths, strict=True))
        lines.append(" ".join([f"{name:<{width}}", *shown]))
    short = [result for result in results.values() if result.verdict is Verdict.FELL_SHORT]
    return "\n".join(
        [
            *lines,
            "",
            _LEGEND,
            totals(cells, results),
            *(f"FELL SHORT  {result.cell}: {result.reason}" for result in short),
            "",
        ]
    )


def totals(cells: Iterable[Cell], results: Mapping[str, Result]) -> str:
    """One line: how many cells ended how."""
    cells = tuple(cells)
    counted = Counter(results[cell.name].verdict for cell in cells if cell.name in results)
    parts = [f"{counted[verdict]} {verdict.value}" for verdict in Verdict]
    missing = len(cells) - counted.total()
    if missing:
        parts.append(f"{missing} not played")
    return f"{len(cells)} cells: {', '.join(parts)}"


def save(folder: Path, cells: Iterable[Cell], results: Mapping[str, Result]) -> None:
    """Write `sweep.txt` and `sweep.json`, each at once."""
    save_results(folder, "sweep", results.values(), table(cells, results))


def load(folder: Path) -> dict[str, Result]:
    """The results of an earlier run, by cell; none where there are none."""
    path = folder / "sweep.json"
    if not path.exists():
        return {}
    wire = json.loads(path.read_text(encoding="utf-8"))
    results = (Result(**{**one, "verdict": Verdict(one["verdict"])}) for one in wire)
    return {result.cell: result for result in results}
