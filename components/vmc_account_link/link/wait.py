"""Looking again until something is so: the account is connected, or it is gone."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any, TypeAlias

from vmc_account_link.api.auth import is_permanent
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task, TaskStatus
from vmc_account_link.api.request import RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import (
    LinkTimedOut,
    NotFound,
    UnexpectedAnswer,
    UnlinkTimedOut,
    VmcError,
    WaitInterrupted,
)
from vmc_account_link.link.ownership import KNOWN_ROLE_IDS, OwnRecord, decide_owner, find_account
from vmc_account_link.link.progress import (
    LONGEST_TASK_PAUSE_SECONDS,
    Failed,
    Linked,
    LinkTarget,
    Waiting,
    evaluate_link,
    pause_seconds,
)
from vmc_account_link.link.unlink import NothingToUnlink, Unlink, evaluate_unlink

_REPORT_SECONDS = 30.0
"""A line at least this often while nothing changes."""
_SHORTEST_PAUSE_SECONDS = 0.05
"""What is left before a deadline may be too little for a clock to show."""
_UNLINK_SECONDS = 600.0
"""How long an account may stay in the list after its unlinking was accepted. Long, because who gives up
earlier leaves a record that looks connected and is about to go, which the next `up` would believe."""
_KEPT = (
    "The CloudFormation stack and the link are kept: run `pulumi up` again to go on waiting, or "
    "`pulumi destroy`, which unlinks the account first, connected meanwhile or not."
)
_DESTROY_AGAIN = "The CloudFormation stack was not deleted: run `pulumi destroy` again."

EvaluateUnlink: TypeAlias = Callable[
    [LinkTarget, AccountRecord | None, Task | None, datetime], Unlink | Waiting | NothingToUnlink
]


def link_target(props: Mapping[str, Any]) -> LinkTarget:
    """The link of a resource that stands for it, by the resource's properties."""
    return LinkTarget(
        account_number=props["account_number"],
        stack_name=props["stack_name"],
        tracking_task=props.get("tracking_task"),
        previous_revision=props.get("previous_revision"),
        revision_at_request=props.get("revision_at_request"),
        role_ids=tuple(props.get("role_ids") or KNOWN_ROLE_IDS),
        own_record=OwnRecord.from_state(props.get("own_record")),
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
    poll = _LinkPoll(vmc=vmc, target=target, start=start, canceled=canceled)
    reported_stage, reported_at = "", start
    last_status: str | None = None
    while True:
        now = context.monotonic()
        verdict = poll.read_and_evaluate(now)
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


@dataclasses.dataclass(slots=True, kw_only=True)
class _LinkPoll:
    """One wait's looks at the service, and what each has to know of those before."""

    vmc: VmcClient
    target: LinkTarget
    start: float
    canceled: Event
    finished_at: float | None = None
    """When the task was first seen FINISHED."""
    task: Task | None = None
    """As last read."""
    task_is_unknown: bool = False
    task_due_at: float = -math.inf
    revision: str | None = None
    """Of the account's record, as last read."""

    def read_and_evaluate(self, now: float) -> Waiting | Linked | Failed:
        """One look; one that fails for a reason that may pass is told like any other, and repeated."""
        try:
            accounts = self._read(now)
        except VmcError as error:
            if is_permanent(error):
                raise error.with_hint(f"{error.hint} {_KEPT}") from None
            return Waiting(why=str(error), stage=type(error).__name__)
        if self.finished_at is None and self.task is not None and self.task.status == TaskStatus.FINISHED:
            self.finished_at = now
        return evaluate_link(
            self.target,
            accounts,
            self.task,
            since_finished_seconds=0.0 if self.finished_at is None else now - self.finished_at,
            task_is_unknown=self.task_is_unknown,
        )

    def _read(self, now: float) -> tuple[AccountRecord, ...]:
        """The list; the task where the list does not settle it, less often while the record stays the same.

        Neither question is repeated, the wait does that. A person who wants to stop waits for one silent
        service, not for two.
        """
        pause = pause_seconds(now - self.start)
        accounts = self.vmc.list_connected_accounts(RetryPolicy.NONE, max_age_seconds=pause)
        account = find_account(accounts, self.target.account_number)
        revision = account.revision if account else None
        has_changed = revision != self.revision
        is_settled = self.target.previous_revision is None and isinstance(
            evaluate_link(self.target, accounts, None), Linked
        )
        is_due = has_changed or now >= self.task_due_at
        if self.target.tracking_task is None or is_settled or not is_due or self.canceled.is_set():
            return accounts
        task_pause = pause_seconds(now - self.start, longest_seconds=LONGEST_TASK_PAUSE_SECONDS)
        age = 0.0 if has_changed else task_pause
        try:
            self.task = self.vmc.get_task(self.target.tracking_task, RetryPolicy.NONE, max_age_seconds=age)
            self.task_is_unknown = False
        except NotFound:
            self.task, self.task_is_unknown = None, True
        self.revision, self.task_due_at = revision, now + task_pause
        return accounts


def unlink_until_gone(
    vmc: VmcClient,
    target: LinkTarget,
    *,
    timeout_seconds: float,
    context: CallContext,
    evaluate: EvaluateUnlink = evaluate_unlink,
) -> bool:
    """Wait for a link that is still on its way, unlink once, and look until the record is gone.

    The list is the only proof: the answer of the DELETE may be lost, and where it comes its state may still
    be ACTIVE.

    Args:
        vmc: the service.
        target: the link.
        timeout_seconds: how long a task that still runs is waited for.
        context: for whom this runs.
        evaluate: what decides.

    Returns:
        Whether there was something to unlink.

    Raises:
        OwnerUnclear: there is a record, and nothing shows whether it is our link.
        Refused: the service refused and the record is still there.
        WaitInterrupted: the person wants to stop.
        UnlinkTimedOut: the link is still on its way, or the service agreed and the record is still there.
        VmcError: the service could not be asked.
    """
    start = context.monotonic()
    reported_stage, reported_at = "", start
    while isinstance(verdict := _read_before_unlinking(vmc, target, context, evaluate), Waiting):
        now = context.monotonic()
        elapsed = now - start
        action = f"wait for the link of AWS account {target.account_number}, to unlink it"
        if context.canceled.is_set():
            detail = f"interrupted after {_clock(elapsed)}; last seen: {verdict.why}"
            raise WaitInterrupted(action, detail, _DESTROY_AGAIN)
        if elapsed >= timeout_seconds:
            detail = f"{timeout_seconds / 60:.0f} min passed (linkTimeoutMinutes); last seen: {verdict.why}"
            raise UnlinkTimedOut(action, detail, _DESTROY_AGAIN)
        if verdict.stage != reported_stage or now - reported_at >= _REPORT_SECONDS:
            context.emit_progress(f"{action}: {_clock(elapsed)}, {verdict.why}")
            reported_stage, reported_at = verdict.stage, now
        context.pause(min(pause_seconds(elapsed), max(timeout_seconds - elapsed, _SHORTEST_PAUSE_SECONDS)))
    if isinstance(verdict, NothingToUnlink):
        if verdict.error:
            raise verdict.error
        if verdict.note:
            context.emit_progress(verdict.note)
        return False
    unlink_record(vmc, target, verdict.account, context)
    return True


def unlink_record(vmc: VmcClient, target: LinkTarget, account: AccountRecord, context: CallContext) -> None:
    """Send the DELETE, and look until the record has left the list.

    Raises:
        VmcError: as `unlink_until_gone`.
    """
    if not account.id:
        raise UnexpectedAnswer(
            f"unlink AWS account {target.account_number}",
            "its connected account has no `id` that can be read",
            "Nothing was changed: report what `vmc-account-link status --shapes FILE` writes.",
        )
    start = context.monotonic()
    failure = _send_unlink(vmc, account)
    while _is_listed(vmc, target, account):
        if failure is not None:
            raise failure
        elapsed = context.monotonic() - start
        if context.canceled.is_set():
            raise WaitInterrupted(
                f"wait for connected account {account.id} to leave the list",
                f"interrupted after {_clock(elapsed)}; the service has been told to unlink it",
                _DESTROY_AGAIN,
            )
        if elapsed >= _UNLINK_SECONDS:
            raise UnlinkTimedOut(
                f"unlink AWS account {target.account_number}",
                f"the service still lists connected account {account.id} after {elapsed:.0f} s",
                _DESTROY_AGAIN,
            )
        context.pause(pause_seconds(elapsed))


def _read_before_unlinking(
    vmc: VmcClient, target: LinkTarget, context: CallContext, evaluate: EvaluateUnlink
) -> Unlink | Waiting | NothingToUnlink:
    """The list, and the task where the list does not settle it."""
    account = find_account(vmc.list_connected_accounts(), target.account_number)
    verdict = evaluate(target, account, None, context.now())
    is_old = account is not None and account.revision == target.previous_revision
    if target.tracking_task is None or (isinstance(verdict, Unlink) and not is_old):
        return verdict
    try:
        task = vmc.get_task(target.tracking_task)
    except NotFound:
        return verdict
    now = context.now() + timedelta(seconds=vmc.clock_ahead_seconds())
    return evaluate(target, account, task, now)


def _is_listed(vmc: VmcClient, target: LinkTarget, unlinked: AccountRecord) -> bool:
    """Whether the record that was unlinked is still there; another stack's is not ours to unlink."""
    account = find_account(vmc.list_connected_accounts(), target.account_number)
    known = dataclasses.replace(target.known, own_record=OwnRecord.of(unlinked))
    return account is not None and decide_owner(account, known).is_own


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
