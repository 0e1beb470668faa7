"""doctor's look at the AWS rights: IAM simulates each action for the resource that it is needed for."""

from vmc_account_link.aws_reader import AwsReader, Caller, Decision
from vmc_account_link.cli.check_result import CheckResult, warned
from vmc_account_link.cli.checks import check_permissions
from vmc_account_link.cli.rights import PASS_ROLE, PASSED_TO, Scope, by_resource
from vmc_account_link.errors import VmcError

_ALLOWED_TO_ALL = "sts:GetCallerIdentity"


def scope_of(caller: Caller, region: str, stack_name: str) -> Scope:
    """Where the caller's link is to be."""
    return Scope(
        account=caller.account, region=region, stack_name=stack_name, partition=caller.arn.split(":")[1]
    )


def check_rights(aws: AwsReader, caller: Caller, stack_name: str) -> CheckResult:
    """Whether IAM allows what linking needs."""
    scope = scope_of(caller, aws.region, stack_name)
    decisions: list[Decision] = []
    try:
        for resource, all_actions in by_resource().items():
            actions = [action for action in all_actions if action != _ALLOWED_TO_ALL]
            answer = aws.simulate(
                caller,
                actions,
                resource=scope.example(resource),
                context=dict([PASSED_TO]) if PASS_ROLE in actions else None,
            )
            if answer is None:
                return check_permissions(caller, None)
            decisions += answer
    except VmcError as error:
        # Who may not ask may yet be allowed all the rest.
        return warned("permissions", f"{error.action}: {error.detail}", error.hint)
    return check_permissions(caller, decisions)
