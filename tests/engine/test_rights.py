"""The IAM policy beside the journal: nothing missing, nothing more. Real: engine, AWS provider, boto3."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.engine.test_crash import kill_at
from tests.support.aws import aws_client, role_environment
from tests.support.cli import Command
from tests.support.lab import ACCOUNT, Lab
from tests.sweep.stage import recover
from vmc_account_link.cli.rights import DIRECT, RIGHTS, Scope, iam_policy

pytestmark = pytest.mark.engine


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """With the provider that people use, which looks at a stack first after 10 s."""
    with Sandbox.start(tmp_path / "sandbox") as box:
        box.control.set_modes(stack_seconds=1.0, task_seconds=1.0)
        yield box


def test_the_policy_is_what_the_commands_ask_of_aws(
    lab: Lab, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: dict[str, set[str]] = {}

    def measure(name: str, *acts: Callable[[], object]) -> None:
        lab.control.clear_journal()
        for act in acts:
            act()
        calls = {entry.call.replace(".", ":") for entry in lab.control.journal(service="aws")}
        measured[name] = measured.get(name, set()) | calls

    def fail_at_the_stack() -> None:
        lab.control.set_modes(stack_outcome="roll_back")
        lab.fail_up()
        lab.control.set_modes(stack_outcome="complete")

    def crash() -> None:
        kill_at(lab, "cloudformation.CreateStack", group=True)
        lab.control.clear_journal()

    project = ("--cwd", str(lab.folder), "--stack", "lab")
    lab.set({"awsAccountId": ACCOUNT})
    measure("recover", crash, lambda: recover(lab))
    lab.destroy()
    measure("pulumi up", fail_at_the_stack, lab.up)
    lab.must("config", "set", "--path", "tags.owner", "ann")
    measure("pulumi up (tags, relink)", lab.up)
    lab.set({"relink": "1"})
    measure("pulumi up (tags, relink)", lab.up)
    as_a_role(lab.box, monkeypatch)
    measure("doctor", lambda: command("doctor"), lambda: command("doctor", *project))
    measure("status", lambda: command("status", *project))
    measure("inspect", lambda: command("inspect", "--stack-name", "SDDC-Account-Link", *project))
    measure("pulumi destroy", lab.destroy)

    expected = {
        name: {right.action for right in RIGHTS if right.caller == DIRECT and name in right.commands}
        for name in measured
    }
    assert measured == expected


def as_a_role(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take on a role, as people do: doctor has to find the policies behind the session."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    role = aws_client(box.environment, "iam").create_role(
        RoleName="operator", AssumeRolePolicyDocument=json.dumps(trust)
    )
    for name, value in role_environment(box.environment, role["Role"]["Arn"]).items():
        monkeypatch.setenv(name, value)


def test_the_names_of_what_is_made_fit_the_policys_resources(lab: Lab) -> None:
    """Its patterns are for names that CloudFormation makes of the stack's."""
    lab.set({"stackName": "A-Name-That-Is-Cut-For-Roles-Because-It-Is-Long"})
    lab.up()
    scope = Scope(
        account=ACCOUNT, region="us-west-2", stack_name="A-Name-That-Is-Cut-For-Roles-Because-It-Is-Long"
    )
    by_sid = {one["Sid"]: one["Resource"].removesuffix("*") for one in iam_policy(scope)["Statement"]}
    (record,) = lab.control.connected_accounts()
    assert [arn for arn in record.role_arns.values() if not arn.startswith(by_sid["Roles"])] == []
    assert lab.outputs()["stack_id"].startswith(by_sid["Stack"])
