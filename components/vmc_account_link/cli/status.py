"""`status`: one link as the service, AWS and the Pulumi state see it now, on one screen."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import (
    AccountRecord,
    AccountState,
    SddcConnection,
    Task,
    TaskStatus,
    parse_moment,
)
from vmc_account_link.aws_reader import AwsAccess, AwsReader, StackEvent, StackSummary
from vmc_account_link.cli.check_result import (
    CheckResult,
    failed,
    from_error,
    passed,
    run_check,
    skipped,
    warned,
)
from vmc_account_link.cli.output import ASKING
from vmc_account_link.errors import NotFound, VmcError, safe_text
from vmc_account_link.link.evidence import find_owner
from vmc_account_link.link.ownership import LinkEvidence, Owner, Ownership, find_account, stack_description
from vmc_account_link.link.progress import task_progress
from vmc_account_link.settings import VmcSettings

_EVENTS = 5
_UP = "Run `pulumi up`."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """Which link."""

    settings: VmcSettings
    account_number: str
    """12 digits."""
    stack: str | None
    """The CloudFormation stack's id or name; None for an existing link."""
    known: LinkEvidence | None
    """Of the link, by which the record is ours; None where anybody's will do."""
    access: AwsAccess
    """How to ask AWS, and in which region the stack is."""
    expiration_date: str | None
    """ISO 8601."""


def run(request: StatusRequest) -> tuple[CheckResult, ...]:
    """Look at each part; one that can't be asked does not hide the others."""
    with VmcClient(request.settings, context=ASKING) as vmc:
        record, record_line = _record(vmc, request)
        lines = [check_request(request, record, datetime.now(UTC))]
        aws: AwsReader | None = None
        try:
            reader = AwsReader(request.access)
            reader.refuse_other_account(request.account_number)
            aws = reader
        except VmcError as error:
            lines.append(from_error("stack", error))
        if aws is not None and request.stack is not None:
            lines.append(run_check("stack", lambda: _stack(aws, request)))
        lines.append(run_check("task", lambda: _task(vmc, request, record)))
        lines.append(record_line)
        if record is None:
            lines += [skipped("roles", "record"), skipped("SDDCs", "record")]
            return tuple(lines)
        roles = skipped("roles", "stack")
        if aws is not None:
            roles = run_check("roles", lambda: check_roles(record, _missing_roles(aws, record)))
        sddcs = run_check("SDDCs", lambda: check_connections(record, vmc.list_sddc_connections()))
        return (*lines, roles, sddcs)


def _record(vmc: VmcClient, request: StatusRequest) -> tuple[AccountRecord | None, CheckResult]:
    try:
        record = find_account(vmc.list_connected_accounts(), request.account_number)
    except VmcError as error:
        return None, from_error("record", error)
    try:
        ownership = find_owner(vmc, record, request.known) if request.known else None
    except VmcError as error:
        return record, from_error("record", error)
    return record, check_record(request, record, ownership)


def _stack(aws: AwsReader, request: StatusRequest) -> CheckResult:
    name = request.stack or ""
    stack = aws.stack(name)
    events = aws.stack_events(stack.id, _EVENTS) if stack else ()
    return check_stack(name, stack, events)


def _task(vmc: VmcClient, request: StatusRequest, record: AccountRecord | None) -> CheckResult:
    task_id = request.known.tracking_task if request.known else None
    if task_id is None:
        return passed("task", "none is known for this link")
    try:
        task = vmc.get_task(task_id)
    except NotFound:
        return warned("task", f"the service does not know task {task_id} any more")
    return check_task(task, is_linked=record is not None and record.state == AccountState.ACTIVE)


def _missing_roles(aws: AwsReader, record: AccountRecord) -> tuple[str, ...]:
    names = [arn.rpartition("/")[2] for arn in record.role_arns]
    return tuple(name for name in names if not aws.role_exists(name))


def check_request(request: StatusRequest, record: AccountRecord | None, now: datetime) -> CheckResult:
    """Whether the link request can still bring the account in, where it has to."""
    if request.known is None:
        return passed(
            "request", f"none: AWS account {request.account_number} was linked elsewhere (existing)"
        )
    found = (
        f'of AWS account {request.account_number} for CloudFormation stack "{request.known.stack_names[0]}"'
    )
    if request.expiration_date is None:
        return passed("request", found)
    expires = parse_moment(request.expiration_date)
    when = f"{'expired' if expires <= now else 'expires'} {expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if expires <= now and (record is None or record.state != AccountState.ACTIVE):
        return failed(
            "request", f"{found}, {when}, and the account is not connected", f"{_UP} It requests a new link."
        )
    return passed("request", f"{found}, {when}")


def check_stack(name: str, stack: StackSummary | None, events: Sequence[StackEvent]) -> CheckResult:
    """Whether the stack is there and whole."""
    if stack is None:
        return failed(
            "stack",
            f"{name} does not exist: its roles are gone, and SDDCs can't use the link",
            f"{_UP} It creates the CloudFormation stack again.",
        )
    found = f"{stack.name} {stack.status}" + (f": {safe_text(stack.reason)}" if stack.reason else "")
    details = [
        f"{event.at.astimezone(UTC):%H:%M:%S} {event.logical_id} {event.status}"
        + (f": {safe_text(event.reason)}" if event.reason else "")
        for event in events
    ]
    if stack.status.endswith("_IN_PROGRESS"):
        return warned("stack", found, details=details)
    if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return passed("stack", found, details=details)
    return failed("stack", found, f"Correct the cause below. {_UP}", details=details)


def check_task(task: Task, *, is_linked: bool) -> CheckResult:
    """What the service's task means: it explains, the record decides."""
    found = f"{task.id} {task_progress(task)}" + (f": {safe_text(task.error)}" if task.error else "")
    if task.status in {TaskStatus.FAILED, TaskStatus.CANCELED}:
        if is_linked:
            return warned("task", f"{found}; the account is connected all the same")
        return failed("task", found, f"Correct the cause. {_UP}")
    return passed("task", found) if task.status == TaskStatus.FINISHED else warned("task", found)


def check_record(
    request: StatusRequest, record: AccountRecord | None, ownership: Ownership | None
) -> CheckResult:
    """Whether the account is connected, by our link; `ownership` None: by anybody's."""
    if record is None:
        return failed("record", f"AWS account {request.account_number} is not connected", _UP)
    found = f"{record.id} {record.state}, linked by CloudFormation {stack_description(record)}"
    if record.state != AccountState.ACTIVE:
        return failed(
            "record", found, "See the roles below: the service can't assume them. Then `pulumi up`."
        )
    if ownership is not None and ownership.owner is Owner.UNCLEAR:
        return warned("record", f"{found}; whether that is our link is not clear: {ownership.why}")
    if ownership is not None and not ownership.is_own:
        return failed(
            "record",
            found,
            "Another CloudFormation stack took the link over: `pulumi destroy` this one, or set link to "
            "`existing`.",
        )
    return passed("record", found)


def check_roles(record: AccountRecord, missing: Sequence[str]) -> CheckResult:
    """Whether the roles that the service assumes are there."""
    if not record.role_arns:
        return warned("roles", "the service names none for this account")
    if missing:
        return failed(
            "roles",
            f"missing: {', '.join(missing)}; SDDCs on the link can't add or replace hosts",
            "Run the link's template again: change `relink`, then `pulumi up`.",
        )
    names = [arn.rpartition("/")[2] for arn in record.role_arns]
    return passed("roles", f"all {len(names)} are there", details=names)


def check_connections(record: AccountRecord, connections: Sequence[SddcConnection]) -> CheckResult:
    """Which SDDCs use the link."""
    own = [one for one in connections if one.connected_account_id == record.id and one.state != "DELETED"]
    details = [
        f"SDDC {one.sddc_id} in subnet {one.subnet_id} ({one.availability_zone}) {one.state}" for one in own
    ]
    if any(one.state != "ACTIVE" for one in own):
        return failed(
            "SDDCs",
            f"{len(own)} on this link, not all ACTIVE",
            "See the roles, then ask VMware.",
            details=details,
        )
    return passed("SDDCs", f"{len(own)} on this link", details=details)
