"""Where the command line asks AWS: where the stack's own provider does, `aws:endpoints` included."""

from types import SimpleNamespace

import pytest

from sandbox.environment import Sandbox
from tests.support.cli import Command
from tests.support.lab import ACCOUNT, Lab
from vmc_account_link.aws_reader import AwsAccess, AwsReader, AwsRefused
from vmc_account_link.cli.commands import Context
from vmc_account_link.errors import SettingsError

NOWHERE = "http://127.0.0.1:9"


def context(endpoints: str) -> Context:
    return Context(project=None, config={"aws:endpoints": endpoints})


OPTIONS = SimpleNamespace(profile=None, region=None)


def test_the_configuration_names_a_url_for_each_service() -> None:
    assert context('[{"sts": "http://a", "iam": ""}, {"cloudformation": "http://b"}]').aws_access(
        OPTIONS
    ).endpoints == {"sts": "http://a", "cloudformation": "http://b"}
    assert Context(project=None, config={}).aws_access(OPTIONS).endpoints == {}


@pytest.mark.parametrize("text", ["{", "7", '["http://a"]'])
def test_what_is_no_list_of_objects_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="aws:endpoints"):
        context(text).aws_access(OPTIONS)


def test_a_service_with_its_own_url_is_called_there(
    command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = box.environment["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    assert AwsReader(AwsAccess(endpoints={"sts": own})).caller().account == ACCOUNT
    with pytest.raises(AwsRefused, match="Could not connect"):
        AwsReader(AwsAccess()).caller()


@pytest.mark.engine
def test_doctor_asks_where_the_stacks_configuration_says(
    command: Command, lab: Lab, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = box.environment["AWS_ENDPOINT_URL"]
    lab.must("config", "set", "--path", "aws:endpoints[0].sts", own)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    lines = command("doctor", "--json", "--cwd", str(lab.folder), "--stack", "lab").lines()
    assert lines["AWS identity"]["verdict"] == "pass", lines["AWS identity"]
    assert lines["stack name"]["verdict"] == "fail", "CloudFormation has no URL of its own"
