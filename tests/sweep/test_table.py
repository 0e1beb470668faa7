"""Results as a table, and through the file that a later run resumes from."""

from pathlib import Path

from tests.sweep.cell import Result
from tests.sweep.kinds import Cell, kind_named
from tests.sweep.points import points_of
from tests.sweep.table import load, save, table, totals
from tests.sweep.verdict import Verdict

POINTS = points_of("up", (("csp", "exchange-token"), ("vmc", "request-link")))
CELLS = [
    Cell(point=POINTS[0], kind=kind_named("503")),
    Cell(point=POINTS[1], kind=kind_named("503")),
    Cell(point=POINTS[1], kind=kind_named("retryable")),
]


def result(cell: Cell, verdict: Verdict, reason: str = "") -> Result:
    return Result(
        cell=cell.name,
        point=cell.point.name,
        kind=cell.kind.name,
        verdict=verdict,
        reason=reason,
        said="",
        stacks_made=1,
        seconds=1.5,
    )


RESULTS = {
    CELLS[0].name: result(CELLS[0], Verdict.SUCCEEDED),
    CELLS[1].name: result(CELLS[1], Verdict.FELL_SHORT, "2 live stacks"),
}


def test_the_table_has_a_row_for_each_call_and_a_column_for_each_kind() -> None:
    heading, first, second, *_ = table(CELLS, RESULTS).splitlines()
    assert heading.split() == ["503", "retryable"]
    assert first.split() == ["up", "csp", "exchange-token", "ok", "-"]
    assert second.split() == ["up", "vmc", "request-link", "SHORT", "?"]
    assert len(heading) == len(first) == len(second)


def test_the_totals_count_what_was_not_played_too() -> None:
    assert totals(CELLS, RESULTS) == (
        "3 cells: 1 succeeded, 0 failed then converged, 0 failed then converged by recover, "
        "1 FELL SHORT, 1 not played"
    )


def test_what_fell_short_is_told_below_the_table() -> None:
    assert "FELL SHORT  up vmc request-link: 503: 2 live stacks" in table(CELLS, RESULTS)


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    assert load(tmp_path) == {}
    save(tmp_path, CELLS, RESULTS)
    assert load(tmp_path) == RESULTS
    assert "1 FELL SHORT" in (tmp_path / "sweep.txt").read_text()
