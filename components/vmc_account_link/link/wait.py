"""Looking again until something is so: the account is connected, or it is gone."""

from threading import Event

from vmc_account_link.api.auth import is_permanent
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task, TaskStatus
from vmc_account_link.api.request import RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import (
    LinkTimedOut,
    NotFound,
    OwnerUnclear,
    UnexpectedAnswer,
    UnlinkTimedOut,
    VmcError,
    WaitInterrupted,
)
from vmc_account_link.link.evidence import find_owner
from vmc_account_link.link.ownership import LinkEvidence, Owner, find_account
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
    """Look at the list and the task until the account is ACTIVE by this link.

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
            context.emit_progress(
                f"waiting {_clock(elapsed)} for AWS account {target.account_number}: {verdict.why}"
            )
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
        accounts, task, task_is_unknown = _read(vmc, target, canceled)
    except VmcError as error:
        if is_permanent(error):
            raise error.with_hint(f"{error.hint} {_KEPT}") from None
        return Waiting(why=str(error), stage=type(error).__name__), finished_at
    if finished_at is None and task is not None and task.status == TaskStatus.FINISHED:
        finished_at = now
    since_finished = 0.0 if finished_at is None else now - finished_at
    verdict = evaluate_link(
        target,
        accounts,
        task,
        since_finished_seconds=since_finished,
        task_is_unknown=task_is_unknown,
    )
    return verdict, finished_at


def _read(
    vmc: VmcClient, target: LinkTarget, canceled: Event
) -> tuple[tuple[AccountRecord, ...], Task | None, bool]:
    """The list, the task where the list does not settle it, and whether the service does not know that.

    Neither question is repeated, the wait does that. A person who wants to stop waits for one silent service,
    not for two.
    """
    accounts = vmc.list_connected_accounts(RetryPolicy.NONE)
    known = target.known
    is_settled = known.previous_revision is None and isinstance(evaluate_link(target, accounts, None), Linked)
    if known.tracking_task is None or is_settled or canceled.is_set():
        return accounts, None, False
    try:
        return accounts, vmc.get_task(known.tracking_task, RetryPolicy.NONE), False
    except NotFound:
        return accounts, None, True


def unlink_until_gone(
    vmc: VmcClient,
    known: LinkEvidence,
    *,
    context: CallContext,
) -> None:
    """Unlink once, and look until the record is gone: the list is the only proof.

    The answer of the DELETE may be lost, and where it comes its state may still be ACTIVE.

    Args:
        vmc: the service.
        known: of the link, by which the record is ours.
        context: for whom this runs.

    Raises:
        OwnerUnclear: there is a record, and nothing shows that it is ours, or another's.
        Refused: the service refused and the record is still there.
        WaitInterrupted: the person wants to stop.
        UnlinkTimedOut: the service agreed and the record is still there.
        VmcError: the service could not be asked.
    """
    canceled = context.canceled
    start = context.monotonic()
    account = _our_record(vmc, known, context)
    if account is None:
        return
    if not account.id:
        raise UnexpectedAnswer(
            f"unlink AWS account {known.account_number}",
            "its connected account has no `id` that can be read",
            "Nothing was changed: report what `vmc-account-link status --shapes FILE` writes.",
        )
    failure = _send_unlink(vmc, account)
    while _our_record(vmc, known, context) is not None:
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
                f"unlink AWS account {known.account_number}",
                f"the service still lists connected account {account.id} after {elapsed:.0f} s",
                "The stack was not deleted: run `pulumi destroy` again.",
            )
        context.pause(pause_seconds(elapsed))


def _our_record(vmc: VmcClient, known: LinkEvidence, context: CallContext) -> AccountRecord | None:
    """The account's record while it is our link's; another stack's is not ours to unlink."""
    account = find_account(vmc.list_connected_accounts(), known.account_number)
    ownership = find_owner(vmc, account, known)
    if account is None or ownership is None or ownership.is_ours:
        return account
    if ownership.owner is Owner.UNCLEAR:
        raise OwnerUnclear(
            f"unlink AWS account {known.account_number}",
            f"whether connected account {account.id} is our link is not clear: {ownership.why}",
            "Nothing was changed. If it is, unlink it by its id (VMC's API) and run `pulumi destroy` again; "
            "if not, `pulumi state delete` the connected account.",
        )
    context.emit_progress(
        f"AWS account {known.account_number} is linked by another stack now, "
        f'"{account.cf_stack_name}": left alone'
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
