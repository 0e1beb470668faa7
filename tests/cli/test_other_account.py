"""The commands ask AWS as the stack's own provider does, or say whose credentials they were given."""

import json
from types import SimpleNamespace

import pytest

from tests.support.cli import Command
from tests.support.lab import Lab
from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.cli.commands import Context
from vmc_account_link.cli.project import links_of
from vmc_account_link.pulumi_state import read_deployment

ROLE = "arn:aws:iam::200000000002:role/lab"
SECRET = "4dabf18193072939515e22adb298388d"  # the engine's mark of one
PROVIDER = "urn:pulumi:dev::p::pulumi:providers:aws::link-aws"
PARENT = "urn:pulumi:dev::p::vmc-account-link:index:AccountLink::link"


@pytest.mark.engine
@pytest.mark.sandbox(accounts=2)
def test_a_link_of_another_account_is_read_as_its_provider_does(command: Command, lab: Lab) -> None:
    """The role stands in the state alone: the configuration has changed since."""
    lab.must("config", "set", "--path", "aws:assumeRoles[0].roleArn", ROLE)
    lab.up()
    lab.must("config", "rm", "aws:assumeRoles")
    project = ("--cwd", str(lab.folder), "--stack", "lab")
    status = command("status", "--json", *project)
    assert (status.code, {line["verdict"] for line in status.lines().values()}) == (0, {"pass"}), status.out
    doctor = command("doctor", "--json", *project).lines()
    assert doctor["AWS identity"]["found"].startswith("account 200000000002 (")
    assert doctor["stack name"]["found"].endswith("is this Pulumi stack's own (CREATE_COMPLETE)")
    assert command("inspect", "--stack-name", "SDDC-Account-Link", *project).code == 0
    lines = command("status", "--json", "--profile", "team-01", *project).lines()
    assert lines["stack"]["verdict"] == "fail"
    assert "belong to account 200000000001, the link to account 200000000002" in lines["stack"]["found"]
    assert lines["roles"]["verdict"] == "warn"


def test_the_stacks_own_provider_wins_over_the_configuration() -> None:
    context = Context(project=None, config={"aws:profile": "configured"})
    resources = [
        provider(
            "1",
            region="eu-west-1",
            accessKey="AKIA",
            secretKey={SECRET: SECRET, "plaintext": '"kept secret"'},
        ),
        provider("2", region="us-east-1", profile="another"),
        {
            "type": "pulumi-python:dynamic/vmc-account-link:LinkRequest",
            "parent": PARENT,
            "outputs": {"stack_name": "S"},
        },
        {"type": "aws:cloudformation/stack:Stack", "parent": PARENT, "provider": f"{PROVIDER}::1"},
    ]
    link, *_ = links_of(read_deployment({"resources": resources}))
    access = context.aws_access(SimpleNamespace(profile=None, region=None), link)
    assert access == AwsAccess(region="eu-west-1", access_key="AKIA", secret_key="kept secret")
    assert "kept secret" not in repr(link)
    options = SimpleNamespace(profile="mine", region="us-west-1")
    assert context.aws_access(options, link) == AwsAccess(region="us-west-1", profile="mine")


def test_without_a_state_the_configuration_says_how_to_ask() -> None:
    roles = [{"roleArn": ROLE, "externalId": "x"}]
    config = {
        "aws:profile": "lab",
        "aws:assumeRoles": json.dumps(roles),
        "aws:region": "eu-west-1",
        "vmc:orgId": "o",
    }
    access = Context(project=None, config=config).aws_access(SimpleNamespace(profile=None, region=None))
    assert access == AwsAccess(region="us-west-2", profile="lab", assumed_roles=tuple(roles))


def provider(identifier: str, **inputs: object) -> dict[str, object]:
    """An AWS provider of the state."""
    return {"urn": PROVIDER, "id": identifier, "type": "pulumi:providers:aws", "inputs": inputs}
