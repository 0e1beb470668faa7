"""What unlinking still has to do, from what the service says now. Pure decisions; the loop feeds them.

A link becomes real some time after its CloudFormation stack has run: an account that is missing from the list
while the link's task runs is not gone, it is on its way.
"""

import dataclasses
from datetime import datetime, timedelta

from vmc_account_link.api.models import AccountRecord, Task, TaskStatus
from vmc_account_link.errors import OwnerUnclear, VmcError
from vmc_account_link.link.ownership import Owner, Ownership, decide_owner, stack_description
from vmc_account_link.link.progress import (
    LIST_GRACE_SECONDS,
    RELINK_GRACE_SECONDS,
    LinkTarget,
    Waiting,
    task_progress,
)

LONGEST_TASK_SECONDS = 7200.0
"""A task that has run for longer is not waited for: its link expired more than an hour ago."""

_CLOCKS = timedelta(seconds=5)
"""How far the clocks of AWS and of the service may differ; the service's is known to a second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unlink:
    """The account is connected by our link."""

    account: AccountRecord


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NothingToUnlink:
    """No account is connected by our link, and none is on its way."""

    note: str | None = None
    """What the person has to know all the same."""
    error: VmcError | None = None
    """Why that can't be left at that."""


def evaluate_unlink(
    target: LinkTarget, account: AccountRecord | None, task: Task | None, now: datetime
) -> Unlink | Waiting | NothingToUnlink:
    """Decide for a link whose template a CloudFormation stack is known to have run.

    Args:
        target: the link.
        account: the account's record, just read; None where it has none.
        task: the link's task, just read; None where it was not looked at or is unknown.
        now: by the service's clock.
    """
    ownership = _owner(target, account, task)
    if account is not None and ownership is not None and ownership.is_own:
        is_old = account.revision == target.previous_revision
        if is_old and _is_running(task, now):
            return _waiting(task, "the account is ACTIVE by its earlier link")
        return Unlink(account=account)
    is_late = account is None and _ended_within(task, now, LIST_GRACE_SECONDS)
    if _is_running(task, now) or is_late:
        return _waiting(task, "the account is not listed yet")
    if account is not None and ownership is not None and ownership.owner is Owner.UNCLEAR:
        return NothingToUnlink(error=_unclear(account, ownership))
    return NothingToUnlink(note=_note(target, account, task))


def evaluate_unrecorded(
    target: LinkTarget,
    account: AccountRecord | None,
    task: Task | None,
    now: datetime,
    *,
    name_was_taken: bool = False,
) -> Unlink | Waiting | NothingToUnlink:
    """As `evaluate_unlink`, where it is not known whether a stack ran the template: the task has to prove it.

    Another Pulumi stack may use the same CloudFormation stack name, and most links that were never run were
    meant to be: a task that does not move is not waited for.

    Args:
        target: the link.
        account: the account's record, just read; None where it has none.
        task: the link's task, just read; None where it was not looked at or is unknown.
        now: by the service's clock.
        name_was_taken: whether another stack has the name since before the link was requested, which AWS is
            asked for (`has_name_since_before`); False where that is not known.
    """
    has_begun = _is_running(task, now) and task is not None and task.has_begun
    ownership = _owner(target, account, task)
    if account is not None and ownership is not None and ownership.is_own:
        is_new = account.revision != target.previous_revision
        if is_new and task is not None and task.status == TaskStatus.FINISHED:
            return Unlink(account=account)
        if has_begun or (is_new and _is_running(task, now) and not name_was_taken):
            return _waiting(task, "nothing shows yet by which link the account is connected")
        why = (
            "which was there before this link was requested"
            if name_was_taken
            else "and nothing shows that it ran this link"
        )
        return NothingToUnlink(
            note=f"AWS account {target.account_number} is linked by CloudFormation "
            f"{stack_description(account)}, {why}: left alone"
        )
    is_late = account is None and _ended_within(task, now, RELINK_GRACE_SECONDS)
    if has_begun or is_late:
        return _waiting(task, "the account is not listed yet")
    return NothingToUnlink(note=_note(target, account, task))


def has_name_since_before(requested: datetime, *, created: datetime, updated: datetime | None) -> bool:
    """Whether the stack that has the link's stack name now can't have run the link's template.

    A name is one stack's at a time: where this one is from before the request, and was not updated since, no
    other stack of the name has run the template either.

    Args:
        requested: when the link was requested, by the service's clock.
        created: when the stack was made, by AWS's clock.
        updated: when its last update began; None where there was none.
    """
    return max(created, updated or created) + _CLOCKS < requested


def _owner(target: LinkTarget, account: AccountRecord | None, task: Task | None) -> Ownership | None:
    if account is None:
        return None
    return decide_owner(account, target.known.with_task(task) if task else target.known)


def _unclear(account: AccountRecord, ownership: Ownership) -> OwnerUnclear:
    return OwnerUnclear(
        f"unlink AWS account {account.account_number}",
        f"whether connected account {account.id} is our link is not clear: {ownership.why}",
        "Nothing was changed. If it is, `vmc-account-link unlink` removes it, and `pulumi destroy` goes on; "
        "if not, `pulumi state delete` the connected account.",
    )


def _is_running(task: Task | None, now: datetime) -> bool:
    if task is None or task.has_ended:
        return False
    return task.started is None or (now - task.started).total_seconds() < LONGEST_TASK_SECONDS


def _ended_within(task: Task | None, now: datetime, seconds: float) -> bool:
    """Whether the task has FINISHED so lately that the list may not show the account yet."""
    if task is None or task.status != TaskStatus.FINISHED or task.ended is None:
        return False
    return (now - task.ended).total_seconds() < seconds


def _waiting(task: Task | None, observed: str) -> Waiting:
    progress = task_progress(task) if task else "unknown"
    return Waiting(why=f"task {progress}; {observed}", stage=f"{task.status if task else None}; {observed}")


def _note(target: LinkTarget, account: AccountRecord | None, task: Task | None) -> str | None:
    if account is not None:
        return (
            f"AWS account {target.account_number} is linked by another stack now, "
            f'"{account.cf_stack_name}": left alone'
        )
    if task is not None and task.has_begun and not task.has_ended:
        return (
            f"VMware's task {task.id} for AWS account {target.account_number} has been {task.status} for "
            "more than 2 hours and was not waited for: if the account is connected after all, "
            "`vmc-account-link unlink` removes the link"
        )
    return None
