"""`link: adopt` on the real engine: somebody else's link is looked up and watched, and never touched."""

import pytest

from tests.support.lab import ACCOUNT, Lab

pytestmark = pytest.mark.engine

READS = {
    "exchange-token",
    "list-connected-accounts",
    "sts.GetCallerIdentity",
}
"""Not `mint-link`, which is a GET and makes a link."""


def test_a_link_that_exists_is_adopted_watched_and_left_without_a_write_to_either_cloud(lab: Lab) -> None:
    record = lab.control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    lab.set({"link": "adopt", "unlinkOnDestroy": "true"})
    lab.must("preview")
    lab.up()
    outputs = lab.outputs()
    assert outputs["account_number"] == ACCOUNT
    assert outputs["connected_account_id"] == record.id
    assert outputs["connected_account_state"] == "ACTIVE"
    assert outputs["stack_name"] == "vmware-sddc-formation-1"
    unknown = ("stack_id", "tracking_task", "link_expiration_date")
    assert [outputs.get(key) for key in unknown] == [None, None, None]
    assert set(lab.resources()) == {"AccountLink", "AdoptedAccount"}
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")

    lab.control.set_account_state(ACCOUNT, "BROKEN")
    lab.must("refresh", "--yes", "--skip-preview")
    assert lab.resources()["AdoptedAccount"]["outputs"]["connected_account_state"] == "BROKEN"
    (refusal,) = lab.fail_up().error_lines()[-1:]
    assert f"connected account {record.id} is BROKEN" in refusal
    lab.control.set_account_state(ACCOUNT, "ACTIVE")
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"

    lab.destroy()
    assert lab.resources() == {}
    (left,) = lab.control.connected_accounts()
    assert (left.id, left.state) == (record.id, "ACTIVE")
    assert set(lab.calls()) <= READS


def test_an_account_that_nobody_linked_is_not_adopted(lab: Lab) -> None:
    lab.set({"link": "adopt"})
    failed = lab.fail_up()
    assert f"adopt the link of AWS account {ACCOUNT}" in failed.output
    assert "has no connected account of that number" in failed.output
    assert set(lab.calls()) <= READS


def test_a_stack_that_made_its_link_is_not_turned_into_one_that_adopts_it(lab: Lab) -> None:
    lab.up()
    made = lab.resources()
    lab.set({"link": "adopt"})
    lab.control.clear_journal()
    for verb in (["preview"], ["up", "--yes", "--skip-preview"]):
        refused = lab.run(*verb)
        assert refused.code != 0
        assert 'would delete its CloudFormation stack "SDDC-Account-Link"' in refused.output
    # As after a wait that was given up: request and stack are in the state, the account is not.
    connected = made["ConnectedAccount"]["urn"]
    lab.must("state", "delete", connected, "--yes")
    assert "would delete" in lab.fail_up().output
    assert lab.calls(service="vmc") == []
    assert "cloudformation.DeleteStack" not in lab.calls()
    assert {"LinkRequest", "Stack"} <= set(lab.resources())

    # The way that the message names.
    lab.must("state", "delete", made["LinkRequest"]["urn"], "--target-dependents", "--yes")
    lab.up()
    assert set(lab.resources()) == {"AccountLink", "AdoptedAccount"}
    assert len(lab.control.connected_accounts()) == 1
    assert set(lab.calls()) <= READS


def test_a_stack_that_adopted_a_link_is_not_turned_into_one_that_makes_it(lab: Lab) -> None:
    lab.control.seed_account(ACCOUNT)
    lab.set({"link": "adopt"})
    lab.up()
    lab.set({"link": "create"})
    refused = lab.fail_up()
    assert "adopted the link of AWS account" in refused.output
    lab.destroy()
    lab.control.remove_account(ACCOUNT)
    lab.up()
    assert lab.outputs()["stack_id"]
