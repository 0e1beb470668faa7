"""A fixed sample of the fault sweep, every call and every kind in it. Engine and sandbox are real."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import Lab
from tests.sweep.faults import fault_cases
from tests.sweep.harness import play
from tests.sweep.leftovers import leftover_cases
from tests.sweep.points import OPERATIONS, points_of, recorded_points
from tests.sweep.sample import LEFTOVERS, SHARPEST, survived_faults
from tests.sweep.stage import Stages, ending_of, leaks, run
from tests.sweep.verdict import Verdict, shortfalls

pytestmark = pytest.mark.engine
CASES = {case.name: case for case in fault_cases()}
_SECONDS = 100.0


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[Stages]:
    with Stages(tmp_path) as stages:
        yield stages


@pytest.mark.parametrize(
    "name", [*SHARPEST[:2], *(pytest.param(name, marks=pytest.mark.whole) for name in SHARPEST[2:])]
)
def test_it_fails_with_one_clear_line_and_the_next_one_converges(name: str, stages: Stages) -> None:
    result = play(CASES[name], stages)
    # The output holds no secret: the case has taken them out.
    assert result.verdict in {Verdict.CONVERGED, Verdict.RECOVERED}, f"{result.fell_short}\n{result.details}"


@pytest.mark.parametrize("name", [*LEFTOVERS[:-1], pytest.param(LEFTOVERS[-1], marks=pytest.mark.whole)])
def test_a_destroy_after_an_up_that_ended_badly_leaves_nothing(name: str, stages: Stages) -> None:
    (case,) = (case for case in leftover_cases() if case.name == name)
    result = play(case, stages)
    assert result.fell_short == "", result.details
    assert result.verdict == "nothing left"


def test_one_up_and_one_destroy_survive_every_kind_of_fault_at_every_call(stages: Stages) -> None:
    lab = stages.empty()
    lab.control.set_modes(task_seconds=600.0)
    outputs = ""
    for operation in OPERATIONS:
        lab.box.control.clear_journal()
        faults = survived_faults(operation)
        for fault in faults:
            lab.box.world.faults.plan(fault)
        threading.Thread(target=_let_finish, args=(lab,), daemon=True).start()
        done = run(lab, operation, seconds=_SECONDS)
        outputs += done.output
        assert done.code == 0, done.output
        assert lab.box.world.faults.planned() == ()
        met = [entry for entry in lab.box.world.journal.entries() if entry.fault]
        assert len(met) == sum(fault.count for fault in faults)
        assert shortfalls(operation, ending_of(lab)) == []
    assert len(lab.control.links()) == 1
    assert ending_of(lab).stacks_made == 1
    assert leaks(lab, outputs) == ()


def _let_finish(lab: Lab) -> None:
    """Let the link's task end once every fault was met."""
    while lab.box.world.faults.planned():
        time.sleep(0.2)
    lab.control.advance(600)


def test_the_recorded_calls_are_those_of_a_clean_run(stages: Stages) -> None:
    lab = stages.empty()
    for operation in OPERATIONS:
        lab.box.control.clear_journal()
        assert run(lab, operation, seconds=_SECONDS).code == 0
        entries = lab.box.world.journal.entries()
        recorded = {point for point in recorded_points() if point.operation == operation}
        made = set(points_of(operation, [(entry.service, entry.call) for entry in entries]))
        assert {(point.service, point.call) for point in made} == {
            (point.service, point.call) for point in recorded
        }
        # A machine that stalls makes a wait look once less or more.
        assert len(made ^ recorded) <= 2
