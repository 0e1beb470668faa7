"""Plays cells in processes of their own: a few that work, and more for those that only wait."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.sweep.cell import Result, play
from tests.sweep.kinds import Cell, kind_named
from tests.sweep.points import Point
from tests.sweep.verdict import Verdict


def play_all(cells: Sequence[Cell], *, workers: int, idle_workers: int) -> Iterator[Result]:
    """Play cells and yield their results as they come.

    Args:
        cells: what to play.
        workers: processes for cells that keep a core busy.
        idle_workers: further ones for cells that wait half a minute for a time-out.
    """
    # Spawned, not forked: this process may hold threads, and moto's state is the process's.
    context = get_context("spawn")
    with ExitStack() as stack:
        pools = {
            idles: stack.enter_context(ProcessPoolExecutor(max_workers=count, mp_context=context))
            for idles, count in ((False, workers), (True, idle_workers))
        }
        futures: dict[Future[Result], Cell] = {
            pools[cell.kind.idles].submit(_play, cell.point.to_wire(), cell.kind.name): cell for cell in cells
        }
        for future in as_completed(futures):
            yield _result(future, futures[future])


def _play(point: dict[str, Any], kind: str) -> Result:
    """Play one cell, in a worker: a cell crosses by names, because functions do not pickle."""
    cell = Cell(point=Point.from_wire(point), kind=kind_named(kind))
    with tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True) as folder:
        return play(cell, Path(folder))


def _result(future: "Future[Result]", cell: Cell) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the cell shows nothing
        first_line = next(iter(str(error).splitlines()), "")
        return Result(
            cell=cell.name,
            point=cell.point.name,
            kind=cell.kind.name,
            verdict=Verdict.FELL_SHORT,
            reason=f"the cell itself failed: {type(error).__name__}: {first_line}",
            said="",
            stacks_made=0,
            seconds=0.0,
        )
