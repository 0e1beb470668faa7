"""Many accounts, another organisation and a state in S3, on the real engine."""

import pytest

from sandbox.environment import Backend
from tests.support.lab import Lab

pytestmark = [pytest.mark.engine, pytest.mark.sandbox(accounts=2, organizations=2, backend=Backend.S3)]


def test_a_profile_links_its_account_to_the_chosen_organisation_from_s3(
    lab: Lab,
) -> None:
    other = lab.control.organizations()[1]
    lab.environment["API_TOKEN"] = lab.box.environment["SANDBOX_API_TOKEN_2"]
    lab.set({"vmc:orgId": other, "aws:profile": "team-02", "awsAccountId": "200000000002"})
    lab.up()
    outputs = lab.outputs()
    assert outputs["account_number"] == "200000000002"
    assert outputs["stack_id"].startswith("arn:aws:cloudformation:us-west-2:200000000002:stack/")
    (record,) = lab.control.connected_accounts()
    assert (record.org_id, record.id) == (other, outputs["connected_account_id"])
    makers = {e.account_number for e in lab.control.journal(call="cloudformation.CreateStack")}
    keepers = {e.account_number for e in lab.control.journal(service="aws") if e.call.startswith("s3.")}
    assert (makers, keepers) == ({"200000000002"}, {"123456789012"})
    lab.destroy()
    assert lab.control.connected_accounts() == ()


def test_a_role_links_the_account_it_is_in(lab: Lab) -> None:
    lab.must("config", "set", "--path", "aws:assumeRoles[0].roleArn", "arn:aws:iam::200000000001:role/lab")
    lab.up()
    assert lab.outputs()["account_number"] == "200000000001"
    assert [record.account_number for record in lab.control.connected_accounts()] == ["200000000001"]
