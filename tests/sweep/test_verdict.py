"""What was seen of a cell -> its verdict; each world that falls short beside the one that does not."""

import dataclasses
from typing import Any

import pytest

from tests.sweep.verdict import (
    STACK_NAME,
    Ending,
    Finished,
    Observation,
    Verdict,
    assess,
    complaints,
    error_lines,
)

RECORD = ("record-1", "ACTIVE", STACK_NAME)
STATE: tuple[dict[str, Any], ...] = (
    {"type": "pulumi:pulumi:Stack", "custom": False},
    {"type": "pulumi-python:dynamic/vmc-account-link:LinkRequest", "custom": True, "id": "org/1"},
    {"type": "aws:cloudformation/stack:Stack", "custom": True, "id": "arn:1"},
    {
        "type": "pulumi-python:dynamic/vmc-account-link:ConnectionWait",
        "custom": True,
        "outputs": {"connected_account_id": "record-1", "connected_account_state": "ACTIVE"},
    },
)
LINKED = Ending(live_stacks=("arn:1",), stacks_made=1, records=(RECORD,), links=1, state=STATE, pending=0)
GONE = Ending(live_stacks=(), stacks_made=1, records=(), links=0, state=(), pending=0)
FAILURE = """Updating (lab):
 +  vmc-account-link:LinkRequest creating (0s) error: it broke.

Diagnostics:
  pulumi-python:dynamic/vmc-account-link:LinkRequest (account-link-request):
    error: ask for the link: it broke. Run the command again.

  pulumi:pulumi:Stack (vmc-account-link-lab):
    waiting for AWS account
    error: update failed
    error: Resource monitor has terminated, shutting down

Resources:
    1 errored
"""
AWS = """
Diagnostics:
  aws:cloudformation:Stack (account-link-stack):
    error:   sdk-v2/provider2.go:572: sdk.helper_schema: creating CloudFormation Stack (x): \
AlreadyExistsException: Stack [x] already exists: provider=aws@7.51.1
    error: 1 error occurred:
    \t* creating CloudFormation Stack (x): AlreadyExistsException: Stack [x] already exists

  pulumi:pulumi:Stack (vmc-account-link-lab):
    error: update failed
"""


def finished(code: int | None = 0, output: str = "") -> Finished:
    return Finished(code=code, output=output, seconds=1.0)


SUCCEEDED = Observation(
    operation="up",
    call="get-task",
    was_reached=True,
    first=finished(),
    second=None,
    recovered=None,
    third=None,
    unchanged=None,
    ending=LINKED,
    leaks=(),
)
CONVERGED = dataclasses.replace(
    SUCCEEDED, first=finished(255, FAILURE), second=finished(), unchanged=finished()
)
RECOVERED = dataclasses.replace(CONVERGED, second=finished(255, AWS), recovered=finished(0), third=finished())
DESTROYED = dataclasses.replace(SUCCEEDED, operation="destroy", ending=GONE)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (SUCCEEDED, Verdict.SUCCEEDED),
        (CONVERGED, Verdict.CONVERGED),
        (RECOVERED, Verdict.RECOVERED),
        (DESTROYED, Verdict.SUCCEEDED),
        (dataclasses.replace(CONVERGED, first=finished(255, AWS)), Verdict.CONVERGED),
    ],
    ids=["up", "up again", "up after recover", "destroy", "an error in AWS's words"],
)
def test_a_world_as_it_should_be_does_not_fall_short(found: Observation, verdict: Verdict) -> None:
    assert assess(found) == (verdict, "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"was_reached": False}, "not reached"),
        ({"first": finished(None)}, "no end within 1 s"),
        ({"first": finished(1, "all is quiet")}, "no error line"),
        ({"first": finished(1, FAILURE + "Traceback (most recent call last):")}, "'Traceback' in the output"),
        ({"second": finished(1, FAILURE)}, "the next up failed: ask for the link"),
        ({"unchanged": finished(1)}, "the one after that had changes to make"),
        ({"leaks": ("the API token in the output",)}, "plaintext: the API token in the output"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_that_falls_short_says_how(changes: dict[str, Any], reason: str) -> None:
    verdict, reasons = assess(dataclasses.replace(CONVERGED, **changes))
    assert verdict is Verdict.FELL_SHORT
    assert reason in reasons


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"second": finished(1, "all is quiet")}, "no error line"),
        ({"recovered": finished(1, "error: AWS")}, "recover failed: error: AWS"),
        ({"third": finished(1, FAILURE)}, "the third up failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_recovery_that_falls_short_says_how(changes: dict[str, Any], reason: str) -> None:
    verdict, reasons = assess(dataclasses.replace(RECOVERED, **changes))
    assert verdict is Verdict.FELL_SHORT
    assert reason in reasons


def without(kind: str) -> tuple[dict[str, Any], ...]:
    return tuple(resource for resource in STATE if kind not in resource["type"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"live_stacks": ("arn:1", "arn:2")}, "2 live stacks"),
        ({"live_stacks": ("arn:2",)}, "not the live one"),
        ({"records": ()}, "records []"),
        ({"records": (("record-1", "BROKEN", STACK_NAME),)}, "BROKEN"),
        ({"records": (("record-1", "ACTIVE", "theirs"),)}, "theirs"),
        ({"records": (("record-2", "ACTIVE", STACK_NAME),)}, "is not the record"),
        ({"links": 2}, "2 links requested"),
        ({"pending": 1}, "1 pending operations"),
        ({"state": without("LinkRequest")}, "0 link requests"),
        ({"state": without("aws:")}, "the state knows 0 stacks"),
        ({"state": (*STATE[:3], {**STATE[3], "initErrors": ["no"]})}, "has init errors"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_end_of_up_that_falls_short_says_how(changes: dict[str, Any], reason: str) -> None:
    verdict, reasons = assess(dataclasses.replace(SUCCEEDED, ending=dataclasses.replace(LINKED, **changes)))
    assert verdict is Verdict.FELL_SHORT
    assert reason in reasons


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"links": 1}, "1 links requested"),
        ({"live_stacks": ("arn:1",)}, "1 stacks left"),
        ({"records": (RECORD,)}, "1 records left"),
        ({"state": STATE[:1]}, "1 resources in the state left"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_end_of_destroy_with_something_left_says_what(changes: dict[str, Any], reason: str) -> None:
    verdict, reasons = assess(dataclasses.replace(DESTROYED, ending=dataclasses.replace(GONE, **changes)))
    assert verdict is Verdict.FELL_SHORT
    assert reason in reasons


@pytest.mark.parametrize("call", ["request-link", "download-template"])
def test_a_link_that_was_lost_may_be_requested_again_once(call: str) -> None:
    twice = dataclasses.replace(CONVERGED, call=call, ending=dataclasses.replace(LINKED, links=2))
    assert assess(twice)[0] is Verdict.CONVERGED
    thrice = dataclasses.replace(twice, ending=dataclasses.replace(LINKED, links=3))
    assert assess(thrice)[0] is Verdict.FELL_SHORT


def test_the_error_lines_are_those_of_diagnostics_without_the_summary() -> None:
    assert error_lines(FAILURE) == ["ask for the link: it broke. Run the command again."]
    assert error_lines(AWS) == [
        "creating CloudFormation Stack (x): AlreadyExistsException: Stack [x] already exists"
    ]


def test_an_error_that_goes_on_in_a_second_line_is_complained_about() -> None:
    assert complaints(FAILURE) == complaints(AWS) == []
    longer = FAILURE.replace("it broke.", "it broke,\n    b'<html>'.", 2)
    assert any("several lines" in complaint for complaint in complaints(longer))
