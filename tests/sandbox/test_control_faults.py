"""Planned faults as a client meets them: real connections, really cut."""

import time
from typing import Any

import pytest
import requests

from sandbox.control.client import ControlRefused
from sandbox.faults import FaultBody, FaultKind, InvalidFault, PlannedFault
from tests.sandbox.service import Vmware

LINK_REQUEST = ("vmc", "request-link")


def outcome(vmware: Vmware) -> tuple[Any, ...]:
    """What the last call left behind: links made, and how the journal records it."""
    entry = vmware.control.journal()[-1]
    return len(vmware.control.links()), entry.status, entry.fault


def test_connection_is_cut_before_the_call_acts(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "reset_before")
    with pytest.raises(requests.ConnectionError, match="closed connection without response"):
        vmware.request_link()
    assert outcome(vmware) == (0, 0, "reset_before")


def test_connection_is_cut_after_the_call_acted(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "reset_after")
    with pytest.raises(requests.ConnectionError, match="closed connection without response"):
        vmware.request_link()
    assert outcome(vmware) == (1, 0, "reset_after")


def test_connection_is_cut_in_the_middle_of_the_body(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "reset_midway")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        vmware.request_link()
    assert outcome(vmware) == (1, 200, "reset_midway")


@pytest.mark.parametrize(("acts", "links"), [(False, 0), (True, 1)], ids=["without acting", "having acted"])
def test_request_is_held_then_cut(vmware: Vmware, *, acts: bool, links: int) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "time_out", seconds=0.2, acts=acts)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        vmware.request_link()
    assert time.monotonic() - started >= 0.2
    assert outcome(vmware) == (links, 0, "time_out")


def test_client_with_less_patience_times_out(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "time_out", seconds=60)
    headers = {"csp-auth-token": str(vmware.http.headers["csp-auth-token"])}
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{vmware.url}/vmc/api/orgs/{vmware.org_id}/account-link", headers=headers, timeout=0.1)
    assert outcome(vmware) == (0, 0, "time_out")


def test_answer_comes_late_but_whole(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "slow", seconds=0.2)
    started = time.monotonic()
    assert "tracking_task" in vmware.request_link()
    assert time.monotonic() - started >= 0.2
    assert outcome(vmware) == (1, 200, "slow")


def test_status_comes_with_an_error_response_and_does_not_act(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "status", status=503, retry_after=7, retryable=True)
    answer = vmware.ask("/account-link")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json() == {
        "status": 503,
        "path": f"/vmc/api/orgs/{vmware.org_id}/account-link",
        "retryable": True,
        "error_code": "sandbox.planned.fault",
        "error_messages": ["The sandbox answers 503 as planned."],
    }
    assert outcome(vmware) == (0, 503, "status")


def test_status_can_hide_that_the_call_acted(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "status", status=502, acts=True)
    assert vmware.ask("/account-link").status_code == 502
    assert outcome(vmware) == (1, 502, "status")


@pytest.mark.parametrize(
    ("body", "content_type", "beginning", "ending"),
    [
        ("html", "text/html", "<html>", "</html>\n"),
        ("empty", "text/plain", "", ""),
        ("truncated", "application/json", '{"status": 500', ""),
        ("xml", "text/xml", "<ErrorResponse><Error><Type>Receiver</Type><Code>Throttling<", "Response>"),
    ],
)
def test_a_status_has_the_requested_body(
    vmware: Vmware, body: str, content_type: str, beginning: str, ending: str
) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "status", status=500, body=body, error_code="Throttling")
    answer = vmware.ask("/account-link")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, content_type)
    assert answer.text.startswith(beginning)
    assert answer.text.endswith(ending)
    if body == "truncated":
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize("kind", ["ok_html", "ok_empty", "ok_truncated"])
def test_answer_of_200_can_hold_no_json(vmware: Vmware, kind: str) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, kind)
    answer = vmware.ask("/account-link")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert outcome(vmware) == (1, 200, kind)


def test_fault_meets_the_nth_call_and_count_calls(vmware: Vmware) -> None:
    vmware.ask("")
    vmware.control.plan_fault("vmc", "get-organization", "status", status=500, nth=2, count=2)
    assert [vmware.ask("").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert vmware.control.faults() == ()


def test_fault_meets_its_own_call_or_any_of_its_service(vmware: Vmware) -> None:
    vmware.control.plan_fault(*LINK_REQUEST, "status", status=500)
    assert vmware.ask("").status_code == 200
    vmware.control.plan_fault("vmc", "*", "status", status=501)
    assert vmware.exchange().status_code == 400
    assert vmware.ask("").status_code == 501


def test_calls_of_every_service_can_fail(vmware: Vmware) -> None:
    link = vmware.request_link()
    vmware.control.plan_fault("csp", "exchange-token", "status", status=429)
    vmware.control.plan_fault("template", "download-template", "ok_empty")
    assert vmware.exchange(refresh_token="x").status_code == 429
    assert vmware.http.get(link["template_url"], timeout=5).content == b""


def test_cleared_faults_do_not_happen(vmware: Vmware) -> None:
    planned = vmware.control.plan_fault(*LINK_REQUEST, "status", status=500)
    assert vmware.control.faults() == (planned,)
    vmware.control.clear_faults()
    assert vmware.ask("/account-link").status_code == 200


def test_connection_is_reused_from_call_to_call(vmware: Vmware) -> None:
    ports = set()
    for _ in range(2):
        with vmware.ask("", stream=True) as answer:
            connection: Any = answer.raw.connection
            ports.add(connection.sock.getsockname())
            answer.raw.read()
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ({"service": "vmc", "call": "x"}, "needs 'kind'"),
        ({"service": "", "call": "x", "kind": "slow"}, "needs a service and a call"),
        ({"kind": "gone"}, "kind 'gone' is none of status, reset_before"),
        ({"colour": "red"}, "a fault has no 'colour'"),
        ({"nth": True}, "nth True is not of type int"),
        ({"seconds": "1"}, "seconds '1' is not of type float"),
        ({"service": "vmc", "call": "x", "kind": "reset_after", "nth": 0}, "start at 1, not 0 and 1"),
        ({"service": "vmc", "call": "x", "kind": "status"}, "needs a status of 400 to 599, not None"),
        ({"service": "vmc", "call": "x", "kind": "status", "status": 200}, "of 400 to 599, not 200"),
        ({"service": "vmc", "call": "x", "kind": "slow"}, "needs seconds above 0 and up to 120, not None"),
        ({"service": "vmc", "call": "x", "kind": "slow", "seconds": 121}, "up to 120, not 121"),
        ({"service": "vmc", "call": "x", "kind": "ok_html", "status": 500}, "'status' does not belong to"),
        (
            {"service": "vmc", "call": "x", "kind": "slow", "seconds": 1, "acts": True},
            "'acts' does not belong",
        ),
    ],
)
def test_fault_that_makes_no_sense_is_refused_with_its_reason(wire: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidFault) as rejected:
        PlannedFault.from_wire(wire)
    assert reason in str(rejected.value)


def test_fault_survives_the_wire() -> None:
    fault = PlannedFault(
        service="vmc", call="unlink", kind=FaultKind.STATUS, status=503, body=FaultBody.HTML, nth=3, count=4
    )
    assert PlannedFault.from_wire(fault.to_wire()) == fault


def test_refused_fault_is_not_planned(vmware: Vmware) -> None:
    with pytest.raises(ControlRefused, match="needs a status"):
        vmware.control.plan_fault(*LINK_REQUEST, "status")
    assert vmware.control.faults() == ()
