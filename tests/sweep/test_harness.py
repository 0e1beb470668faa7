"""The harness of the sweeps: results as a table, and through the file that a later run resumes from."""

import argparse
import dataclasses
from pathlib import Path

import pytest

from tests.sweep import harness
from tests.sweep.harness import Case, Played, Sweep, courses, load, report, table, totals
from tests.sweep.stage import Stages


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayedCase(Case):
    """A case that does nothing but end."""

    at: tuple[str, str]
    fails: str = ""
    raises: bool = False

    @property
    def row(self) -> str:
        return self.at[0]

    @property
    def column(self) -> str:
        return self.at[1]

    @property
    def needs_link(self) -> bool:
        return self.row.startswith("destroy")

    def play(self, _: Stages, /) -> Played:
        if self.raises:
            raise ValueError("two\nlines")
        return Played(fell_short=self.fails, said="said", details={"figure": 1})


GOOD = PlayedCase(at=("up request-link", "503"))
BAD = PlayedCase(at=("up request-link", "retryable"), fails="2 live stacks")
LAST = PlayedCase(at=("destroy unlink", "503"))
CASES = [GOOD, BAD, LAST]
SWEEP = Sweep(name="some", purpose="", cases=lambda _: CASES, legend="ok: it is as it should be")


def options(folder: Path, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    harness.add_options(parser)
    return parser.parse_args([str(folder), "--workers", "1", *arguments])


def results(tmp_path: Path, *cases: Case) -> dict[str, harness.Result]:
    with Stages(tmp_path) as stages:
        return {case.name: harness.play(case, stages) for case in cases}


def test_the_table_has_a_row_for_each_call_and_a_column_for_each_kind(tmp_path: Path) -> None:
    heading, first, second = table(CASES, results(tmp_path, GOOD, BAD))
    assert heading.split() == ["503", "retryable"]
    assert first.split() == ["up", "request-link", "ok", "SHORT"]
    assert second.split() == ["destroy", "unlink", "?", "-"]
    assert len(heading) == len(first) == len(second)


def test_cases_of_one_row_and_column_are_counted() -> None:
    twice = [PlayedCase(at=("at random", "any"))] * 2
    assert table(twice, {})[1] == "at random 2 ?"


def test_the_totals_count_what_was_not_played_too(tmp_path: Path) -> None:
    assert totals(CASES, results(tmp_path, GOOD, BAD)) == "3 cases: 1 SHORT, 1 ok, 1 not played"


def test_what_fell_short_is_named_below_the_table(tmp_path: Path) -> None:
    assert "FELL SHORT  up request-link: retryable: 2 live stacks" in report(
        SWEEP, CASES, results(tmp_path, GOOD, BAD)
    )


def test_a_case_that_raises_falls_short(tmp_path: Path) -> None:
    raises = PlayedCase(at=("up", "x"), raises=True)
    (result,) = results(tmp_path, raises).values()
    assert (result.verdict, result.fell_short) == ("SHORT", "the case itself failed: ValueError: two")


def test_a_destroy_is_played_after_an_up_in_the_same_process() -> None:
    assert courses(CASES) == [(GOOD, LAST), (BAD,)]


def test_a_later_run_resumes_from_the_results_of_an_earlier_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness.run(SWEEP, options(tmp_path, "--cases", "503$")) == 0
    assert set(load(tmp_path, SWEEP)) == {GOOD.name, LAST.name}
    assert "1/2" in capsys.readouterr().out
    assert harness.run(SWEEP, options(tmp_path, "--resume", "--table")) == 1
    output = capsys.readouterr().out
    assert "3/3" in output
    assert GOOD.name not in output.partition("3/3")[0]
    assert load(tmp_path, SWEEP)[BAD.name].fell_short == "2 live stacks"
    assert "1 SHORT, 2 ok" in (tmp_path / "some.txt").read_text()


def test_without_cases_a_run_says_so_and_plays_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness.run(SWEEP, options(tmp_path, "--list")) == 0
    assert capsys.readouterr().out.split("\n")[:3] == [GOOD.name, BAD.name, LAST.name]
    assert not list(tmp_path.iterdir())


def test_a_pattern_without_a_match_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.run(SWEEP, options(tmp_path, "--cases", "CreateStak")) == 2
    assert "no case of some has a match of 'CreateStak'" in capsys.readouterr().out
