"""The control of a running sandbox, through its typed client and bare HTTP."""

import io
import logging
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from sandbox.clock import Clock
from sandbox.control.client import ControlRefused
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.middleware import FaultyApp
from sandbox.modes import Modes, StackOutcome, TaskOutcome
from sandbox.server import RunningServer
from sandbox.vmc.accounts import AccountState
from sandbox.vmc.links import TaskStatus
from tests.sandbox.service import ACCOUNT, TIMEOUT_SECONDS, Vmware


def test_modes_change_by_name_and_reset(vmware: Vmware) -> None:
    changed = vmware.control.set_modes(task_outcome="fail", stack_outcome="roll_back", task_seconds=7)
    assert (changed.task_outcome, changed.stack_outcome) == (TaskOutcome.FAIL, StackOutcome.ROLL_BACK)
    assert vmware.control.modes() == changed
    assert vmware.control.reset_modes() == Modes()


def test_the_clock_moves_when_advanced(vmware: Vmware) -> None:
    before = vmware.control.now()
    assert (vmware.control.advance(3600) - before).total_seconds() >= 3600
    assert (vmware.control.advance(-3600) - before).total_seconds() < 60


def test_journal_tells_calls_in_order_without_queries_and_without_control(vmware: Vmware) -> None:
    link = vmware.request_link()
    vmware.http.get(link["template_url"], timeout=TIMEOUT_SECONDS)
    vmware.task(link)
    vmware.accounts()
    vmware.unlink("x")
    vmware.ask("/nothing-here")
    vmware.exchange(refresh_token="x")
    entries = vmware.control.journal()
    assert [(entry.service, entry.call, entry.status) for entry in entries] == [
        ("vmc", "request-link", 200),
        ("template", "download-template", 200),
        ("vmc", "get-task", 200),
        ("vmc", "list-connected-accounts", 200),
        ("vmc", "unlink", 400),
        ("vmc", "unknown", 404),
        ("csp", "exchange-token", 400),
    ]
    assert entries[1].path == f"/templates/{link['tracking_task']}"
    assert entries == tuple(sorted(entries, key=lambda entry: (entry.number, entry.monotonic, entry.at)))
    assert vmware.control.journal(call="unlink") == vmware.control.journal(service="vmc")[3:4]


def test_cleared_journal_starts_empty_and_goes_on_counting(vmware: Vmware) -> None:
    vmware.request_link()
    number = vmware.control.journal()[-1].number
    vmware.control.clear_journal()
    assert vmware.control.journal() == ()
    vmware.request_link()
    assert vmware.control.journal()[-1].number == number + 1


def test_seeded_account_is_listed_at_once_in_its_state(vmware: Vmware) -> None:
    seeded = vmware.control.seed_account(ACCOUNT, cf_stack_name="old", state="BROKEN")
    assert (seeded.state, seeded.cf_stack_name) == (AccountState.BROKEN, "old")
    assert [(r["id"], r["state"]) for r in vmware.accounts()] == [(seeded.id, "BROKEN")]


def test_state_of_an_account_changes_behind_the_clients_back(vmware: Vmware) -> None:
    vmware.control.seed_account(ACCOUNT)
    assert vmware.control.set_account_state(ACCOUNT, AccountState.BROKEN).state is AccountState.BROKEN
    assert [r["state"] for r in vmware.accounts()] == ["BROKEN"]


def test_account_vanishes_behind_the_clients_back(vmware: Vmware) -> None:
    vmware.control.set_modes(deleted_records_listed=True)
    vmware.control.seed_account(ACCOUNT)
    vmware.control.attach_sddc(ACCOUNT)
    vmware.control.remove_account(ACCOUNT)
    assert vmware.accounts() == []


def test_links_have_their_runs_and_their_tasks_state(vmware: Vmware) -> None:
    used, unused = vmware.link_account(), vmware.request_link()
    assert [(found.tracking_task, found.runs, found.task_status) for found in vmware.control.links()] == [
        (used["tracking_task"], 1, TaskStatus.FINISHED),
        (unused["tracking_task"], 0, TaskStatus.STARTED),
    ]
    assert vmware.control.links()[0].template_url == used["template_url"]


def test_reset_leaves_clock_and_links(vmware: Vmware) -> None:
    vmware.link_account()
    vmware.control.attach_sddc(ACCOUNT)
    vmware.control.set_modes(task_seconds=9)
    vmware.control.plan_fault("vmc", "*", "reset_before")
    before = vmware.control.advance(500)
    vmware.control.reset()
    assert (vmware.control.modes(), vmware.control.faults()) == (Modes(), ())
    assert (vmware.control.connected_accounts(), vmware.control.journal()) == ((), ())
    assert vmware.control.now() >= before
    assert len(vmware.control.links()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("PATCH", "/modes", {"speed": 1}, "no mode 'speed'"),
        ("PATCH", "/modes", {"task_outcome": "perhaps"}, "mode 'task_outcome'"),
        ("PATCH", "/modes", {"deleted_records_listed": "false"}, "true or false is needed"),
        ("PATCH", "/modes", [], "the body must be a JSON object"),
        ("POST", "/clock", {"seconds": "1"}, "seconds must be a number, not '1'"),
        ("POST", "/clock", {"seconds": 1e18}, "out of the calendar"),
        ("POST", "/clock", {"minutes": 1}, "'minutes' is none of seconds"),
        ("POST", "/faults", {}, "a fault needs 'call'"),
        ("POST", "/sddcs", {"account_number": "12"}, "a string of 12 digits, not '12'"),
        ("POST", "/sddcs", {"account_number": ACCOUNT}, f"the account {ACCOUNT} is not connected"),
        ("POST", "/connected-accounts", {"account_number": ACCOUNT, "state": "FINE"}, "'FINE' is none of"),
        ("POST", "/connected-accounts", {"account_number": ACCOUNT, "state": "BROKEN"}, "is not connected"),
        ("POST", "/connected-accounts", {"account_number": ACCOUNT, "cf_stack_name": 1}, "a name, not 1"),
        ("DELETE", f"/connected-accounts?account_number={ACCOUNT}", None, "is not connected"),
    ],
)
def test_what_makes_no_sense_is_a_400_with_one_line(
    vmware: Vmware, method: str, path: str, body: Any, reason: str
) -> None:
    answer = requests.request(method, f"{vmware.url}/sandbox{path}", json=body, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_client_raises_the_reason(vmware: Vmware) -> None:
    with pytest.raises(ControlRefused, match="no mode 'speed'"):
        vmware.control.set_modes(speed=1)


def test_application_that_fails_answers_500_and_does_not_look_like_a_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def app(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        raise FileNotFoundError("disk")

    journal = Journal()
    faulty = FaultyApp(
        app, service="aws", name_of_call=lambda _: "x", faults=Faults(), journal=journal, clock=Clock()
    )
    with caplog.at_level(logging.CRITICAL), RunningServer(faulty, name="broken") as server:
        assert requests.get(server.url, timeout=TIMEOUT_SECONDS).status_code == 500
    assert [entry.status for entry in journal.entries()] == [500]


def test_name_of_a_call_can_be_read_from_the_body_without_taking_it_away() -> None:
    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [])
        return [environ["wsgi.input"].read()]

    def name(environ: WSGIEnvironment) -> str:
        body: io.BytesIO = environ["wsgi.input"]
        return body.read().decode().removeprefix("Action=")

    journal = Journal()
    faulty = FaultyApp(app, service="aws", name_of_call=name, faults=Faults(), journal=journal, clock=Clock())
    with RunningServer(faulty, name="echo") as server:
        answer = requests.post(server.url, data="Action=CreateStack", timeout=TIMEOUT_SECONDS)
    assert answer.text == "Action=CreateStack"
    assert [entry.call for entry in journal.entries()] == ["CreateStack"]
