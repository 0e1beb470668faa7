"""Promise: many AWS accounts and organizations stay apart. Real: both servers, AWS's own SDK."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.control.client import ControlRefused
from sandbox.environment import Backend, Sandbox
from sandbox.faults import InvalidFault, PlannedFault
from tests.sandbox.service import TIMEOUT_SECONDS

IAM = ["CAPABILITY_IAM"]
NUMBERS = ["200000000001", "200000000002"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.start(accounts=2, organizations=2, backend=Backend.S3, first_poll_seconds=0.1) as running:
        running.control.set_modes(stack_seconds=0, task_seconds=0)
        yield running


@pytest.fixture(autouse=True)
def shared_files(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, box.environment[name])


def client(box: Sandbox, service: str, **session: Any) -> Any:
    make: Any = boto3.Session(**session).client
    region = {} if "profile_name" in session else {"region_name": "us-west-2"}
    config = Config(retries={"total_max_attempts": 1})
    return make(service, endpoint_url=box.environment["AWS_ENDPOINT_URL"], config=config, **region)


def own_keys(box: Sandbox) -> dict[str, str]:
    environment = box.environment
    return {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }


def role_keys(box: Sandbox, account: str) -> dict[str, str]:
    arn = f"arn:aws:iam::{account}:role/lab"
    sts = client(box, "sts", **own_keys(box))
    got = sts.assume_role(RoleArn=arn, RoleSessionName="labs")["Credentials"]
    return {
        "aws_access_key_id": got["AccessKeyId"],
        "aws_secret_access_key": got["SecretAccessKey"],
        "aws_session_token": got["SessionToken"],
    }


class Caller:
    """A VMC client that is logged in to one organization."""

    def __init__(self, box: Sandbox, number: int) -> None:
        self._url = box.environment["VMC_URL"]
        prefix, suffix = ("", "") if number == 1 else ("SANDBOX_", f"_{number}")
        self.org_id = box.environment[f"{prefix}ORG_ID{suffix}"]
        self._token = requests.post(
            f"{self._url}/csp/gateway/am/api/auth/api-tokens/authorize",
            data={"refresh_token": box.environment[f"{prefix}API_TOKEN{suffix}"]},
            timeout=TIMEOUT_SECONDS,
        ).json()["access_token"]

    def get(self, path: str, *, org_id: str | None = None) -> requests.Response:
        return requests.get(
            f"{self._url}/vmc/api/orgs/{org_id or self.org_id}{path}",
            headers={"csp-auth-token": self._token},
            timeout=TIMEOUT_SECONDS,
        )

    def link(self, cloudformation: Any, name: str) -> None:
        """Mint a link and run its template with these credentials."""
        url = self.get("/account-link").json()["template_url"]
        cloudformation.create_stack(StackName=name, TemplateURL=url, Capabilities=IAM)

    def accounts(self) -> list[tuple[str, str]]:
        records = self.get("/account-link/connected-accounts").json()
        return [(one["account_number"], one["cf_stack_name"]) for one in records]


def test_profile_role_and_keys_lead_each_to_its_account(
    box: Sandbox,
) -> None:
    assert [account.profile for account in box.accounts] == ["team-01", "team-02"]
    requested = [client(box, "sts", profile_name=account.profile) for account in box.accounts]
    requested += [client(box, "sts", **role_keys(box, number)) for number in NUMBERS]
    requested += [client(box, "sts", **own_keys(box))]
    numbers = [sts.get_caller_identity()["Account"] for sts in requested]
    assert numbers == [*NUMBERS, *NUMBERS, "123456789012"]


def test_the_shared_files_are_for_this_user_only(box: Sandbox) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert stat.S_IMODE(Path(box.environment[name]).stat().st_mode) == 0o600


def test_a_stack_of_one_name_in_two_accounts_is_two_stacks_and_two_links(box: Sandbox) -> None:
    one = client(box, "cloudformation", profile_name="team-01")
    two = client(box, "cloudformation", **role_keys(box, NUMBERS[1]))
    caller = Caller(box, 1)
    for cloudformation in (one, two):
        caller.link(cloudformation, "Link")
    assert caller.accounts() == [(number, "Link") for number in NUMBERS]
    for cloudformation, number in ((one, NUMBERS[0]), (two, NUMBERS[1])):
        (stack,) = cloudformation.describe_stacks()["Stacks"]
        assert f":{number}:stack/Link/" in stack["StackId"]
        assert f":{number}:role/" in stack["Outputs"][0]["OutputValue"]
    one.delete_stack(StackName="Link")
    roles = [
        client(box, "iam", **keys).list_roles()["Roles"]
        for keys in ({"profile_name": "team-01"}, role_keys(box, NUMBERS[1]), own_keys(box))
    ]
    assert [len(found) for found in roles] == [0, 4, 0]


def test_a_token_opens_its_own_organization_alone(box: Sandbox) -> None:
    first, second = Caller(box, 1), Caller(box, 2)
    assert box.control.organizations() == (first.org_id, second.org_id)
    assert [caller.get("").status_code for caller in (first, second)] == [200, 200]
    assert first.get("", org_id=second.org_id).status_code == 403
    assert second.get("/account-link", org_id=first.org_id).status_code == 403


def test_one_account_has_a_record_of_its_own_in_each_organization(box: Sandbox) -> None:
    cloudformation = client(box, "cloudformation", profile_name="team-01")
    first, second = Caller(box, 1), Caller(box, 2)
    first.link(cloudformation, "One")
    second.link(cloudformation, "Two")
    assert (first.accounts(), second.accounts()) == ([(NUMBERS[0], "One")], [(NUMBERS[0], "Two")])
    entries = box.control.connected_accounts()
    assert [(one.org_id, one.cf_stack_name) for one in entries] == [
        (first.org_id, "One"),
        (second.org_id, "Two"),
    ]
    assert len({one.id for one in entries}) == 2
    assert [link.org_id for link in box.control.links()] == [first.org_id, second.org_id]


def test_control_reaches_every_organization(box: Sandbox) -> None:
    other = box.control.organizations()[1]
    box.control.seed_account(NUMBERS[0], org_id=other)
    box.control.attach_sddc(NUMBERS[0], org_id=other)
    with pytest.raises(ControlRefused, match="is not connected"):
        box.control.attach_sddc(NUMBERS[0])
    with pytest.raises(ControlRefused, match="there is no organization 'x'"):
        box.control.attach_sddc(NUMBERS[0], org_id="x")
    box.control.reset()
    assert box.control.connected_accounts() == ()


def test_a_fault_meets_the_calls_of_its_account_alone(box: Sandbox) -> None:
    box.control.clear_journal()
    box.control.plan_fault(
        "aws", "sts.GetCallerIdentity", "status", status=403, body="xml", account_number=NUMBERS[1]
    )
    client(box, "sts", profile_name="team-01").get_caller_identity()
    with pytest.raises(ClientError):
        client(box, "sts", profile_name="team-02").get_caller_identity()
    client(box, "sts", profile_name="team-02").get_caller_identity()
    entries = [(entry.account_number, entry.status) for entry in box.control.journal()]
    assert entries == [(NUMBERS[0], 200), (NUMBERS[1], 403), (NUMBERS[1], 200)]


def test_a_fault_by_account_is_for_aws_alone() -> None:
    wire = {"service": "vmc", "call": "*", "kind": "reset_before", "account_number": NUMBERS[0]}
    with pytest.raises(InvalidFault, match="service 'vmc' does not know the account of a call"):
        PlannedFault.from_wire(wire)


def test_the_state_bucket_belongs_to_the_environments_account(box: Sandbox) -> None:
    bucket = box.environment["PULUMI_BACKEND_URL"].removeprefix("s3://").partition("?")[0]
    owned = client(box, "s3", **own_keys(box)).list_buckets()["Buckets"]
    assert [one["Name"] for one in owned] == [bucket]
    assert client(box, "s3", profile_name="team-01").list_buckets()["Buckets"] == []
