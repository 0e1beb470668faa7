"""`doctor`: every line, as it should be and broken. Real: both emulated clouds, boto3."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from sandbox.environment import Sandbox
from tests.sandbox.aws_clients import role_template
from tests.support.aws import role_environment
from tests.support.cli import Command
from tests.support.lab import ACCOUNT, Lab

LINES = ("token", "organisation", "roles", "AWS identity", "linked", "region", "stack name", "subnets")


def test_a_ready_account_passes_every_line_in_text_and_in_json(command: Command) -> None:
    text, as_json = command("doctor"), command("doctor", "--json")
    assert (text.code, as_json.code) == (0, 0)
    assert [row.split()[0] for row in text.out.splitlines()] == ["pass"] * 10
    lines = as_json.lines()
    assert tuple(lines) == (*LINES, "permissions", "quotas")
    for name, line in lines.items():
        assert f"pass  {name:<14}{line['found']}" in text.out
        assert line["hint"] is None


def test_it_reads_and_never_writes(command: Command, box: Sandbox) -> None:
    command("doctor")
    assert "request-link" not in [entry.call for entry in box.control.journal()]
    aws = {entry.call.partition(".")[2] for entry in box.control.journal(service="aws")}
    assert {call for call in aws if not call.startswith(("Describe", "Get", "List", "Simulate"))} == set()


def test_several_things_wrong_at_once_are_a_line_each(command: Command, box: Sandbox) -> None:
    box.control.set_modes(
        api_token_seconds=3600,
        token_roles="csp:org_member",
        denied_actions="iam:CreateRole, lambda:CreateFunction, cloudformation:DescribeStacks",
    )
    box.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    flags = ("--region", "ap-east-1", "--aws-account-id", "210987654321")
    said, text = command("doctor", "--json", *flags), command("doctor", *flags)
    lines = said.lines()
    assert (said.code, text.code) == (1, 1)
    for name in ("roles", "AWS identity", "linked", "region", "stack name", "permissions"):
        assert f"FAIL  {name:<14}{lines[name]['found']}\n" in text.out
        output = " ".join(text.out.partition(lines[name]["found"])[2].split())
        assert output.startswith(f"-> {lines[name]['hint']}")
    assert {name: line["verdict"] for name, line in lines.items()} == {
        "token": "warn",
        "organisation": "pass",
        "roles": "fail",
        "AWS identity": "fail",
        "linked": "fail",
        "region": "fail",
        "stack name": "fail",
        "subnets": "pass",
        "permissions": "fail",
        "quotas": "pass",
    }
    assert lines["token"]["found"].startswith("accepted; 1.0 h left")
    assert lines["AWS identity"]["found"].endswith("awsAccountId is 210987654321")
    assert lines["linked"]["found"].endswith('linked by CloudFormation stack "theirs"')
    assert "not enabled" in lines["region"]["found"]
    assert "AccessDenied" in lines["stack name"]["found"]
    assert lines["permissions"]["found"].startswith("denied: ")
    assert {"iam:CreateRole", "lambda:CreateFunction"} <= set(lines["permissions"]["found"][8:].split(", "))
    assert [
        name for name, line in lines.items() if (line["hint"] is None) != (line["verdict"] == "pass")
    ] == []


def test_an_ended_token_fails(command: Command, box: Sandbox) -> None:
    box.control.set_modes(api_token_seconds=-60)
    said = command("doctor", "--json")
    assert (said.code, said.lines()["token"]["verdict"]) == (1, "fail")


@pytest.mark.engine
def test_the_whole_configuration_is_read_and_what_the_program_would_refuse_is_a_line(
    command: Command, lab: Lab
) -> None:
    def line() -> dict[str, Any]:
        said = command("doctor", "--json", "--cwd", str(lab.folder), "--stack", "lab")
        found = said.lines()["configuration"]
        assert (said.code == 1) == (found["verdict"] == "fail")
        return found

    settings = {"vmc:orgId": lab.box.environment["ORG_ID"], "aws:region": "us-west-2"}
    write_config(lab, settings)
    ready = line()
    assert ready["verdict"] == "pass"
    # Those of the project's file too, which have defaults.
    assert re.fullmatch(r"all \d+ settings are known and well formed", ready["found"])
    for key, value, found in (
        ("vmc-account-link:awsAccountID", "123456789012", "awsAccountId"),
        ("vmc-account-link:awsAccountId", "12345678901", "awsAccountId"),
        ("vmc:orgID", "6f0a2d58", "orgId"),
        ("aws:regoin", "us-west-2", "region"),
    ):
        write_config(lab, {**settings, key: value})
        rejected = line()
        assert rejected["verdict"] == "fail", key
        assert found in f"{rejected['found']} {rejected['hint']}"


def write_config(lab: Lab, settings: Mapping[str, str]) -> None:
    """What `pulumi config set` would write, beside the stack's salt."""
    path = lab.folder / "Pulumi.lab.yaml"
    stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**stored, "config": dict(settings)}), encoding="utf-8")


def test_for_an_existing_link_only_what_it_needs_is_looked_at(
    command: Command, box: Sandbox, aws: Callable[..., Any]
) -> None:
    rejected = command("doctor", "--json", "--existing")
    assert (rejected.code, rejected.lines()["linked"]["verdict"]) == (1, "fail")
    aws("cloudformation").create_stack(
        StackName="theirs", TemplateBody=role_template(), Capabilities=["CAPABILITY_IAM"]
    )
    box.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    said = command("doctor", "--json", "--existing")
    assert (said.code, said.lines()["linked"]["verdict"]) == (0, "pass")
    assert {"stack name", "permissions"} & set(said.lines()) == set()


def test_a_wrong_token_fails_its_line_and_does_not_hide_aws(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "a-token-that-nobody-knows")
    said = command("doctor", "--json")
    verdicts = {name: line["verdict"] for name, line in said.lines().items()}
    assert said.code == 1
    assert verdicts.pop("token") == "fail"
    assert {verdicts.pop(name) for name in ("organisation", "roles", "linked")} == {"warn"}
    assert set(verdicts.values()) == {"pass"}
    assert "a-token-th" not in said.out


def test_a_missing_setting_is_a_line_of_its_own(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_TOKEN")
    line = command("doctor", "--json").lines()["token"]
    assert line["verdict"] == "fail"
    assert line["found"].startswith("vmc:refreshToken: no VMC API token is set")
    assert "API_TOKEN" in line["hint"]


def test_where_the_end_of_the_token_is_not_told_the_line_says_so(command: Command, box: Sandbox) -> None:
    box.control.plan_fault("csp", "token-details", "status", status=404)
    line = command("doctor", "--json").lines()["token"]
    assert (line["verdict"], line["found"][:32]) == ("warn", "accepted; until when is not know")


def test_an_oauth_apps_secret_has_no_end_to_tell(
    command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_TOKEN")
    monkeypatch.setenv("CLIENT_ID", box.world.tokens.credentials.client_id)
    monkeypatch.setenv("CLIENT_SECRET", box.world.tokens.credentials.client_secret)
    line = command("doctor", "--json").lines()["token"]
    assert (line["verdict"], line["found"][:26]) == ("pass", "accepted; an OAuth app's s")


def test_a_token_of_another_organisation_fails(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORG_ID", "another-organisation")
    line = command("doctor", "--json").lines()["organisation"]
    assert line["verdict"] == "fail"
    assert line["found"].endswith("vmc:orgId is another-organisation")


def test_without_aws_credentials_its_lines_are_not_looked_at_and_the_services_are(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    verdicts = {name: line["verdict"] for name, line in command("doctor", "--json").lines().items()}
    assert verdicts == {
        "token": "pass",
        "organisation": "pass",
        "roles": "pass",
        "AWS identity": "fail",
        **dict.fromkeys(("linked", "region", "stack name", "subnets", "permissions", "quotas"), "warn"),
    }


@pytest.mark.parametrize("kind", ["ok_html", "ok_empty", "ok_truncated"])
def test_an_answer_that_is_none_of_aws_fails_its_line(command: Command, box: Sandbox, kind: str) -> None:
    box.control.plan_fault("aws", "sts.GetCallerIdentity", kind, count=9)
    said = command("doctor", "--json")
    assert said.code == 1
    line = said.lines()["AWS identity"]
    assert (line["verdict"], "the answer did not come from AWS" in line["found"]) == ("fail", True), line


def test_an_unknown_profile_is_one_line(command: Command) -> None:
    line = command("doctor", "--json", "--profile", "nobody").lines()["AWS identity"]
    assert line["verdict"] == "fail"
    assert "nobody" in line["found"]


def test_a_taken_stack_name_fails_and_another_is_free(command: Command, aws: Any) -> None:
    aws("cloudformation").create_stack(
        StackName="taken", TemplateBody=role_template(), Capabilities=["CAPABILITY_IAM"]
    )
    line = command("doctor", "--json", "--stack-name", "taken").lines()["stack name"]
    assert (line["verdict"], line["found"][:14]) == ("fail", "taken is taken")
    assert command("doctor", "--json").lines()["stack name"]["verdict"] == "pass"


def test_an_availability_zone_without_a_usable_subnet_is_told(command: Command, aws: Any) -> None:
    ec2 = aws("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    for subnet in subnets:
        if subnet["AvailabilityZone"] == "us-west-2b":
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.create_subnet(VpcId=subnets[0]["VpcId"], CidrBlock="172.31.255.0/28", AvailabilityZone="us-west-2b")
    said = command("doctor", "--json")
    line = said.lines()["subnets"]
    assert (line["verdict"], said.code) == ("warn", 0)
    assert line["found"].startswith("none in us-west-2b (")
    assert "/26" in line["hint"]


def test_a_region_without_any_subnet_fails(command: Command, aws: Any) -> None:
    ec2 = aws("ec2", "eu-west-1")
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    line = command("doctor", "--json", "--subnet-region", "eu-west-1").lines()["subnets"]
    assert line["verdict"] == "fail"


def test_permissions_that_can_not_be_simulated_are_a_warning(command: Command, box: Sandbox) -> None:
    box.control.set_modes(denied_actions="iam:SimulatePrincipalPolicy")
    said = command("doctor", "--json")
    line = said.lines()["permissions"]
    assert (line["verdict"], said.code) == ("warn", 0)
    assert "AccessDenied" in line["found"]


def test_a_role_is_simulated_as_itself_and_not_as_its_session(
    command: Command, aws: Any, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = aws("iam").create_role(RoleName="lab", Path="/team/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for name, value in role_environment(box.environment, arn).items():
        monkeypatch.setenv(name, value)
    assert command("doctor", "--json").lines()["permissions"]["verdict"] == "pass"
    assert "iam.GetRole" in [entry.call for entry in box.control.journal(service="aws")]


def test_the_policy_is_printed_for_the_stacks_own_name_and_nothing_is_asked(
    command: Command, box: Sandbox
) -> None:
    said = command("doctor", "--iam-policy", "--stack-name", "Lab-07", "--aws-account-id", ACCOUNT)
    assert said.code == 0
    statements = {one["Sid"]: one["Resource"] for one in json.loads(said.out)["Statement"]}
    assert statements["Stack"] == f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/Lab-07/*"
    assert box.control.journal() == ()


def test_a_missing_right_for_a_tagged_stack_is_found_before_the_link(command: Command, box: Sandbox) -> None:
    box.control.set_modes(denied_actions="iam:TagRole,cloudformation:UpdateStack")
    line = command("doctor", "--json").lines()["permissions"]
    assert (line["verdict"], line["found"]) == ("fail", "denied: cloudformation:UpdateStack, iam:TagRole")
    assert "--iam-policy" in line["hint"]
