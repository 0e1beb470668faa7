"""`link: existing` on the real engine: somebody else's link is looked up and watched, and never touched."""

import pytest

from tests.support.lab import ACCOUNT, Lab

pytestmark = pytest.mark.engine

READS = {
    "exchange-token",
    "list-connected-accounts",
    "sts.GetCallerIdentity",
}
"""Not `request-link`, which is a GET and makes a link."""


def test_an_existing_link_is_watched_and_left_without_a_write_to_either_cloud(lab: Lab) -> None:
    record = lab.control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    lab.set({"link": "existing"})
    lab.up()
    outputs = lab.outputs()
    assert outputs["account_number"] == ACCOUNT
    assert outputs["connected_account_id"] == record.id
    assert outputs["connected_account_state"] == "ACTIVE"
    assert outputs["stack_name"] == "vmware-sddc-formation-1"
    unknown = ("stack_id", "tracking_task", "link_expiration_date")
    assert [outputs.get(key) for key in unknown] == [None, None, None]
    assert set(lab.resources()) == {"AccountLink", "ExistingAccount"}

    lab.control.set_account_state(ACCOUNT, "BROKEN")
    lab.must("refresh", "--yes", "--skip-preview")
    assert lab.resources()["ExistingAccount"]["outputs"]["connected_account_state"] == "BROKEN"
    refusals = lab.fail_up().error_lines()
    assert [line for line in refusals if f"connected account {record.id} is BROKEN" in line], refusals

    lab.destroy()
    assert lab.resources() == {}
    (left,) = lab.control.connected_accounts()
    assert (left.id, left.state) == (record.id, "BROKEN")
    assert set(lab.calls()) <= READS


def test_a_stack_that_made_its_link_does_not_take_it_for_existing_nor_the_other_way_round(lab: Lab) -> None:
    lab.up()
    made = lab.resources()
    lab.set({"link": "existing"})
    lab.control.clear_journal()
    rejected = lab.run("preview")
    assert rejected.code != 0
    assert 'would delete its CloudFormation stack "SDDC-Account-Link"' in rejected.output
    # As after an `up` that was cut off: request and stack are in the state, the account is not.
    lab.must("state", "delete", made["ConnectedAccount"]["urn"], "--yes", "--target-dependents")
    assert "would delete" in lab.fail_up().output
    assert {"LinkRequest", "Stack"} <= set(lab.resources())

    # The way that the message names.
    lab.must("state", "delete", made["LinkRequest"]["urn"], "--target-dependents", "--yes")
    lab.up()
    assert set(lab.resources()) == {"AccountLink", "ExistingAccount"}
    lab.set({"link": "create"})
    assert "uses the existing link of AWS account" in lab.fail_up().output
    assert len(lab.control.connected_accounts()) == 1
    assert set(lab.calls()) <= READS
