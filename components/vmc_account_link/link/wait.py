"""Looking again until something is so: the account is connected, or it is gone."""

from threading import Event

from vmc_account_link.api.auth import is_permanent
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task, TaskStatus
from vmc_account_link.api.request import RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import LinkTimedOut, NotFound, UnlinkTimedOut, VmcError, WaitInterrupted
from vmc_account_link.link.ownership import find_account, was_created_by
from vmc_account_link.link.progress import Failed, Linked, LinkTarget, Waiting, evaluate_link, pause_seconds

_REPORT_SECONDS = 30.0
"""A line at least this often while nothing changes."""
_SHORTEST_PAUSE_SECONDS = 0.05
"""What is left before a deadline may be too little for a clock to show."""
_UNLINK_SECONDS = 120.0
"""How long an unlinked account may stay in the list."""
_KEPT = (
    "The stack and the link are kept: run `pulumi up` again to go on waiting, before a `pulumi destroy` too: "
    "it unlinks only an account that an `up` has seen connected."
)


def wait_until_linked(
    vmc: VmcClient,
    target: LinkTarget,
    *,
    timeout_seconds: float,
    context: CallContext,
) -> AccountRecord:
    """Look at the list and the task until the account is ACTIVE under the stack's name.

    A look that fails for a reason that may pass is told and repeated: a short outage does not end a wait of
    half an hour.

    Args:
        vmc: the service.
        target: the link.
        timeout_seconds: our own deadline.
        context: for whom this runs.

    Raises:
        LinkFailed: the service gave up, or finished without the account appearing.
        LinkTimedOut: the deadline passed.
        WaitInterrupted: the person wants to stop.
        VmcError: the service refused for good (token, role).
    """
    canceled = context.canceled
    start = context.monotonic()
    finished_at: float | None = None
    reported_stage, reported_at = "", start
    last_status: str | None = None
    while True:
        now = context.monotonic()
        verdict, finished_at = _read_and_evaluate(vmc, target, now, finished_at, canceled)
        match verdict:
            case Linked(account=account):
                context.emit_progress(f"AWS account {target.account_number} is connected")
                return account
            case Failed(error=error):
                raise error
        elapsed = context.monotonic() - start
        if verdict.stage != reported_stage or now - reported_at >= _REPORT_SECONDS:
            context.emit_progress(f"{verdict.why} (AWS account {target.account_number}, {_clock(elapsed)})")
            reported_stage, reported_at = verdict.stage, now
        # A look that Ctrl-C has cut short knows less than the one before it.
        last_status = verdict.why if last_status is None or not canceled.is_set() else last_status
        if not canceled.is_set() and elapsed < timeout_seconds:
            context.pause(
                min(pause_seconds(elapsed), max(timeout_seconds - elapsed, _SHORTEST_PAUSE_SECONDS))
            )
        if canceled.is_set():
            raise WaitInterrupted(
                f"wait for AWS account {target.account_number} to be connected",
                f"interrupted after {_clock(elapsed)}; last seen: {last_status}",
                _KEPT,
            )
        if elapsed >= timeout_seconds:
            raise LinkTimedOut(
                f"wait for AWS account {target.account_number} to be connected",
                f"{timeout_seconds / 60:.0f} min passed (linkTimeoutMinutes); last seen: {verdict.why}",
                _KEPT,
            )


def _read_and_evaluate(
    vmc: VmcClient, target: LinkTarget, now: float, finished_at: float | None, canceled: Event
) -> tuple[Waiting | Linked | Failed, float | None]:
    """One look: the verdict, and when the task was first seen FINISHED.

    A look that fails for a reason that may pass is a reason to look again, told like any other.
    """
    try:
        accounts, task = _read(vmc, target, canceled)
    except VmcError as error:
        if is_permanent(error):
            raise
        return Waiting(why=str(error), stage=type(error).__name__), finished_at
    if finished_at is None and task is not None and task.status == TaskStatus.FINISHED:
        finished_at = now
    since_finished = 0.0 if finished_at is None else now - finished_at
    return evaluate_link(target, accounts, task, since_finished_seconds=since_finished), finished_at


def _read(
    vmc: VmcClient, target: LinkTarget, canceled: Event
) -> tuple[tuple[AccountRecord, ...], Task | None]:
    """The list, and the task where the list does not settle it; neither is repeated, the wait does that.

    A person who wants to stop waits for one silent service, not for two.
    """
    accounts = vmc.list_connected_accounts(RetryPolicy.NONE)
    is_settled = target.previous_revision is None and isinstance(
        evaluate_link(target, accounts, None), Linked
    )
    if target.tracking_task is None or is_settled or canceled.is_set():
        return accounts, None
    try:
        return accounts, vmc.get_task(target.tracking_task, RetryPolicy.NONE)
    except NotFound:
        return accounts, None


def unlink_until_gone(
    vmc: VmcClient,
    account_number: str,
    stack_name: str,
    *,
    context: CallContext,
) -> None:
    """Unlink once, and look until the record is gone: the list is the only proof.

    The answer of the DELETE may be lost, and where it comes its state may still be ACTIVE.

    Args:
        vmc: the service.
        account_number: 12 digits.
        stack_name: the CloudFormation stack that is ours.
        context: for whom this runs.

    Raises:
        Refused: the service refused and the record is still there.
        WaitInterrupted: the person wants to stop.
        UnlinkTimedOut: the service agreed and the record is still there.
        VmcError: the service could not be asked.
    """
    canceled = context.canceled
    start = context.monotonic()
    account = _our_record(vmc, account_number, stack_name, context)
    if account is None:
        return
    failure = _send_unlink(vmc, account)
    while _our_record(vmc, account_number, stack_name, context) is not None:
        if failure is not None:
            raise failure
        elapsed = context.monotonic() - start
        if canceled.is_set():
            raise WaitInterrupted(
                f"wait for connected account {account.id} to leave the list",
                f"interrupted after {_clock(elapsed)}; the service has been told to unlink it",
                "The stack is kept: run `pulumi destroy` again to go on.",
            )
        if elapsed >= _UNLINK_SECONDS:
            raise UnlinkTimedOut(
                f"unlink AWS account {account_number}",
                f"the service still lists connected account {account.id} after {elapsed:.0f} s",
                "The stack was not deleted: run `pulumi destroy` again.",
            )
        context.pause(pause_seconds(elapsed))


def _our_record(
    vmc: VmcClient, account_number: str, stack_name: str, context: CallContext
) -> AccountRecord | None:
    """The account's record while it is our stack's; another stack's is not ours to unlink."""
    account = find_account(vmc.list_connected_accounts(), account_number)
    if account is None or was_created_by(account, [stack_name]):
        return account
    context.emit_progress(
        f'AWS account {account_number} is linked by another stack now, "{account.cf_stack_name}": left alone'
    )
    return None


def _send_unlink(vmc: VmcClient, account: AccountRecord) -> VmcError | None:
    """Send the DELETE; return what went wrong, which counts only if the record is still there afterwards."""
    try:
        vmc.unlink(account)
    except NotFound:
        return None
    except VmcError as error:
        return error
    return None


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
