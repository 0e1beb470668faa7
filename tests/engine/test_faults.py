"""What goes wrong on the way to a link, on the real engine: it fails plainly, and the next `up` arrives."""

import pytest

from tests.support.lab import ACCOUNT, Lab

pytestmark = pytest.mark.engine


def test_a_rolled_back_stack_is_no_link_and_is_recreated(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back")
    failed = lab.fail_up()
    assert "stack status (DELETE_COMPLETE)" in failed.output
    assert "resource(s) failed to create" in failed.output
    assert lab.control.connected_accounts() == ()

    lab.control.set_modes(stack_outcome="complete")
    lab.control.clear_journal()
    lab.up()
    assert "request-link" not in lab.calls()
    assert lab.calls().index("cloudformation.DeleteStack") < lab.calls().index("cloudformation.CreateStack")
    lab.is_linked()


def test_a_refresh_does_not_take_a_failed_stack_for_one_that_is_there(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back")
    lab.fail_up()
    lab.control.set_modes(stack_outcome="complete")
    lab.must("refresh", "--yes", "--skip-preview")
    assert "Stack" not in lab.resources()
    lab.up()
    lab.is_linked()


def test_a_link_that_expired_with_a_rolled_back_stack_is_renewed(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back")
    with lab.hours_ago():
        lab.fail_up()
    lab.control.set_modes(stack_outcome="complete")
    lab.control.clear_journal()
    lab.up()
    assert lab.calls().count("request-link") == 1
    lab.is_linked()


def test_an_account_unlinked_by_hand_is_linked_again_after_expiry(
    lab: Lab,
) -> None:
    with lab.hours_ago():
        lab.up()
    stack = lab.outputs()["stack_id"]
    lab.control.remove_account(ACCOUNT)
    lab.up()
    assert lab.outputs()["stack_id"] == stack
    lab.is_linked()


def test_a_failed_task_ends_the_wait_at_once(lab: Lab) -> None:
    lab.control.set_modes(task_outcome="fail", task_error_message="Unable to assume role RemoteRole.")
    failed = lab.fail_up()
    assert "FAILED: Unable to assume role RemoteRole" in failed.output
    assert lab.outputs().get("connected_account_state") is None


def test_replacing_the_request_asks_for_a_new_link_at_once(lab: Lab) -> None:
    lab.control.set_modes(task_outcome="fail")
    failed = lab.fail_up()
    assert "--replace '**vmc-account-link:LinkRequest::*'" in failed.output
    lab.control.set_modes(task_outcome="finish")
    lab.up("--replace", "**vmc-account-link:LinkRequest::*")
    lab.is_linked()


def test_an_account_of_another_stack_is_refused_and_nothing_is_made(lab: Lab) -> None:
    lab.control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    failed = lab.fail_up()
    assert '"vmware-sddc-formation-1"' in failed.output
    assert lab.control.links() == ()
    assert "cloudformation.CreateStack" not in lab.calls()
    (record,) = lab.control.connected_accounts()
    assert record.cf_stack_name == "vmware-sddc-formation-1"


def test_a_passing_outage_during_the_wait_does_not_end_it(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=5.0)
    lab.control.plan_fault("vmc", "list-connected-accounts", "status", status=503, nth=3, count=2)
    lab.control.plan_fault("vmc", "get-task", "reset_before", nth=2)
    lab.up()
    lab.is_linked()


def test_an_access_token_that_ends_during_the_wait_is_renewed(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=4.0, access_token_seconds=2.0)
    lab.up()
    lab.is_linked()
    assert 2 <= lab.calls().count("exchange-token") <= 5


def test_a_list_or_a_task_that_lags_behind_is_waited_for(lab: Lab) -> None:
    lab.control.set_modes(list_lag_seconds=2.0, broken_seconds=3.0)
    done = lab.up()
    assert "task FINISHED" in done.output
    lab.is_linked()
