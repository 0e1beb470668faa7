"""The connected account's provider and its unlinking, in front of the emulated service.

Real: HTTP and the emulator. The clock is the test's: sleeping moves it, and the emulator's with it.
"""

import dataclasses
from threading import Event
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from tests.provider.conftest import StartedLink
from tests.support.lab import ACCOUNT
from vmc_account_link.connected_account import ConnectedAccountProvider
from vmc_account_link.errors import (
    OwnerUnclear,
    Refused,
    ResponseLost,
    SettingsError,
    UnlinkTimedOut,
    WaitInterrupted,
)
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.unlink import evaluate_unlink, evaluate_unrecorded
from vmc_account_link.link.wait import EvaluateUnlink
from vmc_account_link.settings import VmcSettings


@pytest.fixture
def provider(settings: VmcSettings) -> ConnectedAccountProvider:
    made = ConnectedAccountProvider()
    made.settings = settings
    return made


@pytest.fixture
def inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    return {**inputs, "unlink_on_destroy": True}


def test_it_is_made_without_asking_the_service_anything(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    made = provider.create(inputs)
    assert (made.id, made.outs) == (f"{inputs['org_id']}/{ACCOUNT}", inputs)
    assert provider.update("id", inputs, {**inputs, "tracking_task": "task-2"}).outs == {
        **inputs,
        "tracking_task": "task-2",
    }
    assert control.journal() == ()


def test_a_refresh_keeps_it_though_the_account_is_not_listed(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    """As long as the stack is there the account may come; a later destroy looks again."""
    read = provider.read("id", inputs)
    assert (read.id, read.outs) == ("id", inputs)
    assert control.journal() == ()


@pytest.mark.parametrize(
    "news",
    [
        pytest.param({"tracking_task": "task-2"}, id="a new link was run"),
        pytest.param({"stack_id": "arn:2"}, id="a new stack is there"),
        pytest.param({"link_timeout_minutes": 5.0}, id="another deadline"),
        pytest.param({"unlink_on_destroy": False}, id="another choice for the destroy"),
        pytest.param({"tracking_task": object()}, id="a task not known yet"),
    ],
)
def test_a_change_is_an_update_and_never_unlinks(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], news: dict[str, Any]
) -> None:
    result = provider.diff("id", inputs, {**inputs, **news})
    assert (result.changes, result.replaces or []) == (True, [])


def test_nothing_changed_is_no_change_even_where_a_number_comes_as_a_float(
    provider: ConnectedAccountProvider, inputs: dict[str, Any]
) -> None:
    result = provider.diff("id", inputs, {**inputs, "link_timeout_minutes": 30})
    assert (result.changes, result.replaces or []) == (False, [])


def test_a_state_from_before_the_wait_was_a_resource_is_no_change(
    provider: ConnectedAccountProvider, inputs: dict[str, Any]
) -> None:
    record = {"connected_account_id": "r", "connected_account_state": "ACTIVE", "cf_stack_name": "ours"}
    result = provider.diff("id", {**inputs, **record}, inputs)
    assert (result.changes, result.replaces or []) == (False, [])
    assert provider.read("id", {**inputs, **record}).outs == inputs


def test_a_stack_about_to_be_replaced_is_unlinked_first(
    provider: ConnectedAccountProvider, inputs: dict[str, Any]
) -> None:
    result = provider.diff("id", inputs, {**inputs, "stack_id": object()})
    assert (result.replaces, result.delete_before_replace) == (["stack_id"], True)


def test_another_organisations_list_is_not_unlinked_from(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    with pytest.raises(SettingsError, match="vmc:orgId"):
        provider.delete("id", {**inputs, "org_id": "00000000-0000-4000-8000-000000000000"})
    assert control.journal() == ()


@pytest.mark.parametrize("minutes", [0, -1, 0.5, float("nan"), float("inf")])
def test_a_wait_below_a_minute_is_refused(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], minutes: float
) -> None:
    (failure,) = provider.check({}, {**inputs, "link_timeout_minutes": minutes}).failures
    assert failure.property == "link_timeout_minutes"
    assert provider.check({}, {**inputs, "link_timeout_minutes": object()}).failures == []


@pytest.fixture
def ours(started: StartedLink) -> StartedLink:
    """A link of which no task is known."""
    target = LinkTarget(account_number=ACCOUNT, stack_name="ours")
    return dataclasses.replace(started, target=target)


def test_unlinking_looks_until_the_record_is_gone(ours: StartedLink, control: SandboxControl) -> None:
    control.set_modes(unlink_lag_seconds=30.0)
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    ours.unlink()
    assert ours.time.now >= 30
    assert len(control.journal(call="unlink")) == 1


def test_a_record_that_stays_is_not_called_gone(ours: StartedLink, control: SandboxControl) -> None:
    control.set_modes(unlink_lag_seconds=1e6)
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    with pytest.raises(UnlinkTimedOut, match="still lists"):
        ours.unlink()
    assert ours.time.now < 700


@pytest.mark.parametrize("kind", ["reset_after", "ok_html", "ok_empty", "ok_truncated"])
def test_an_unlinking_that_happened_counts_whatever_became_of_the_answer(
    ours: StartedLink, control: SandboxControl, kind: str
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    control.plan_fault("vmc", "unlink", kind)
    ours.unlink()
    assert control.connected_accounts() == ()


def test_an_unlinking_that_was_not_heard_is_an_error(ours: StartedLink, control: SandboxControl) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    control.plan_fault("vmc", "unlink", "reset_before")
    with pytest.raises(ResponseLost):
        ours.unlink()
    ours.unlink()
    assert control.connected_accounts() == ()


def test_sddcs_on_the_link_are_the_services_reason_not_to(ours: StartedLink, control: SandboxControl) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    control.attach_sddc(ACCOUNT)
    with pytest.raises(Refused, match=r"skyscraper\.account\.link\.sddc\.present.*active SDDCs") as refusal:
        ours.unlink()
    assert "delete the SDDCs" in str(refusal.value)
    assert len(control.connected_accounts()) == 1


@pytest.mark.parametrize("state", ["BROKEN", "ACTIVE"])
def test_delete_unlinks_a_broken_account_too(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl, state: str
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours", state=state)
    provider.delete("id", inputs)
    assert control.connected_accounts() == ()


def test_delete_leaves_the_account_linked_where_that_was_asked_for(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    provider.delete("id", {**inputs, "unlink_on_destroy": False})
    assert len(control.connected_accounts()) == 1


EITHER = pytest.mark.parametrize("evaluate", [evaluate_unlink, evaluate_unrecorded])


@EITHER
def test_a_link_that_is_on_its_way_is_waited_for_and_unlinked(
    started: StartedLink,
    control: SandboxControl,
    evaluate: EvaluateUnlink,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started.report()
    started.time.sleep(10)
    assert started.unlink(evaluate=evaluate)
    assert started.time.passed >= 120
    assert started.time.now <= 140
    assert control.connected_accounts() == ()
    assert "to unlink it: 0:00, task STARTED" in capsys.readouterr().out


@pytest.mark.parametrize(("evaluate", "lag"), [(evaluate_unlink, 200.0), (evaluate_unrecorded, 40.0)])
def test_an_account_that_the_list_shows_later_than_the_task_is_waited_for(
    started: StartedLink, control: SandboxControl, evaluate: EvaluateUnlink, lag: float
) -> None:
    control.set_modes(list_lag_seconds=lag)
    started.report()
    started.time.sleep(130)
    assert started.unlink(evaluate=evaluate)
    assert control.connected_accounts() == ()


@EITHER
@pytest.mark.parametrize("outcome", ["fail", "cancel"])
def test_a_link_that_failed_leaves_nothing_to_unlink(
    started: StartedLink, control: SandboxControl, evaluate: EvaluateUnlink, outcome: str
) -> None:
    control.set_modes(task_outcome=outcome)
    started.report()
    started.time.sleep(130)
    assert not started.unlink(evaluate=evaluate)
    assert started.time.now == 130


def test_an_account_that_was_unlinked_by_hand_long_ago_is_not_waited_for(
    started: StartedLink, control: SandboxControl
) -> None:
    started.report()
    started.time.sleep(600)
    control.remove_account(ACCOUNT)
    assert not started.unlink()
    assert started.time.now == 600


def test_a_task_without_an_end_stops_the_destroy_and_is_given_up_after_two_hours(
    started: StartedLink, control: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    control.set_modes(task_outcome="never")
    started.report()
    started.time.sleep(60)
    with pytest.raises(UnlinkTimedOut, match=r"5 min passed .*; last seen: task STARTED.*not deleted"):
        started.unlink(minutes=5)
    started.time.sleep(7200)
    assert not started.unlink()
    assert "`vmc-account-link unlink` removes the link" in capsys.readouterr().out


def test_ctrl_c_while_a_link_is_on_its_way_keeps_the_stack(started: StartedLink) -> None:
    started.report()
    canceled = Event()
    canceled.set()
    with pytest.raises(WaitInterrupted, match="The CloudFormation stack was not deleted"):
        started.unlink(canceled=canceled)


def test_a_link_that_nobody_ran_is_not_waited_for(started: StartedLink) -> None:
    assert not started.unlink(evaluate=evaluate_unrecorded)
    assert started.time.now == 0


def test_a_record_of_our_stacks_name_without_a_proof_is_left_alone(
    started: StartedLink, control: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another Pulumi stack may use the same CloudFormation stack name in another region."""
    record = control.seed_account(ACCOUNT, cf_stack_name="ours")
    assert not started.renewing().unlink(evaluate=evaluate_unrecorded)
    assert control.connected_accounts() == (record,)
    assert "nothing shows that it ran this link: left alone" in capsys.readouterr().out


def test_a_renewal_that_is_on_its_way_is_not_unlinked_too_early(
    started: StartedLink, control: SandboxControl
) -> None:
    """Else the task, when it ends, would connect the account once more."""
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    renewing = started.renewing()
    started.report()
    started.time.sleep(10)
    assert renewing.unlink()
    started.time.sleep(3600)
    assert control.connected_accounts() == ()


def test_a_record_that_may_be_anybodys_is_neither_unlinked_nor_passed_by(
    provider: ConnectedAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="theirs")
    control.set_modes(record_roles=False)
    with pytest.raises(OwnerUnclear, match='its CloudFormation stack is "theirs", not ours') as refusal:
        provider.delete("id", inputs)
    assert "\n" not in str(refusal.value)
    assert len(control.connected_accounts()) == 1
