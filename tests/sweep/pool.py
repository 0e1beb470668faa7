"""Plays cells in processes of their own: a few that work, and more for those that only wait."""

import atexit
import functools
import itertools
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
from tests.sweep.stage import Stages
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
        futures: dict[Future[list[Result]], tuple[Cell, ...]] = {
            pools[idles].submit(_play, [(cell.point.to_wire(), cell.kind.name) for cell in course]): course
            for idles in pools
            for course in courses([cell for cell in cells if cell.kind.idles == idles])
        }
        for future in as_completed(futures):
            yield from _results(future, futures[future])


def courses(cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Cells in the order to play them in: each `destroy` after an `up` in the same process.

    What the `up` has left is what the `destroy` needs.
    """
    ups = [cell for cell in cells if cell.point.operation == "up"]
    destroys = [cell for cell in cells if cell.point.operation == "destroy"]
    return [tuple(cell for cell in pair if cell is not None) for pair in itertools.zip_longest(ups, destroys)]


def _play(course: Sequence[tuple[dict[str, Any], str]]) -> list[Result]:
    """Play cells one after the other, in a worker: they cross by names, because functions do not pickle."""
    return [_played(Cell(point=Point.from_wire(point), kind=kind_named(kind))) for point, kind in course]


def _played(cell: Cell) -> Result:
    try:
        return play(cell, _stages())
    except Exception as error:  # noqa: BLE001 - whatever it was, the cell shows nothing
        return _failed(cell, error)


@functools.cache
def _stages() -> Stages:
    """Those of this worker, taken down as it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True))
    return stack.enter_context(Stages(Path(folder)))


def _results(future: "Future[list[Result]]", course: tuple[Cell, ...]) -> list[Result]:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return [_failed(cell, error) for cell in course]


def _failed(cell: Cell, error: Exception) -> Result:
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
