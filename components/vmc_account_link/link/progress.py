"""How far is a link? Pure decisions; the waiting loop feeds them."""

import dataclasses
from collections.abc import Sequence

from vmc_account_link.api.models import AccountRecord, AccountState, Task, TaskStatus
from vmc_account_link.errors import LinkFailed, VmcError, safe_text
from vmc_account_link.link.ownership import find_account, was_created_by
from vmc_account_link.resource_types import PACKAGE

SHORTEST_PAUSE_SECONDS = 0.9
LONGEST_PAUSE_FRACTION = 0.09
"""Together with the time of a request this keeps the promise "noticed at most 10 % or 1 s late"."""
LONGEST_PAUSE_SECONDS = 5.0
"""As often as the AWS plugin looks at the stack; without it, links of minutes were noticed 19 s late."""

RELINK_GRACE_SECONDS = 60.0
"""How long after the task's end the record may still be the one from before a relink."""

LIST_GRACE_SECONDS = 300.0
"""How long after the task's end the account may be missing from the list before that counts as a failure."""


REQUEST_ANOTHER_LINK = f"`pulumi up --replace '**{PACKAGE}:LinkRequest::*'`"
"""The command that asks for another link at once, for messages."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """The link that is waited for."""

    account_number: str
    stack_name: str
    tracking_task: str | None = None
    previous_revision: str | None = None
    """The revision of the record that this link is to renew; None where there was none of our stack's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not yet."""

    why: str
    """What is missing, for the person who waits."""
    stage: str
    """The part of `why` whose change is news; a growing percentage is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The account is ACTIVE under our stack's name, by this link."""

    account: AccountRecord


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It will not come."""

    error: VmcError


def pause_seconds(elapsed_seconds: float) -> float:
    """How long to wait before looking again: often at first, then in proportion to the wait so far."""
    in_proportion = max(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_FRACTION * elapsed_seconds)
    return min(LONGEST_PAUSE_SECONDS, in_proportion)


def evaluate_link(
    target: LinkTarget,
    accounts: Sequence[AccountRecord],
    task: Task | None,
    *,
    since_finished_seconds: float = 0.0,
) -> Waiting | Linked | Failed:
    """Decide from what the service says now.

    The account's record decides; the task only explains, or ends the wait when it failed. Either may
    lag behind the other. A record that was ACTIVE before proves nothing of a link that renews it: there the
    task has to be FINISHED, or unknown to the service and the record another one than before.

    Args:
        target: the link that is waited for.
        accounts: the list, just read.
        task: the tracking task, just read; None where it was not looked at or is unknown.
        since_finished_seconds: since the task was first seen FINISHED; 0 before.
    """
    account = find_account(accounts, target.account_number)
    is_there = account is not None and account.state == AccountState.ACTIVE
    if account is not None and is_there and was_created_by(account, [target.stack_name]):
        grace_is_over = since_finished_seconds > RELINK_GRACE_SECONDS
        if record_changed(account, task, target.previous_revision, grace_is_over=grace_is_over):
            return Linked(account=account)
    if task is not None and task.status in {TaskStatus.FAILED, TaskStatus.CANCELED}:
        return Failed(error=_failed_task(target, task))
    observed = _describe_account(account, target)
    if since_finished_seconds > LIST_GRACE_SECONDS and (
        account is None or account.state == AccountState.ACTIVE
    ):
        return Failed(error=_missing_account(target, account, since_finished_seconds))
    return Waiting(
        why=f"{_describe_task(task)}; {observed}", stage=f"{task.status if task else None}; {observed}"
    )


def record_changed(
    account: AccountRecord, task: Task | None, previous_revision: str | None, *, grace_is_over: bool = False
) -> bool:
    """Whether the record is this link's doing, and not what was there before it.

    Args:
        account: the record, just read.
        task: the link's task, just read; None where the service does not know it.
        previous_revision: the record's when the link was requested; None where there was none of our stack's.
        grace_is_over: whether the list has had its time to catch up with the task.
    """
    if previous_revision is None:
        return True
    is_another = account.revision != previous_revision
    if task is None:
        return is_another
    return task.status == TaskStatus.FINISHED and (is_another or grace_is_over)


def template_was_run(task: Task | None, account: AccountRecord | None, previous_revision: str) -> bool:
    """Whether a link that renews a record was run, whatever has become of the account since."""
    if task is None:
        return account is None or account.revision != previous_revision
    return task.status == TaskStatus.FINISHED


def _describe_account(account: AccountRecord | None, target: LinkTarget) -> str:
    if account is None:
        return "the account is not in the service's list yet"
    if account.state == AccountState.ACTIVE and was_created_by(account, [target.stack_name]):
        return "the account is ACTIVE by its earlier link"
    if account.state == AccountState.ACTIVE:
        return f'the list still shows the link of stack "{account.cf_stack_name}"'
    return f"the account is {account.state}"


def _describe_task(task: Task | None) -> str:
    if task is None:
        return "no word from the link's task"
    return f"task {task_progress(task)}"


def task_progress(task: Task) -> str:
    """A task's status and how far it is: `STARTED, 40 %, Validating, about 2 min to go`."""
    parts = [task.status]
    if task.progress_percent is not None:
        parts.append(f"{task.progress_percent} %")
    if task.phase:
        parts.append(safe_text(task.phase))
    if task.remaining_minutes is not None:
        parts.append(f"about {task.remaining_minutes} min to go")
    return ", ".join(parts)


_REQUEST_AGAIN = (
    "The next `pulumi up` asks for a new link once this one has expired (output link_expiration_date); "
    f"{REQUEST_ANOTHER_LINK} asks at once."
)


_RELINK_AGAIN = (
    "The account stays connected by its earlier link; `pulumi up` tries again, with a new link once this one "
    "has expired at the latest."
)


def _failed_task(target: LinkTarget, task: Task) -> LinkFailed:
    reason = f": {safe_text(task.error)}" if task.error else ", without a reason"
    return LinkFailed(
        f"connect AWS account {target.account_number}",
        f"VMware's task {task.id} {task.status}{reason}",
        _REQUEST_AGAIN if target.previous_revision is None else _RELINK_AGAIN,
    )


def _missing_account(target: LinkTarget, account: AccountRecord | None, seconds: float) -> LinkFailed:
    observed = (
        "the account is not in the list of connected accounts"
        if account is None
        else f'the account is linked by another stack, "{account.cf_stack_name}"'
    )
    return LinkFailed(
        f"connect AWS account {target.account_number}",
        f"VMware's task FINISHED, yet {seconds / 60:.0f} min later {observed}",
        _REQUEST_AGAIN,
    )
