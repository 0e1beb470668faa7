"""`doctor`: everything that can be known before the first link, asked and judged; nothing is changed."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.transport import Transport
from vmc_account_link.aws_reader import AwsAccess, AwsReader, Caller, Decision
from vmc_account_link.cli.check_result import CheckResult, Verdict, from_error, run_check, skipped, warned
from vmc_account_link.cli.checks import (
    check_identity,
    check_link,
    check_organisation,
    check_permissions,
    check_quotas,
    check_region,
    check_roles,
    check_stack_name,
    check_subnets,
    check_token,
)
from vmc_account_link.cli.dangling import check_dangling
from vmc_account_link.cli.output import ASKING
from vmc_account_link.cli.rights import PASS_ROLE, PASSED_TO, Scope, by_resource
from vmc_account_link.cli.token import access_token_claims, api_token_end
from vmc_account_link.errors import VmcError
from vmc_account_link.link.ownership import find_account
from vmc_account_link.settings import ApiToken, VmcSettings

_ALLOWED_TO_ALL = "sts:GetCallerIdentity"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRequest:
    """What is about to be linked."""

    settings: VmcSettings | VmcError
    """Or what is wrong with them."""
    uses_existing: bool
    """Whether a link that exists is to be used (`link: existing`)."""
    stack_name: str
    access: AwsAccess
    """How to ask AWS, and in which region the stack is."""
    subnet_region: str
    """Of the SDDCs."""
    account_id: str | None
    """The wanted AWS account, 12 digits."""
    owned_stack_id: str | None = None
    """The CloudFormation stack that the Pulumi state holds already."""


def run(request: DoctorRequest) -> tuple[CheckResult, ...]:
    """Look at everything, the service first; a line that can't be asked does not hide the others."""
    service = _check_service(request)
    aws, caller, identity = _identity(request)
    rest = _check_account(request, aws, caller) if aws and caller else ()
    if not rest:
        names = (
            ("region", "subnets")
            if request.uses_existing
            else ("region", "stack name", "subnets", "permissions", "quotas")
        )
        rest = tuple(skipped(name, "AWS identity") for name in names)
    linked = skipped("linked", "token")
    if service[0].verdict is not Verdict.FAIL:
        linked = _check_link(request, aws, caller)
    return (*service, identity, linked, *rest)


def _check_service(request: DoctorRequest) -> tuple[CheckResult, ...]:
    settings = request.settings
    if isinstance(settings, VmcError):
        return (from_error("token", settings), *_unread_token())
    with Transport() as transport:
        try:
            claims = access_token_claims(settings, transport)
        except VmcError as error:
            return (from_error("token", error), *_unread_token())
        return (
            _token_life(settings, transport),
            check_organisation(claims, settings.org_id),
            check_roles(claims),
        )


def _unread_token() -> tuple[CheckResult, ...]:
    return skipped("organisation", "token"), skipped("roles", "token")


def _token_life(settings: VmcSettings, transport: Transport) -> CheckResult:
    """The API token's own end; the access tokens made of it live half an hour and are renewed."""
    try:
        end = api_token_end(settings, transport)
    except VmcError as error:
        return warned("token", f"accepted; until when is not known ({error.detail})")
    line = check_token(end, datetime.now(UTC))
    if isinstance(settings.credentials, ApiToken):
        return line
    return dataclasses.replace(line, found="accepted; an OAuth app's secret has no end that can be asked for")


def _check_link(request: DoctorRequest, aws: AwsReader | None, caller: Caller | None) -> CheckResult:
    account = caller.account if caller else request.account_id
    if isinstance(request.settings, VmcError):
        return skipped("linked", "token")
    if account is None:
        return skipped("linked", "AWS identity")
    try:
        with VmcClient(request.settings, context=ASKING) as vmc:
            record = find_account(vmc.list_connected_accounts(), account)
        owns = request.owned_stack_id is not None
        if record is not None and aws is not None and not owns:
            dangling = check_dangling(aws, record)
            if dangling is not None:
                return dangling
    except VmcError as error:
        return from_error("linked", error)
    return check_link(
        account,
        record,
        uses_existing=request.uses_existing,
        stack_name=request.stack_name,
        owns=owns,
    )


def _identity(request: DoctorRequest) -> tuple[AwsReader | None, Caller | None, CheckResult]:
    try:
        aws = AwsReader(request.access)
        caller = aws.caller()
    except VmcError as error:
        return None, None, from_error("AWS identity", error)
    return aws, caller, check_identity(caller, request.account_id)


def _check_account(request: DoctorRequest, aws: AwsReader, caller: Caller) -> tuple[CheckResult, ...]:
    checks: dict[str, Callable[[], CheckResult]] = {
        "region": lambda: check_region(aws.region, aws.opt_in_status(aws.region)),
        "stack name": lambda: check_stack_name(
            request.stack_name, aws.stack(request.stack_name), request.owned_stack_id
        ),
        "subnets": lambda: check_subnets(
            request.subnet_region, aws.subnets_by_zone(request.subnet_region, caller.account)
        ),
        "permissions": lambda: _allowed("permissions", lambda: _check_rights(request, aws, caller)),
        "quotas": lambda: _allowed("quotas", lambda: check_quotas(*aws.roles_and_quota())),
    }
    if request.uses_existing:
        del checks["stack name"], checks["permissions"], checks["quotas"]
    return tuple(run_check(name, check) for name, check in checks.items())


def _allowed(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """A look that may be refused: who may not ask this may yet be allowed all that linking needs."""
    try:
        return check()
    except VmcError as error:
        return warned(name, f"{error.action}: {error.detail}", error.hint)


def _check_rights(request: DoctorRequest, aws: AwsReader, caller: Caller) -> CheckResult:
    """Whether IAM allows what linking needs: each action is simulated for the resource it is needed for."""
    partition = caller.arn.split(":")[1]
    scope = Scope(
        account=caller.account, region=aws.region, stack_name=request.stack_name, partition=partition
    )
    decisions: list[Decision] = []
    for resource, actions in by_resource().items():
        found = aws.simulate(
            caller,
            [action for action in actions if action != _ALLOWED_TO_ALL],
            resource=scope.example(resource),
            context=dict([PASSED_TO]) if PASS_ROLE in actions else None,
        )
        if found is None:
            return check_permissions(caller, None)
        decisions += found
    return check_permissions(caller, decisions)
