"""`status` of one link: every line, as it should be and broken. Real: both emulated clouds, boto3."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.support.cli import Command
from tests.support.lab import ACCOUNT
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Link, SddcConnection, Task
from vmc_account_link.aws_reader import AwsAccess, StackSummary
from vmc_account_link.cli import status
from vmc_account_link.cli.check_result import CheckResult
from vmc_account_link.link.ownership import LinkEvidence, Owner, Ownership
from vmc_account_link.settings import read_settings

NAME = "SDDC-Account-Link"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
Client = Callable[..., Any]


@pytest.fixture
def link(command: Command, aws: Client) -> Link:
    """A link made by hand: requested, run, and settled."""
    with VmcClient(read_settings(lambda _: None, os.environ)) as vmc:
        link = vmc.request_link()
        aws("cloudformation").create_stack(
            StackName=NAME, TemplateURL=link.template_url, Capabilities=["CAPABILITY_IAM"]
        )
        deadline = time.monotonic() + 30
        while not vmc.list_connected_accounts() and time.monotonic() < deadline:
            time.sleep(0.1)
    aws("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return link


def run_status(command: Command, link: Link | None) -> dict[str, dict[str, Any]]:
    """The lines of the link that flags name."""
    task = ["--task", link.tracking_task or ""] if link else []
    return command("status", "--json", "--aws-account-id", ACCOUNT, *task).lines()


def test_a_link_that_is_whole_passes_every_line_on_one_screen(command: Command, link: Link) -> None:
    said = command("status", "--aws-account-id", ACCOUNT, "--task", link.tracking_task or "")
    rows = said.out.splitlines()
    assert [row.split()[:2] for row in rows if not row.startswith(" ")] == [
        ["pass", name] for name in ("request", "stack", "task", "record", "roles", "SDDCs")
    ]
    assert said.code == 0
    assert len(rows) <= 24
    assert sum(" CREATE_COMPLETE" in row for row in rows) >= 5  # the stack, and its latest events


def test_what_is_broken_fails_its_line_and_the_others_are_still_looked_at(
    command: Command, link: Link, box: Sandbox, aws: Client
) -> None:
    role = next(one for one in aws("iam").list_roles()["Roles"] if "-RemoteRole-" in one["RoleName"])
    for policy in aws("iam").list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]:
        aws("iam").detach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["PolicyArn"])
    aws("iam").delete_role(RoleName=role["RoleName"])
    box.control.set_account_state(ACCOUNT, "BROKEN")
    lines = run_status(command, link)
    verdicts = {name: line["verdict"] for name, line in lines.items()}
    assert (verdicts["record"], verdicts["roles"], verdicts["stack"]) == ("fail", "fail", "pass")
    assert lines["roles"]["found"].startswith(f"missing: {role['RoleName']};")
    text = command("status", "--aws-account-id", ACCOUNT).out
    assert f"FAIL  {'roles':<14}missing: {role['RoleName']};" in text
    assert "-> Run the link's template again: change `relink`" in " ".join(text.split())
    aws("cloudformation").delete_stack(StackName=NAME)
    box.control.remove_account(ACCOUNT)
    time.sleep(1)
    lines = run_status(command, None)
    assert {name: line["verdict"] for name, line in lines.items()} == {
        "request": "pass",
        "stack": "fail",
        "task": "pass",
        "record": "fail",
        "roles": "warn",
        "SDDCs": "warn",
    }


def test_a_task_that_failed_and_a_service_that_refuses_are_lines(
    command: Command, box: Sandbox, aws: Client
) -> None:
    box.control.set_modes(task_outcome="fail")
    with VmcClient(read_settings(lambda _: None, os.environ)) as vmc:
        link = vmc.request_link()
    aws("cloudformation").create_stack(
        StackName=NAME, TemplateURL=link.template_url, Capabilities=["CAPABILITY_IAM"]
    )
    time.sleep(1.5)
    line = run_status(command, link)["task"]
    assert line["verdict"] == "fail"
    assert "FAILED" in line["found"]
    assert "Unable to assume role" in line["found"]
    box.control.plan_fault("vmc", "list-connected-accounts", "status", status=403)
    box.control.set_modes(denied_actions="cloudformation:DescribeStacks")
    lines = run_status(command, link)
    assert (lines["record"]["verdict"], lines["stack"]["verdict"]) == ("fail", "fail")
    assert "403" in lines["record"]["found"]
    assert "AccessDenied" in lines["stack"]["found"]


def test_an_unknown_task_is_no_failure(command: Command, link: Link) -> None:
    said = command("status", "--json", "--aws-account-id", ACCOUNT, "--task", "no-such-task")
    assert (said.code, said.lines()["task"]["verdict"]) == (0, "warn")


def test_sddcs_on_the_link_are_listed_and_a_list_that_is_refused_is_said(
    command: Command, link: Link, box: Sandbox
) -> None:
    sddc_id = box.control.attach_sddc(ACCOUNT)
    line = run_status(command, link)["SDDCs"]
    assert (line["verdict"], line["found"]) == ("pass", "1 on this link")
    assert sddc_id in line["details"][0]
    box.control.plan_fault("vmc", "list-sddc-connections", "status", status=403)
    line = run_status(command, link)["SDDCs"]
    assert (line["verdict"], "403" in line["found"]) == ("fail", True)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("status",), id="no project"),
        pytest.param(("status", "--cwd", "no-such-folder", "--stack", "dev"), id="no folder"),
        pytest.param(("inspect",), id="no project to inspect"),
        pytest.param(("inspect", "no-such-file"), id="no file"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(command: Command, arguments: tuple[str, ...]) -> None:
    said = command(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("doctor", "--no-such-option")])
def test_a_command_line_that_makes_no_sense_is_exit_code_2(
    command: Command, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command(*arguments)
    assert stopped.value.code == 2


def request(**changes: Any) -> status.StatusRequest:
    """Which link, with changes."""
    fields = {
        "settings": None,
        "account_number": ACCOUNT,
        "stack": "arn",
        "known": LinkEvidence(account_number=ACCOUNT, stack_names=(NAME,), tracking_task="t"),
        "access": AwsAccess(),
        "expiration_date": (NOW - timedelta(hours=1)).isoformat(),
    }
    return status.StatusRequest(**{**fields, **changes})


OURS, THEIRS, UNCLEAR = (
    Ownership(owner=owner, reasons=("no roles",)) for owner in (Owner.OURS, Owner.ANOTHER, Owner.UNCLEAR)
)


def record(state: str = "ACTIVE", stack_name: str | None = NAME, **changes: Any) -> AccountRecord:
    """The account as the service lists it."""
    return AccountRecord(id="id", account_number=ACCOUNT, cf_stack_name=stack_name, state=state, **changes)


def stack(state: str) -> StackSummary:
    """A stack in this state."""
    return StackSummary(id="arn", name=NAME, status=state, reason="because", created=NOW)


def task(state: str, error: str | None = None) -> Task:
    """A task in this state."""
    return Task(
        id="t", status=state, progress_percent=40, remaining_minutes=3, phase="Inventory", error=error
    )


def connection(state: str, account_id: str = "id") -> SddcConnection:
    """An SDDC's connection."""
    return SddcConnection(
        id="c",
        sddc_id="s",
        connected_account_id=account_id,
        vpc_id="v",
        subnet_id="n",
        availability_zone="z",
        state=state,
    )


@pytest.mark.parametrize(
    ("line", "verdict", "part"),
    [
        (status.check_request(request(), record(), NOW), "pass", "expired 2026-11-25 11:00 UTC"),
        (status.check_request(request(), record("BROKEN"), NOW), "fail", "not connected"),
        (status.check_request(request(), None, NOW), "fail", "not connected"),
        (status.check_request(request(), None, NOW - timedelta(hours=2)), "pass", "expires 2026"),
        (status.check_request(request(known=None), record(), NOW), "pass", "existing"),
        (status.check_stack(NAME, None, ()), "fail", "does not exist"),
        (status.check_stack(NAME, stack("CREATE_COMPLETE"), ()), "pass", "CREATE_COMPLETE"),
        (status.check_stack(NAME, stack("CREATE_IN_PROGRESS"), ()), "warn", "CREATE_IN_PROGRESS"),
        (status.check_stack(NAME, stack("UPDATE_ROLLBACK_COMPLETE"), ()), "fail", "because"),
        (status.check_stack(NAME, stack("DELETE_COMPLETE"), ()), "fail", "DELETE_COMPLETE"),
        (status.check_task(task("STARTED"), is_linked=False), "warn", "40 %, Inventory, about 3 min to go"),
        (status.check_task(task("FINISHED"), is_linked=True), "pass", "FINISHED"),
        (status.check_task(task("FAILED", "no role"), is_linked=False), "fail", "no role"),
        (status.check_task(task("CANCELED"), is_linked=True), "warn", "all the same"),
        (status.check_record(request(), None, None), "fail", "not connected"),
        (status.check_record(request(), record("BROKEN"), OURS), "fail", "BROKEN"),
        (status.check_record(request(), record(stack_name="theirs"), THEIRS), "fail", "theirs"),
        (status.check_record(request(), record(stack_name=None), UNCLEAR), "warn", "is not clear: no roles"),
        (status.check_record(request(known=None), record(stack_name="theirs"), None), "pass", "theirs"),
        (status.check_roles(record(), ()), "warn", "names none"),
        (status.check_roles(record(role_arns=("a/b",)), ("b",)), "fail", "missing: b"),
        (status.check_roles(record(role_arns=("a/b",)), ()), "pass", "all 1"),
        (status.check_connections(record(), [connection("ACTIVE")]), "pass", "1 on this link"),
        (status.check_connections(record(), [connection("BROKEN")]), "fail", "not all ACTIVE"),
        (status.check_connections(record(), [connection("DELETED")]), "pass", "0 on this link"),
        (status.check_connections(record(), [connection("ACTIVE", "another")]), "pass", "0 on this link"),
    ],
)
def test_every_finding_has_its_verdict_and_what_is_wrong_what_to_do(
    line: CheckResult, verdict: str, part: str
) -> None:
    assert line.verdict == verdict
    assert part in line.found
    assert line.hint is not None or line.verdict != "fail"


def test_json_is_one_document(command: Command) -> None:
    said = command("status", "--json", "--aws-account-id", ACCOUNT)
    assert json.loads(said.out)["result"] == "fail"
    assert said.code == 1
