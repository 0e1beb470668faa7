"""A fixed sample of the fault sweep, every call and every kind in it. Engine and sandbox are real."""

from pathlib import Path

import pytest

from tests.sweep.cell import Result, play, record
from tests.sweep.kinds import Cell, cells_of
from tests.sweep.points import OPERATIONS, points_of, recorded_points
from tests.sweep.pool import play_all
from tests.sweep.sample import sample_of
from tests.sweep.verdict import Verdict

pytestmark = pytest.mark.engine
SAMPLE = sample_of(cells_of(recorded_points()))


def held(result: Result) -> None:
    """Fail with what fell short, and with the commands' output, which holds no secret."""
    assert result.verdict is not Verdict.FELL_SHORT, f"{result.cell}: {result.reason}\n{result.output}"


@pytest.mark.parametrize("cell", [cell for cell in SAMPLE if not cell.kind.idles], ids=lambda cell: cell.name)
def test_it_succeeds_or_fails_with_one_clear_line_and_the_next_one_converges(
    cell: Cell, tmp_path: Path
) -> None:
    held(play(cell, tmp_path))


def test_a_service_that_does_not_answer_ends_no_better_and_no_worse() -> None:
    idle = [cell for cell in SAMPLE if cell.kind.idles]
    results = list(play_all(idle, workers=1, idle_workers=len(idle)))
    assert len(results) == len(idle)
    for result in results:
        held(result)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_recorded_calls_are_those_of_a_clean_run(operation: str, tmp_path: Path) -> None:
    recorded = {point for point in recorded_points() if point.operation == operation}
    made = set(points_of(operation, record(operation, tmp_path)))
    assert {(point.service, point.call) for point in made} == {
        (point.service, point.call) for point in recorded
    }
    # A machine that stalls makes a wait look once less or more.
    assert len(made ^ recorded) <= 2
