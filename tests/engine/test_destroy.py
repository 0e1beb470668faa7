"""`pulumi destroy` on the real engine: the account is unlinked before its stack goes, or nothing goes."""

import pytest

from tests.support.aws import role_environment
from tests.support.lab import ACCOUNT, Lab
from tests.sweep.stage import ending_of, recover
from vmc_account_link.link.progress import RELINK_GRACE_SECONDS

pytestmark = pytest.mark.engine


def test_destroy_unlinks_and_looks_before_it_deletes_the_stack(lab: Lab) -> None:
    lab.control.set_modes(unlink_lag_seconds=1.5)
    lab.up()
    lab.control.clear_journal()
    lab.destroy()
    calls = [
        e.call for e in lab.control.journal() if e.service == "vmc" or e.call == "cloudformation.DeleteStack"
    ]
    deleted = calls.index("cloudformation.DeleteStack")
    assert calls[:2] == ["list-connected-accounts", "unlink"]
    assert calls[2:deleted].count("list-connected-accounts") >= 2
    assert lab.control.connected_accounts() == ()
    assert lab.resources() == {}


def test_an_sddc_in_the_way_stops_destroy_with_the_services_reason_and_a_later_one_goes_on(lab: Lab) -> None:
    lab.up()
    lab.control.attach_sddc(ACCOUNT)
    stopped = lab.fail("destroy")
    assert "The connected account still has active SDDCs" in stopped.output
    assert "Traceback" not in stopped.output
    assert "cloudformation.DeleteStack" not in lab.calls()
    assert {"ConnectedAccount", "Stack", "LinkRequest"} <= set(lab.resources())

    lab.control.detach_sddcs()
    lab.destroy()
    assert lab.resources() == {}
    assert lab.control.connected_accounts() == ()


def test_destroy_with_another_accounts_credentials_is_refused_and_nothing_is_lost(lab: Lab) -> None:
    lab.set({"awsAccountId": ACCOUNT})
    lab.up()
    lab.environment |= role_environment(lab.box.environment, "arn:aws:iam::222222222222:role/other")
    lab.control.clear_journal()
    rejected = lab.fail("destroy")
    assert "AWS account ID not allowed: 222222222222" in rejected.output
    assert "Stack" in lab.resources()
    assert set(lab.calls()) <= {"sts.GetCallerIdentity"}


def test_destroy_with_another_organisation_set_is_refused_and_nothing_is_lost(lab: Lab) -> None:
    lab.up()
    lab.control.clear_journal()
    lab.environment["ORG_ID"] = "00000000-0000-4000-8000-000000000000"
    rejected = lab.fail("destroy")
    assert f"holds a link of organisation {lab.box.environment['ORG_ID']}" in rejected.output
    assert lab.calls(service="vmc") == []
    assert {"ConnectedAccount", "Stack", "LinkRequest"} <= set(lab.resources())
    assert len(lab.control.connected_accounts()) == 1


def test_a_stack_that_aws_did_not_delete_stops_destroy_and_recover_takes_it_in_again(lab: Lab) -> None:
    """AWS refuses to delete a protected stack as it refuses one that does not exist: its provider goes on."""
    lab.up()
    lab.control.plan_fault(
        "aws",
        "cloudformation.DeleteStack",
        "status",
        status=400,
        body="xml",
        error_code="ValidationError",
        count=9,
    )
    stopped = lab.fail("destroy")
    lab.control.clear_faults()
    assert "delete CloudFormation stack SDDC-Account-Link of AWS account 123456789012: it is still there" in (
        stopped.output
    )
    recovered = recover(lab)
    assert "taken into it, CREATE_COMPLETE" in recovered.output
    let_the_list_settle(lab)
    lab.destroy()
    ending = ending_of(lab)
    assert (ending.live_stacks, ending.records, ending.state) == ((), (), ())


def test_a_stack_that_the_state_does_not_know_stops_destroy(lab: Lab) -> None:
    """As after a kill within CreateStack and `pulumi cancel`."""
    lab.up()
    lab.must("state", "delete", lab.resources()["Stack"]["urn"], "--yes", "--target-dependents")
    stopped = lab.fail("destroy")
    assert "is unlinked now" in stopped.output
    assert "it is still there, CREATE_COMPLETE" in stopped.output
    assert lab.control.connected_accounts() == ()
    assert recover(lab).code == 0
    let_the_list_settle(lab)
    lab.destroy()
    assert ending_of(lab).live_stacks == ()


def let_the_list_settle(lab: Lab) -> None:
    """Within a minute of its task's end an account that is not listed may still come, and is waited for."""
    lab.control.advance(RELINK_GRACE_SECONDS)


def test_an_account_that_is_gone_already_does_not_stop_destroy(lab: Lab) -> None:
    lab.up()
    lab.control.remove_account(ACCOUNT)
    lab.control.advance(600)
    lab.control.clear_journal()
    lab.destroy()
    assert "unlink" not in lab.calls()


def test_a_link_that_another_stack_took_over_is_not_unlinked(lab: Lab) -> None:
    lab.up()
    lab.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    lab.control.clear_journal()
    lab.destroy()
    assert "unlink" not in lab.calls()
    (record,) = lab.control.connected_accounts()
    assert record.cf_stack_name == "theirs"


def test_a_record_listed_as_deleted_counts_as_gone(lab: Lab) -> None:
    lab.control.set_modes(deleted_records_listed=True)
    lab.up()
    lab.destroy()
    assert lab.resources() == {}


def test_unlink_on_destroy_false_leaves_the_record_and_says_so(lab: Lab) -> None:
    lab.set({"unlinkOnDestroy": "false"})
    lab.up()
    lab.control.clear_journal()
    done = lab.destroy()
    assert "stays linked" in done.output
    assert lab.calls(service="vmc") == []
    assert len(lab.control.connected_accounts()) == 1
