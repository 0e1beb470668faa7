"""`unlink`: remove a record that no Pulumi stack removes. Asks, shows, refuses what is in use."""

import dataclasses
from collections.abc import Callable

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, SddcConnection
from vmc_account_link.aws_reader import AwsAccess, AwsReader
from vmc_account_link.call_context import CallContext
from vmc_account_link.cli.dangling import Remains, remains_of
from vmc_account_link.errors import CommandFailed, RequestError, VmcError
from vmc_account_link.link.ownership import find_account
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.wait import unlink_record
from vmc_account_link.settings import VmcSettings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkRequest:
    """Which record."""

    settings: VmcSettings
    access: AwsAccess
    account_number: str | None
    """12 digits; None: the account of the AWS credentials."""
    own_account_number: str | None = None
    """The account that the selected Pulumi stack has linked itself."""


def run(request: UnlinkRequest, *, show: Callable[[str], object], confirm: Callable[[str], bool]) -> int:
    """Show the record and what is left of it, ask, unlink, and wait until it is gone.

    Returns:
        The exit code: 0, the account is not linked (any more); 1, it still is.

    Raises:
        CommandFailed: SDDCs use it.
        RequestError: it is the Pulumi stack's own link.
        VmcError: a service refused.
    """
    account_number, remains_problem, aws = _account(request)
    with VmcClient(request.settings) as vmc:
        record = find_account(vmc.list_connected_accounts(), account_number)
        if record is None:
            show(f"AWS account {account_number} is not linked: nothing to do")
            return 0
        refuse_own_link(account_number, request.own_account_number)
        refuse_used_link(record, vmc.list_sddc_connections())
        for line in _lines(record, remains_of(aws, record) if aws else None, remains_problem):
            show(line)
        if not confirm(f"Unlink AWS account {account_number}?"):
            return 1
        target = LinkTarget(account_number=account_number, stack_name=record.cf_stack_name or "")
        unlink_record(vmc, target, record, CallContext(emit_progress=show))
    show(f"AWS account {account_number} is not linked any more")
    return 0


def _account(request: UnlinkRequest) -> tuple[str, str, AwsReader | None]:
    """The account, and AWS in it, or why AWS can't be asked."""
    try:
        aws = AwsReader(request.access)
        caller = aws.caller()
    except VmcError as error:
        if request.account_number is None:
            raise
        return request.account_number, f"{error.action}: {error.detail}", None
    if request.account_number in {None, caller.account}:
        return caller.account, "", aws
    return request.account_number, f"the AWS credentials belong to account {caller.account}", None


def refuse_own_link(account_number: str, own: str | None) -> None:
    """Refuse what `pulumi destroy` removes, with the CloudFormation stack and the state. Pure.

    Raises:
        RequestError: the Pulumi stack holds this link.
    """
    if own == account_number:
        raise RequestError(
            f"unlink AWS account {account_number}: this Pulumi stack holds the link. Run `pulumi destroy`."
        )


def refuse_used_link(record: AccountRecord, connections: tuple[SddcConnection, ...]) -> None:
    """Refuse to unlink what SDDCs use: their networks hang on it. Pure.

    Raises:
        CommandFailed: some do.
    """
    own = [one for one in connections if one.connected_account_id == record.id and one.state != "DELETED"]
    if own:
        sddcs = ", ".join(sorted({str(one.sddc_id) for one in own}))
        raise CommandFailed(
            f"unlink AWS account {record.account_number}: SDDCs use the link: {sddcs}. Delete them first."
        )


def _lines(record: AccountRecord, remains: Remains | None, problem: str) -> tuple[str, ...]:
    first = (
        f"AWS account {record.account_number}: {record.state}, connected account {record.id}, "
        f'CloudFormation stack "{record.cf_stack_name}"'
    )
    if remains is None:
        return first, f"What is left of it in AWS is not known: {problem}"
    if remains.is_dangling:
        return first, f"An orphan: neither that stack (in {remains.region}) nor the link's roles exist"
    left = [
        *(["its CloudFormation stack"] if remains.has_stack else []),
        *(f"role {name}" for name in remains.roles),
    ]
    return first, f"NOT an orphan: {', '.join(left)} exist; they stay, and SDDCs can't use the link any more"
