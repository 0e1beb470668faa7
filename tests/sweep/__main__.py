"""`python -m tests.sweep`: every call of a clean `up` and `destroy` by every kind of fault."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.results import say
from tests.sweep.cell import record
from tests.sweep.kinds import KIND_NAMES, cells_of
from tests.sweep.points import OPERATIONS, Point, points_of
from tests.sweep.pool import play_all
from tests.sweep.stage import Stages
from tests.sweep.table import load, save, table, totals
from tests.sweep.verdict import Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the cells; 1 where one falls short."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    points = tuple(point for point in _recorded() if point.operation in options.operation)
    cells = [
        cell
        for cell in cells_of(points)
        if cell.kind.name in options.kinds and (not options.calls or cell.point.call in options.calls)
    ]
    if options.list:
        say("\n".join(cell.name for cell in cells))
        return 0
    results = load(folder) if options.resume else {}
    results = {cell.name: results[cell.name] for cell in cells if cell.name in results}
    left = [cell for cell in cells if cell.name not in results]
    for result in play_all(left, workers=options.workers, idle_workers=options.idle_workers):
        results[result.cell] = result
        save(folder, cells, results)
        because = f": {result.reason}" if result.reason else f": {result.said}" if result.said else ""
        say(f"{len(results)}/{len(cells)} {result.seconds:5.1f} s  {result.cell}  {result.verdict}{because}")
    save(folder, cells, results)
    say(table(cells, results) if options.table else totals(cells, results))
    say(f"{folder / 'sweep.txt'}, {folder / 'sweep.json'}")
    return 1 if any(one.verdict is Verdict.FELL_SHORT for one in results.values()) else 0


def _recorded() -> tuple[Point, ...]:
    """The points of a clean `up` and of the clean `destroy` after it."""
    points: list[Point] = []
    with (
        tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True) as folder,
        Stages(Path(folder)) as stages,
    ):
        for operation in OPERATIONS:
            points += points_of(operation, record(operation, stages))
    say(f"a clean up and a clean destroy make {len(points)} calls")
    return tuple(points)


def _list_of(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _kinds(text: str) -> list[str]:
    unknown = sorted(set(_list_of(text)) - set(KIND_NAMES))
    if unknown:
        raise argparse.ArgumentTypeError(f"no kind {unknown[0]!r}; there are {', '.join(KIND_NAMES)}")
    return _list_of(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("folder", type=Path, help="for sweep.txt and sweep.json")
    parser.add_argument("--resume", action="store_true", help="keep the results that are in the folder")
    parser.add_argument("--operation", choices=OPERATIONS, nargs="+", default=list(OPERATIONS))
    parser.add_argument("--calls", type=_list_of, default=[], help="names as in the journal, with commas")
    parser.add_argument("--kinds", type=_kinds, default=list(KIND_NAMES), help=", ".join(KIND_NAMES))
    parser.add_argument("--workers", type=int, default=2, help="processes that work (default 2)")
    parser.add_argument("--idle-workers", type=int, default=3, help="processes that wait (default 3)")
    parser.add_argument("--list", action="store_true", help="name the cells and play none")
    parser.add_argument("--table", action="store_true", help="print the table at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
