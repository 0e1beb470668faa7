"""doctor's look at AWS's quotas, as far as they can be asked for: how many IAM roles the account may have."""

from vmc_account_link.aws_reader import AwsReader
from vmc_account_link.cli.check_result import CheckResult, failed, passed, warned
from vmc_account_link.errors import VmcError

ROLES_OF_A_LINK = 4
"""Three that VMware's accounts assume, and the function's."""


def check_quotas(aws: AwsReader) -> CheckResult:
    """Whether there is room for the link's roles."""
    try:
        used, limit = aws.roles_and_quota()
    except VmcError as error:
        # Who may not ask may yet link.
        return warned("quotas", f"{error.action}: {error.detail}", error.hint)
    return evaluate_quotas(used, limit)


def evaluate_quotas(used: int, limit: int) -> CheckResult:
    """What the numbers mean. Pure."""
    found = f"{used} of {limit} IAM roles are used, a link needs {ROLES_OF_A_LINK}"
    if limit - used < ROLES_OF_A_LINK:
        return failed("quotas", found, "Delete roles, or have AWS raise the quota (Roles per account).")
    return passed("quotas", found)
