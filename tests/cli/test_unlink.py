"""`unlink`, and the orphans that doctor finds. Real: both emulated clouds, boto3, the engine."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.sandbox.aws_clients import role_template
from tests.support.cli import Command
from tests.support.lab import ACCOUNT, Lab
from vmc_account_link.cli.checks import check_quotas


def linked_accounts(box: Sandbox) -> list[str]:
    """The accounts that are linked."""
    return [record.account_number for record in box.control.connected_accounts()]


def test_an_orphan_is_found_by_doctor_and_removed_by_unlink(command: Command, box: Sandbox) -> None:
    box.control.seed_account(ACCOUNT, cf_stack_name="deleted-by-hand")
    for flags in ((), ("--existing",)):
        line = command("doctor", "--json", *flags).lines()["linked"]
        assert (line["verdict"], line["hint"]) == ("fail", "Remove it: `vmc-account-link unlink`.")
        assert 'ACTIVE for CloudFormation stack "deleted-by-hand"' in line["found"]
        assert "the record is an orphan" in line["found"]
    said = command("unlink", "--yes")
    assert (said.code, linked_accounts(box)) == (0, [])
    assert "An orphan: neither that stack (in us-west-2) nor the link's roles exist" in said.out
    assert said.out.endswith(f"AWS account {ACCOUNT} is not linked any more\n")
    again = command("unlink", "--yes")
    assert (again.code, again.out) == (0, f"AWS account {ACCOUNT} is not linked: nothing to do\n")


def test_a_record_whose_stack_exists_is_no_orphan(
    command: Command, box: Sandbox, aws: Callable[..., Any]
) -> None:
    aws("cloudformation").create_stack(
        StackName="theirs", TemplateBody=role_template(), Capabilities=["CAPABILITY_IAM"]
    )
    box.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    assert "orphan" not in command("doctor", "--json").lines()["linked"]["found"]
    said = command("unlink", "--yes")
    assert "NOT an orphan: its CloudFormation stack exist" in said.out
    assert linked_accounts(box) == []


def test_without_a_yes_nothing_is_unlinked(
    command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.control.seed_account(ACCOUNT, cf_stack_name="deleted-by-hand")
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr("click.confirm", no)
    assert command("unlink").code == 1
    assert (questions, linked_accounts(box)) == ([f"Unlink AWS account {ACCOUNT}?"], [ACCOUNT])


def test_a_link_that_sddcs_use_is_not_unlinked(command: Command, box: Sandbox) -> None:
    box.control.seed_account(ACCOUNT, cf_stack_name="deleted-by-hand")
    box.control.attach_sddc(ACCOUNT)
    said = command("unlink", "--yes")
    assert (said.code, linked_accounts(box)) == (1, [ACCOUNT])
    assert said.err.startswith(f"error: unlink AWS account {ACCOUNT}: SDDCs use the link: ")
    assert box.control.journal(call="unlink") == ()


def test_of_another_account_it_says_that_aws_was_not_asked(command: Command, box: Sandbox) -> None:
    box.control.seed_account("210987654321", cf_stack_name="theirs")
    said = command("unlink", "--yes", "--aws-account-id", "210987654321")
    assert (said.code, linked_accounts(box)) == (0, [])
    assert f"is not known: the AWS credentials belong to account {ACCOUNT}" in said.out


@pytest.mark.engine
def test_the_pulumi_stacks_own_link_is_left_to_destroy(command: Command, lab: Lab) -> None:
    lab.up()
    said = command("unlink", "--yes", "--cwd", str(lab.folder), "--stack", "lab")
    assert (said.code, linked_accounts(lab.box)) == (2, [ACCOUNT])
    assert said.err.endswith("this Pulumi stack holds the link. Run `pulumi destroy`.\n")


def test_quotas_fail_where_the_links_roles_do_not_fit(command: Command, box: Sandbox) -> None:
    assert check_quotas(996, 1000).verdict == "pass"
    assert check_quotas(997, 1000).verdict == "fail"
    assert "of 1000 IAM roles are used" in command("doctor", "--json").lines()["quotas"]["found"]
    box.control.set_modes(denied_actions="iam:GetAccountSummary")
    line = command("doctor", "--json").lines()["quotas"]
    assert (line["verdict"], "AccessDenied" in line["found"]) == ("warn", True)
