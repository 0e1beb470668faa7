"""What the findings of `doctor` mean: every verdict of every line. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord
from vmc_account_link.aws_reader import Caller, Decision, StackSummary
from vmc_account_link.cli import checks
from vmc_account_link.cli.check_result import CheckResult, Verdict, exit_code, failed, passed, warned
from vmc_account_link.cli.token import Claims, claims_of

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
USER = Caller(account="123456789012", arn="arn:aws:iam::123456789012:user/u")


def claims(*roles: str, org_id: str | None = "org") -> Claims:
    """What a token of these roles says."""
    return Claims(org_id=org_id, roles=roles, ends=NOW)


def record(state: str, stack_name: str) -> AccountRecord:
    """The account as the service lists it."""
    return AccountRecord(id="id", account_number=USER.account, cf_stack_name=stack_name, state=state)


def stack(stack_id: str) -> StackSummary:
    """A stack that exists."""
    return StackSummary(id=stack_id, name="S", status="CREATE_COMPLETE", reason="", created=NOW)


def link(found: AccountRecord | None, *, uses_existing: bool = False, owns: bool = False) -> CheckResult:
    """The verdict on a record, for a stack named S."""
    return checks.check_link(USER.account, found, uses_existing=uses_existing, stack_name="S", owns=owns)


def may(action: str, *, allowed: bool, by_organization: bool = False) -> Decision:
    """One decision of the simulation."""
    return Decision(action=action, is_allowed=allowed, by_organization=by_organization)


@pytest.mark.parametrize(
    ("line", "verdict", "text"),
    [
        (checks.check_token(None, NOW), "pass", "does not expire"),
        (checks.check_token(NOW + timedelta(days=3), NOW), "pass", "3 days left"),
        (checks.check_token(NOW + timedelta(hours=24), NOW), "pass", "24.0 h left"),
        (checks.check_token(NOW + timedelta(hours=1), NOW), "warn", "1.0 h left"),
        (checks.check_token(NOW, NOW), "fail", "it expired 2026-11-25 12:00 UTC"),
        (checks.check_organisation(claims(), "org"), "pass", "for org"),
        (checks.check_organisation(claims(), "other"), "fail", "vmc:orgId is other"),
        (checks.check_organisation(claims(org_id=None), "org"), "warn", "does not name one"),
        (checks.check_organisation(None, "org"), "warn", "does not name one"),
        (checks.check_roles(claims("csp:org_owner", "external/x/vmc-user:full")), "pass", "full"),
        (checks.check_roles(claims("external/x/vmc-user:restricted")), "warn", "restricted"),
        (
            checks.check_roles(claims("csp:org_owner", "external/x/nsx:cloud_admin")),
            "fail",
            "no VMC role",
        ),
        (checks.check_roles(claims()), "fail", "none"),
        (checks.check_roles(None), "warn", "can't be read"),
        (checks.check_identity(USER, None), "pass", "123456789012"),
        (checks.check_identity(USER, "123456789012"), "pass", "123456789012"),
        (checks.check_identity(USER, "210987654321"), "fail", "awsAccountId is 210987654321"),
        (checks.check_region("us-west-2", "opt-in-not-required"), "pass", "may be used"),
        (checks.check_region("eu-west-1", "opted-in"), "warn", "VMware runs"),
        (checks.check_region("ap-east-1", "not-opted-in"), "fail", "not enabled"),
        (checks.check_region("nowhere", None), "fail", "no region"),
        (checks.check_stack_name("S", None, None), "pass", "free"),
        (checks.check_stack_name("S", stack("arn:1"), "arn:1"), "pass", "own"),
        (checks.check_stack_name("S", stack("arn:1"), "arn:2"), "fail", "taken"),
        (checks.check_stack_name("S", stack("arn:1"), None), "fail", "taken"),
        (link(None), "pass", "not linked yet"),
        (link(record("ACTIVE", "T")), "fail", 'stack "T"'),
        (link(record("ACTIVE", "S")), "warn", 'stack "S"'),
        (link(record("BROKEN", "T")), "warn", "BROKEN"),
        (link(record("ACTIVE", "S"), owns=True), "pass", "holds it"),
        (link(None, uses_existing=True), "fail", "not linked"),
        (link(record("ACTIVE", "T"), uses_existing=True), "pass", "ACTIVE"),
        (link(record("BROKEN", "T"), uses_existing=True), "fail", "BROKEN"),
        (checks.check_subnets("r", {"a": 1, "b": 2}), "pass", "a: 1, b: 2"),
        (checks.check_subnets("r", {"a": 1, "b": 0}), "warn", "none in b"),
        (checks.check_subnets("r", {"a": 0, "b": 0}), "fail", "no availability zone of r"),
        (checks.check_subnets("r", {}), "fail", "no availability zone of r"),
        (checks.check_permissions(USER, [may("iam:GetRole", allowed=True)]), "pass", "all 1 actions"),
        (checks.check_permissions(USER, [may("iam:GetRole", allowed=False)]), "fail", "iam:GetRole"),
        (checks.check_permissions(USER, None), "warn", "can't simulate"),
        (
            checks.check_permissions(Caller(account="1", arn="arn:aws:iam::1:root"), None),
            "pass",
            "root credentials",
        ),
    ],
)
def test_every_finding_has_its_verdict_and_what_is_wrong_what_to_do(
    line: CheckResult, verdict: str, text: str
) -> None:
    assert line.verdict == verdict
    assert text in line.found
    assert line.hint is not None or line.verdict is not Verdict.FAIL


def test_what_the_organisation_bars_is_not_blamed_on_the_credentials() -> None:
    line = checks.check_permissions(USER, [may("iam:CreateRole", allowed=False, by_organization=True)])
    assert "SCP" in (line.hint or "")


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param({}, (None, ()), id="no claims"),
        pytest.param({"context_name": 7, "perms": "all"}, (None, ()), id="other kinds"),
        pytest.param(
            {"context_name": "o", "perms": ["a", 1]}, ("o", ("a", "1")), id="a role that is a number"
        ),
    ],
)
def test_claims_of_other_kinds_are_not_known(wire: dict[str, Any], expected: Any) -> None:
    read = claims_of(wire)
    assert (read.org_id, read.roles) == expected


def test_only_a_failure_makes_the_exit_code() -> None:
    assert exit_code([passed("a", "x"), warned("b", "x")]) == 0
    assert exit_code([warned("a", "x"), failed("b", "x", "do"), passed("c", "x")]) == 1
