"""The provider of the wait for a connection, in front of the emulated service.

Real: HTTP and the emulator. The clock is the test's: sleeping moves it, and the emulator's with it.
"""

from threading import Event
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.vmc.accounts import made_up_role_arns
from tests.provider.conftest import StartedLink
from tests.support.lab import ACCOUNT
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.api.request import RetryPolicy
from vmc_account_link.connection_wait import ConnectionWaitProvider
from vmc_account_link.errors import (
    Forbidden,
    LinkFailed,
    LinkTimedOut,
    SettingsError,
    Unavailable,
    WaitInterrupted,
)
from vmc_account_link.settings import VmcSettings


@pytest.fixture
def provider(settings: VmcSettings) -> ConnectionWaitProvider:
    made = ConnectionWaitProvider()
    made.settings = settings
    return made


def test_the_wait_ends_at_most_a_tenth_late_and_tells_how_far_the_task_is(
    started: StartedLink, capsys: pytest.CaptureFixture[str]
) -> None:
    started.report()
    started.wait()
    assert started.time.passed >= 120
    assert started.time.now <= 124
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("task STARTED")
    assert f"(AWS account {ACCOUNT}, 0:00)" in lines[0]
    assert lines[-1] == f"AWS account {ACCOUNT} is connected"
    assert 3 <= len(lines) <= 10


def test_a_wait_asks_for_the_task_less_often_than_for_the_list(
    started: StartedLink, control: SandboxControl
) -> None:
    control.set_modes(task_seconds=1200)
    started.report()
    started.wait()
    lists, tasks = (len(control.journal(call=call)) for call in ("list-connected-accounts", "get-task"))
    assert 1200 / 2 <= lists <= 1200 / 2 + 20
    # In steps of the list's two seconds.
    assert 1200 / 6 <= tasks <= 1200 / 6 + 20


def test_a_wait_ends_though_what_is_left_of_it_is_too_little_to_move_the_clock(
    started: StartedLink, control: SandboxControl
) -> None:
    control.set_modes(task_outcome="never")
    started.report()
    # From here half an hour in these steps ends 2e-13 s early.
    started.time.now = 3257.964864

    def sleep(seconds: float) -> None:
        started.time.sleep(seconds)
        assert len(started.time.pauses) < 1000, "it does not end"

    with pytest.raises(LinkTimedOut):
        started.wait(sleep=sleep)


def test_a_list_behind_the_task_is_waited_for(started: StartedLink, control: SandboxControl) -> None:
    control.set_modes(list_lag_seconds=200.0)
    started.report()
    started.wait()
    assert started.time.passed >= 320
    assert started.time.now <= 324


def test_a_task_behind_the_list_is_not_waited_for(started: StartedLink, control: SandboxControl) -> None:
    control.set_modes(task_lag_seconds=600.0)
    started.report()
    started.wait()
    assert started.time.now <= 132


def test_an_account_that_comes_up_broken_and_recovers_is_connected_when_it_is_active(
    started: StartedLink, control: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    control.set_modes(broken_seconds=400.0)
    started.report()
    started.wait()
    assert started.time.passed >= 520
    assert started.time.now <= 524
    assert "the account is BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize(("outcome", "status"), [("fail", "FAILED"), ("cancel", "CANCELED")])
def test_a_task_that_ends_badly_ends_the_wait_at_once(
    started: StartedLink, control: SandboxControl, outcome: str, status: str
) -> None:
    control.set_modes(task_outcome=outcome)
    started.report()
    with pytest.raises(LinkFailed, match=status):
        started.wait()
    assert started.time.now <= 132


def test_the_deadline_is_kept_and_says_what_was_last_seen(started: StartedLink) -> None:
    with pytest.raises(
        LinkTimedOut, match=r"5 min passed \(linkTimeoutMinutes\); last seen: task STARTED"
    ) as failure:
        started.wait(minutes=5)
    assert started.time.now == pytest.approx(300)
    assert "run `pulumi up` again" in str(failure.value)


def test_a_wait_stops_soon_after_the_person_wants_it_to(started: StartedLink) -> None:
    canceled = Event()

    def sleep(seconds: float) -> None:
        started.time.sleep(seconds)
        if started.time.now > 100:
            canceled.set()

    with pytest.raises(WaitInterrupted, match="last seen: task STARTED") as stop:
        started.wait(sleep=sleep, canceled=canceled)
    assert started.time.now < 115
    assert "to go on waiting" in str(stop.value)


def test_who_stops_a_wait_does_not_wait_for_a_second_silent_call(
    started: StartedLink, control: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    canceled = Event()
    list_accounts = VmcClient.list_connected_accounts

    def list_while_ctrl_c_is_pressed(
        vmc: VmcClient, repeat: RetryPolicy, *, max_age_seconds: float
    ) -> tuple[AccountRecord, ...]:
        if started.time.now > 50:
            canceled.set()
        return list_accounts(vmc, repeat, max_age_seconds=max_age_seconds)

    monkeypatch.setattr(VmcClient, "list_connected_accounts", list_while_ctrl_c_is_pressed)
    with pytest.raises(WaitInterrupted, match="last seen: task STARTED"):
        started.wait(canceled=canceled)
    assert control.journal()[-1].call == "list-connected-accounts"


def test_an_outage_in_the_middle_is_told_and_waited_out(
    started: StartedLink, control: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    started.report()
    control.plan_fault("vmc", "list-connected-accounts", "status", status=503, nth=3, count=4)
    control.plan_fault("vmc", "get-task", "reset_before", nth=4)
    started.wait()
    assert "503" in capsys.readouterr().out


def test_a_token_that_lost_its_role_ends_the_wait(started: StartedLink, control: SandboxControl) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=403, body="empty", nth=2)
    with pytest.raises(Forbidden, match="role"):
        started.wait()


def test_a_task_that_the_service_forgot_leaves_the_list_to_decide(
    started: StartedLink, control: SandboxControl
) -> None:
    started.report()
    control.plan_fault("vmc", "get-task", "status", status=404, count=1000)
    started.wait()


def test_another_stacks_link_is_not_taken_for_ours(started: StartedLink, control: SandboxControl) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="theirs")
    with pytest.raises(LinkTimedOut, match='"theirs"'):
        started.wait(minutes=2)


def test_create_returns_what_the_service_says(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    record = control.seed_account(ACCOUNT, cf_stack_name="ours")
    stored = {"cf_stack_name": "ours", "role_arns": list(made_up_role_arns(ACCOUNT, "ours").values())}
    result = provider.create(inputs)
    expected = {
        **inputs,
        "connected_account_id": record.id,
        "connected_account_state": "ACTIVE",
        **stored,
        "own_record": {"id": record.id, **stored},
    }
    assert {key: (result.outs or {}).get(key) for key in expected} == expected
    assert (result.outs or {})["own_record"]["id"] == record.id


def test_what_a_refresh_shows_is_compared_with_the_record_that_was_linked(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    outs = provider.create(inputs).outs or {}
    control.seed_account(ACCOUNT, cf_stack_name="theirs")
    refreshed = provider.read("id", outs).outs or {}
    assert refreshed["own_record"] == outs["own_record"]
    assert provider.diff("id", refreshed, inputs).changes is True
    # Named by VMware from the beginning, as no public source rules out: the same record is no difference.
    kept = {**refreshed, "own_record": {**outs["own_record"], "cf_stack_name": "theirs"}}
    assert provider.diff("id", {**kept, "role_arns": outs["role_arns"]}, inputs).changes is False


def linked(inputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    outputs = {"connected_account_id": "r", "connected_account_state": "ACTIVE", "cf_stack_name": "ours"}
    return {**inputs, **outputs, **changes}


def test_nothing_changed_is_no_change_even_where_a_number_comes_as_a_float(
    provider: ConnectionWaitProvider, inputs: dict[str, Any]
) -> None:
    result = provider.diff("id", linked(inputs), {**inputs, "link_timeout_minutes": 30})
    assert (result.changes, result.replaces or []) == (False, [])


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        pytest.param({}, {"tracking_task": "task-2"}, id="a new link was run"),
        pytest.param({}, {"stack_id": "arn:2"}, id="a new stack is there"),
        pytest.param({"connected_account_state": "BROKEN"}, {}, id="the account was seen BROKEN"),
        pytest.param({"cf_stack_name": "theirs"}, {}, id="another stack was seen to have taken over"),
        pytest.param({}, {"link_timeout_minutes": 5.0}, id="another deadline"),
        pytest.param({}, {"tracking_task": object()}, id="a task not known yet"),
    ],
)
def test_a_change_is_an_update(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], olds: dict[str, Any], news: dict[str, Any]
) -> None:
    result = provider.diff("id", linked(inputs, **olds), {**inputs, **news})
    assert (result.changes, result.replaces or []) == (True, [])


def test_what_is_known_of_a_connection_goes_before_its_stack_is_replaced(
    provider: ConnectionWaitProvider, inputs: dict[str, Any]
) -> None:
    result = provider.diff("id", linked(inputs), {**inputs, "stack_id": object()})
    assert (result.replaces, result.delete_before_replace) == (["stack_id"], True)


def test_another_deadline_keeps_the_outputs_and_asks_nothing(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    news = {**inputs, "link_timeout_minutes": 5.0}
    assert provider.update("id", linked(inputs), news).outs == {**linked(inputs), "link_timeout_minutes": 5.0}
    assert control.journal() == ()


def test_an_update_after_a_new_link_waits_and_takes_the_new_record(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    record = control.seed_account(ACCOUNT, cf_stack_name="ours")
    outs = provider.update("id", linked(inputs), {**inputs, "tracking_task": "task-2"}).outs or {}
    assert outs["connected_account_id"] == record.id


@pytest.mark.parametrize("state", ["ACTIVE", "BROKEN"])
def test_refresh_shows_the_state_that_the_service_says(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl, state: str
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="theirs", state=state)
    read = provider.read("id", linked(inputs))
    assert (read.outs or {})["connected_account_state"] == state
    assert (read.outs or {})["cf_stack_name"] == "theirs"


def test_refresh_takes_a_missing_record_for_gone_but_not_a_failed_question(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    gone = provider.read("id", linked(inputs))
    assert (gone.id, gone.outs) == (None, {})
    control.plan_fault("vmc", "list-connected-accounts", "status", status=500, retryable=False)
    with pytest.raises(Unavailable):
        provider.read("id", linked(inputs))


def test_another_organisations_list_says_nothing_about_the_link(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    elsewhere = linked(inputs, org_id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(SettingsError, match="vmc:orgId"):
        provider.read("id", elsewhere)
    assert control.journal() == ()


def test_deleting_it_asks_the_service_nothing(
    provider: ConnectionWaitProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    provider.delete("id", linked(inputs))
    assert control.journal() == ()
