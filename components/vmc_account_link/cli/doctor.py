"""`doctor`: everything that can be known before the first link, asked and judged; nothing is changed."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.transport import Transport
from vmc_account_link.aws_reader import AwsAccess, AwsReader, Caller
from vmc_account_link.check_result import CheckResult, Verdict, from_error, looked, not_asked, warned
from vmc_account_link.cli.checks import (
    judge_identity,
    judge_link,
    judge_organisation,
    judge_region,
    judge_roles,
    judge_stack_name,
    judge_subnets,
    judge_token,
)
from vmc_account_link.cli.rights_check import look_at_rights
from vmc_account_link.cli.token import access_token_claims, api_token_end
from vmc_account_link.errors import VmcError
from vmc_account_link.link.ownership import find_account
from vmc_account_link.settings import ApiToken, VmcSettings


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
    service = _look_at_service(request)
    amazon, caller, identity = _identity(request)
    rest = _look_at_account(request, amazon, caller) if amazon and caller else ()
    if not rest:
        names = (
            ("region", "subnets")
            if request.uses_existing
            else ("region", "stack name", "subnets", "permissions")
        )
        rest = tuple(not_asked(name, "AWS identity") for name in names)
    linked = not_asked("linked", "token")
    if service[0].verdict is not Verdict.FAIL:
        linked = _look_at_link(request, caller)
    return (*service, identity, linked, *rest)


def _look_at_service(request: DoctorRequest) -> tuple[CheckResult, ...]:
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
            judge_organisation(claims, settings.org_id),
            judge_roles(claims),
        )


def _unread_token() -> tuple[CheckResult, ...]:
    return not_asked("organisation", "token"), not_asked("roles", "token")


def _token_life(settings: VmcSettings, transport: Transport) -> CheckResult:
    """The API token's own end; the access tokens made of it live half an hour and are renewed."""
    try:
        end = api_token_end(settings, transport)
    except VmcError as error:
        return warned("token", f"accepted; until when is not known ({error.detail})")
    line = judge_token(end, datetime.now(UTC))
    if isinstance(settings.credentials, ApiToken):
        return line
    return dataclasses.replace(line, found="accepted; an OAuth app's secret has no end that can be asked for")


def _look_at_link(request: DoctorRequest, caller: Caller | None) -> CheckResult:
    account = caller.account if caller else request.account_id
    if isinstance(request.settings, VmcError):
        return not_asked("linked", "token")
    if account is None:
        return not_asked("linked", "AWS identity")
    try:
        with VmcClient(request.settings) as vmc:
            record = find_account(vmc.list_connected_accounts(), account)
    except VmcError as error:
        return from_error("linked", error)
    return judge_link(
        account,
        record,
        uses_existing=request.uses_existing,
        stack_name=request.stack_name,
        owns=request.owned_stack_id is not None,
    )


def _identity(request: DoctorRequest) -> tuple[AwsReader | None, Caller | None, CheckResult]:
    try:
        amazon = AwsReader(request.access)
        caller = amazon.caller()
    except VmcError as error:
        return None, None, from_error("AWS identity", error)
    return amazon, caller, judge_identity(caller, request.account_id)


def _look_at_account(request: DoctorRequest, amazon: AwsReader, caller: Caller) -> tuple[CheckResult, ...]:
    looks: dict[str, Callable[[], CheckResult]] = {
        "region": lambda: judge_region(amazon.region, amazon.opt_in_status(amazon.region)),
        "stack name": lambda: judge_stack_name(
            request.stack_name, amazon.stack(request.stack_name), request.owned_stack_id
        ),
        "subnets": lambda: judge_subnets(
            request.subnet_region, amazon.subnets_by_zone(request.subnet_region, caller.account)
        ),
        "permissions": lambda: look_at_rights(amazon, caller, request.stack_name),
    }
    if request.uses_existing:
        del looks["stack name"], looks["permissions"]
    return tuple(looked(name, look) for name, look in looks.items())
