"""`inspect`: a file, a stack that runs, the link of the state; with a policy or without."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.modes import TemplateKind
from sandbox.vmc.template import template_text
from tests.sandbox.aws_clients import role_template
from tests.support.cli import Command
from vmc_account_link.cli.project import links_of
from vmc_account_link.pulumi_state import read_deployment

TYPES = ("AWS::IAM::Role", "AWS::Lambda::Function", "Custom::*")
ACCOUNTS = ("000000000101", "000000000102", "000000000103")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The template of a link, in a file."""
    path = tmp_path / "template.yaml"
    path.write_text(template_text(TemplateKind.NORMAL, link_id="l", org_id="o"), encoding="utf-8")
    return path


def policy(types: tuple[str, ...] = TYPES, accounts: tuple[str, ...] = ACCOUNTS) -> list[str]:
    """The options of a policy."""
    return [f"--allow-type={kind}" for kind in types] + [f"--trust-account={one}" for one in accounts]


def test_a_files_template_is_reported_in_full(command: Command, file: Path) -> None:
    said = command("inspect", str(file))
    assert said.code == 0
    assert said.out == (
        "Resources\n"
        "  4 AWS::IAM::Role: BasicLambdaRole, RemoteRole, RemoteRolePayer, RemoteRoleService\n"
        "  1 AWS::Lambda::Function: LinkFunction\n"
        "  1 Custom::VmcAccountLink: AccountLink\n"
        "Roles\n"
        + "".join(
            f"  {name}\n"
            f"    may be assumed by arn:aws:iam::{account}:root (external id vmware-vmc)\n"
            "    has arn:aws:iam::aws:policy/AmazonVPCCrossAccountNetworkInterfaceOperations\n"
            for name, account in zip(
                ("RemoteRole", "RemoteRolePayer", "RemoteRoleService"), ACCOUNTS, strict=True
            )
        )
        + "  BasicLambdaRole\n"
        "    may be assumed by Service lambda.amazonaws.com\n"
        "    has arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole\n"
        "Code that runs\n"
        "  AccountLink (Custom::VmcAccountLink) calls LinkFunction\n"
        "  LinkFunction: its code is in the template and names no URL\n"
        "Policy: none (templatePolicy, --allow-type, --trust-account)\n"
    )


def test_the_exit_code_says_whether_the_policy_fits(command: Command, file: Path) -> None:
    fits = command("inspect", str(file), *policy())
    assert (fits.code, fits.out.splitlines()[-1]) == (0, "Policy: it fits")
    rejected = command("inspect", str(file), *policy(accounts=ACCOUNTS[:2]))
    assert rejected.code == 1
    assert rejected.out.endswith(
        "Policy: refused\n  RemoteRoleService: it may be assumed by arn:aws:iam::000000000103:root "
        "(external id vmware-vmc), which is not trusted\n"
    )


def test_json_holds_the_report_the_policy_and_the_violations(command: Command, file: Path) -> None:
    said = command("inspect", str(file), "--json", "--allow-type", "AWS::IAM::Role")
    wire = json.loads(said.out)
    assert said.code == 1
    assert wire["policy"] == {"resource_types": ["AWS::IAM::Role"], "trusted_accounts": None}
    assert [line.partition(":")[0] for line in wire["violations"]] == ["LinkFunction", "AccountLink"]
    assert wire["report"]["roles"][0]["trusts"][0]["external_ids"] == ["vmware-vmc"]


def test_what_is_no_template_is_one_line_and_exit_code_1(command: Command, file: Path) -> None:
    file.write_text("<html>", encoding="utf-8")
    said = command("inspect", str(file))
    assert (said.code, said.out) == (1, "")
    assert "neither a JSON nor a YAML template" in said.err


def test_a_stack_that_runs_is_inspected_by_its_name(command: Command, aws: Any) -> None:
    aws("cloudformation").create_stack(
        StackName="runs", TemplateBody=role_template(), Capabilities=["CAPABILITY_IAM"]
    )
    assert command("inspect", "--stack-name", "runs").out.startswith("Resources\n  1 AWS::IAM::Role: Role\n")
    missing = command("inspect", "--stack-name", "nowhere")
    assert missing.code == 2
    assert "nowhere" in missing.err


def test_links_are_found_in_a_state_by_their_component() -> None:
    def resource(kind: str, parent: str, **values: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "parent": f"urn:pulumi:s::p::vmc-account-link:index:AccountLink::{parent}",
            **values,
        }

    dynamic = "pulumi-python:dynamic/vmc-account-link:"
    links = links_of(
        read_deployment(
            {
                "resources": [
                    {"type": "pulumi:pulumi:Stack"},
                    resource(f"{dynamic}LinkRequest", "a", outputs={"org_id": "o", "tracking_task": "t"}),
                    resource(
                        "aws:cloudformation/stack:Stack",
                        "a",
                        id="arn:aws:cloudformation:eu-west-1:123456789012:stack/S/1",
                        outputs={"name": "S"},
                    ),
                    resource(f"{dynamic}ExistingAccount", "b", outputs={"account_number": "123456789012"}),
                    resource(
                        "aws:cloudformation/stack:Stack", "somebody", id="arn", outputs={"name": "theirs"}
                    ),
                ]
            }
        )
    )
    assert [(link.component, link.stack_name, link.region, link.is_existing) for link in links] == [
        ("a", "S", "eu-west-1", False),
        ("b", None, None, True),
    ]
