"""What the findings of `doctor` mean: pass, warn or fail, and what to do. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.aws_reader import Caller, Decision, StackSummary
from vmc_account_link.cli.check_result import CheckResult, failed, passed, warned
from vmc_account_link.cli.token import Claims
from vmc_account_link.link.ownership import LinkEvidence, decide_owner, stack_description
from vmc_account_link.settings import DEFAULT_REGION

_RENEW = "Make a new API token in the VMC console and set it (vmc:refreshToken or API_TOKEN)."
_SOON = timedelta(hours=24)
_ROLES_OF_A_LINK = 4
"""Three that VMware's accounts assume, and the function's."""


def check_token(end: datetime | None, now: datetime) -> CheckResult:
    """How long the credentials last; `end` None: they do not end."""
    if end is None:
        return passed("token", "accepted; it does not expire")
    left = end - now
    if left <= timedelta(0):
        return failed("token", f"it expired {_moment(end)}", _RENEW)
    found = f"accepted; {_span(left)} left (until {_moment(end)})"
    if left < _SOON:
        return warned("token", found, f"Renew it before a destroy needs it. {_RENEW}")
    return passed("token", found)


def check_organisation(claims: Claims | None, expected: str) -> CheckResult:
    """Whether the token is for the organisation of the settings."""
    if claims is None or claims.org_id is None:
        return warned("organisation", f"the token does not name one; vmc:orgId is {expected}")
    if claims.org_id != expected:
        return failed(
            "organisation",
            f"the token is for {claims.org_id}, vmc:orgId is {expected}",
            "Use a token of that organisation, or correct vmc:orgId (ORG_ID).",
        )
    return passed("organisation", f"the token is for {expected}")


def check_roles(claims: Claims | None) -> CheckResult:
    """Whether the token has the roles that linking needs."""
    hint = "Give its owner (or the OAuth app) the VMC service role Administrator, and make a new token."
    if claims is None:
        return warned("roles", "the token can't be read", hint)
    found = ", ".join(sorted(claims.roles)) or "none"
    services = {role.rpartition("/")[2] for role in claims.roles}
    if "vmc-user:full" in services:
        return passed("roles", found)
    if any(role.startswith("vmc-user:") for role in services):
        return warned("roles", found, f"It may not unlink (destroy): {hint[0].lower()}{hint[1:]}")
    return failed("roles", f"no VMC role among: {found}", hint)


def check_identity(caller: Caller, expected: str | None) -> CheckResult:
    """Whether the AWS credentials are of the wanted account."""
    if expected and caller.account != expected:
        return failed(
            "AWS identity",
            f"account {caller.account} ({caller.arn}), awsAccountId is {expected}",
            "Change the credentials (AWS_PROFILE, aws:profile, …) or awsAccountId.",
        )
    return passed("AWS identity", f"account {caller.account} ({caller.arn})")


def check_region(region: str, opt_in: str | None) -> CheckResult:
    """Whether the account may use the stack's region, as far as that can be seen."""
    if opt_in is None:
        return failed("region", f"AWS has no region {region}", f"Set region to {DEFAULT_REGION}.")
    if opt_in == "not-opted-in":
        return failed(
            "region", f"{region} is not enabled for this account", "Enable it in the account's settings."
        )
    if region != DEFAULT_REGION:
        return warned(
            "region",
            f"{region} may be used; VMware runs a link's CloudFormation stack in {DEFAULT_REGION}",
            f"Unless you have a reason, set region to {DEFAULT_REGION}.",
        )
    return passed("region", f"{region} may be used")


def check_stack_name(name: str, stack: StackSummary | None, owned_id: str | None) -> CheckResult:
    """Whether CloudFormation would take the name; `owned_id`: the stack that the Pulumi state holds."""
    if stack is None:
        return passed("stack name", f"{name} is free")
    if stack.id == owned_id:
        return passed("stack name", f"{name} is this Pulumi stack's own ({stack.status})")
    return failed(
        "stack name",
        f"{name} is taken ({stack.status}, since {_moment(stack.created)})",
        "Choose another stackName; if an update of yours was killed, run `vmc-account-link recover`.",
    )


def check_link(
    account: str, record: AccountRecord | None, *, uses_existing: bool, stack_name: str, owns: bool
) -> CheckResult:
    """What the account's record means for what is asked: to make a link, or to use an existing one."""
    if uses_existing:
        return _check_existing(account, record)
    if record is None:
        return passed("linked", f"account {account} is not linked yet")
    found = _describe_record(account, record)
    if owns:
        return passed("linked", f"{found}, as this Pulumi stack holds it")
    ours = decide_owner(record, LinkEvidence(account_number=account, stack_names=(stack_name,))).is_own
    if record.is_active and not ours:
        return failed(
            "linked", found, "Set link to `existing` to use it as it is, or unlink it where it was linked."
        )
    return warned("linked", found, "`pulumi up` runs a new link's template: its roles replace that link's.")


def _check_existing(account: str, record: AccountRecord | None) -> CheckResult:
    if record is None:
        return failed("linked", f"account {account} is not linked", "Set link to create, or link it first.")
    if record.state != AccountState.ACTIVE:
        return failed(
            "linked", _describe_record(account, record), "Repair or renew that link where it was made."
        )
    return passed("linked", _describe_record(account, record))


def _describe_record(account: str, record: AccountRecord) -> str:
    return f"account {account} is {record.state}, linked by CloudFormation {stack_description(record)}"


def check_subnets(region: str, counts: Mapping[str, int]) -> CheckResult:
    """Whether each availability zone has a subnet that an SDDC could use."""
    found = ", ".join(f"{zone}: {count}" for zone, count in sorted(counts.items()))
    without = sorted(zone for zone, count in counts.items() if count == 0)
    hint = "Create one of /26 or larger before you link: a zone without one can't be used by SDDCs."
    if len(without) == len(counts):
        return failed("subnets", f"no availability zone of {region} has one that an SDDC could use", hint)
    if without:
        return warned("subnets", f"none in {', '.join(without)} ({found})", hint)
    return passed("subnets", f"one or more in each availability zone ({found})")


def check_permissions(caller: Caller, decisions: Sequence[Decision] | None) -> CheckResult:
    """Whether IAM's simulation lets the caller do what the stack does."""
    if caller.arn.endswith(":root"):
        return passed("permissions", "these are the account's root credentials, which may do everything")
    if decisions is None:
        return warned(
            "permissions",
            f"IAM can't simulate {caller.arn}",
            "Compare its rights with the policy of `vmc-account-link doctor --iam-policy`.",
        )
    denied = [decision for decision in decisions if not decision.is_allowed]
    if not denied:
        return passed("permissions", f"IAM allows all {len(decisions)} actions that linking needs")
    hint = "`vmc-account-link doctor --iam-policy` prints the policy that allows all of them."
    if any(decision.by_organization for decision in denied):
        hint = "A policy of the AWS organisation (SCP) denies this: ask its administrators."
    return failed("permissions", f"denied: {', '.join(decision.action for decision in denied)}", hint)


def check_quotas(used: int, limit: int) -> CheckResult:
    """Whether there is room for the link's roles."""
    found = f"{used} of {limit} IAM roles are used, a link needs {_ROLES_OF_A_LINK}"
    if limit - used < _ROLES_OF_A_LINK:
        return failed("quotas", found, "Delete roles, or have AWS raise the quota (Roles per account).")
    return passed("quotas", found)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _span(left: timedelta) -> str:
    hours = left / timedelta(hours=1)
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"
