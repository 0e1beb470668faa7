"""Which cases there are, and which of them the sample takes."""

import itertools

import pytest

from sandbox.faults import FaultKind
from tests.support.forms import FEW_FIELDS, LINKING
from tests.sweep.faults import KINDS, FaultCase, fault_cases
from tests.sweep.harness import courses
from tests.sweep.points import points_of, recorded_points
from tests.sweep.sample import SHARPEST, SURVIVED, survived_faults

LISTS = (("vmc", "list"), ("aws", "sts"), ("vmc", "list"))


def test_a_point_has_a_number_and_the_call_before_it() -> None:
    first, other, second = points_of("up", LISTS)
    assert (first.nth, other.nth, second.nth) == (1, 1, 2)
    assert (first.after, other.after, second.after) == (None, ("vmc", "list", 1), ("aws", "sts", 1))
    assert [point.name for point in (first, other, second)] == ["up vmc list", "up aws sts", "up vmc list #2"]


def test_every_kind_of_fault_meets_every_call_where_it_can_happen() -> None:
    cases = fault_cases()
    assert len({case.name for case in cases}) == len(cases)
    missing = {
        (point.service, kind.name)
        for point, kind in itertools.product(recorded_points(), KINDS)
        if FaultCase(point=point, kind_name=kind.name) not in cases
    }
    assert missing == {
        (service, kind) for service in ("csp", "template", "aws") for kind in ("retryable", "not retryable")
    }


def test_every_form_of_an_answer_meets_many_faults_and_many_calls() -> None:
    cases = [case for case in fault_cases() if case.point.operation == "up"]
    for form in LINKING:
        mine = [case for case in cases if case.form is form]
        assert len(mine) >= len(cases) / len(LINKING) / 2
        assert len({case.kind_name for case in mine}) >= len(KINDS) / 2
        assert len({case.point.call for case in mine}) >= 6
    # Without the task's id nobody asks for the task: the fault would not be met.
    assert not [case for case in cases if case.form is FEW_FIELDS and case.met_at[1] == "get-task"]


def test_the_cell_of_a_destroy_follows_an_up_of_the_same_form() -> None:
    cases = fault_cases()
    alone = [course for course in courses(cases) if course[0].needs_link]
    assert all(len({case.form for case in course}) == 1 for course in courses(cases))
    assert len(alone) <= len(cases) / 20


def test_every_cell_has_a_fault_that_the_sandbox_takes() -> None:
    for case in fault_cases():
        fault = case.fault()
        assert (fault is None) == (case.column == "refused" and case.point.after is None)


def test_a_refused_connection_is_planned_on_the_call_before() -> None:
    (*_, point) = points_of("up", (("aws", "GetTemplate"), ("vmc", "list")))
    fault = FaultCase(point=point, kind_name="refused").fault()
    assert fault is not None
    assert (fault.service, fault.call, fault.nth, fault.server) == ("aws", "GetTemplate", 1, "vmware")


@pytest.mark.parametrize(
    ("kind", "service", "status"),
    [("401", "vmc", 401), ("401", "aws", 403), ("401", "template", 403), ("429", "aws", 429)],
)
def test_a_status_is_the_one_that_the_service_would_use(kind: str, service: str, status: int) -> None:
    (point,) = points_of("up", ((service, "call"),))
    fault = FaultCase(point=point, kind_name=kind).fault()
    assert fault is not None
    assert (fault.kind, fault.status) == (FaultKind.STATUS, status)


def test_the_sample_meets_every_call_and_every_kind() -> None:
    cases = {case.name: case for case in fault_cases()}
    sharpest = [cases[name] for name in SHARPEST]
    survived = [(operation, *entry) for operation, entries in SURVIVED.items() for entry in entries]
    met = {(case.point.operation, case.point.service, case.point.call) for case in sharpest}
    met |= {(operation, service, call) for operation, service, call, _, _ in survived}
    assert met == {(point.operation, point.service, point.call) for point in recorded_points()}
    assert {kind for *_, kind in survived} | {case.column for case in sharpest} == {
        kind.name for kind in KINDS
    }


def test_no_two_faults_of_the_sample_meet_on_one_call() -> None:
    for operation in SURVIVED:
        faults = survived_faults(operation)
        calls = [
            (fault.service, fault.call, nth)
            for fault in faults
            for nth in range(fault.nth, fault.nth + fault.count)
        ]
        assert len(set(calls)) == len(calls)
