"""How far is a link? Pure decisions; the waiting loop feeds them."""

import dataclasses
from collections.abc import Sequence

from vmc_account_link.api.models import AccountRecord, Task, TaskStatus
from vmc_account_link.errors import LinkFailed, VmcError, safe_text
from vmc_account_link.link.ownership import (
    KNOWN_ROLE_IDS,
    LinkEvidence,
    Owner,
    Ownership,
    OwnRecord,
    decide_owner,
    find_account,
)
from vmc_account_link.resource_types import PACKAGE

SHORTEST_PAUSE_SECONDS = 0.9
LONGEST_PAUSE_FRACTION = 0.09
"""Together with the time of a request this keeps the promise "noticed at most 10 % or 1 s late"."""
LONGEST_PAUSE_SECONDS = 2.0
"""Half of it is what a link of minutes is noticed too late, on average."""
LONGEST_TASK_PAUSE_SECONDS = 5.0
"""The task only explains a wait, or ends it early."""

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
    revision_at_request: str | None = None
    """The same, whoever made that record."""
    role_ids: tuple[str, ...] = KNOWN_ROLE_IDS
    """The logical ids of the template's roles."""
    own_record: OwnRecord | None = None
    """What an `up` has seen of this very link."""

    @property
    def known(self) -> LinkEvidence:
        """By which a record is this link's."""
        return LinkEvidence(
            account_number=self.account_number,
            stack_names=(self.stack_name,),
            role_ids=self.role_ids,
            was_requested=True,
            revision_at_request=self.revision_at_request,
            previous_revision=self.previous_revision,
            tracking_task=self.tracking_task,
            own_record=self.own_record,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not yet."""

    why: str
    """What is missing, for the person who waits."""
    stage: str
    """The part of `why` whose change is news; a growing percentage is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The account is ACTIVE, by this link."""

    account: AccountRecord


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It will not come."""

    error: VmcError


def pause_seconds(elapsed_seconds: float, *, longest_seconds: float = LONGEST_PAUSE_SECONDS) -> float:
    """How long to wait before looking again: often at first, then in proportion to the wait so far."""
    in_proportion = max(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_FRACTION * elapsed_seconds)
    return min(longest_seconds, in_proportion)


def evaluate_link(
    target: LinkTarget,
    accounts: Sequence[AccountRecord],
    task: Task | None,
    *,
    since_finished_seconds: float = 0.0,
    task_is_unknown: bool = False,
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
        task_is_unknown: whether the service was asked for it and does not know it.
    """
    known = target.known
    if task is not None or task_is_unknown:
        known = known.with_task(task)
    account = find_account(accounts, target.account_number)
    ownership = decide_owner(account, known) if account else None
    unknown = _unknown_field(account)
    is_own = ownership is not None and ownership.is_own
    if account is not None and account.is_active and is_own and not unknown:
        grace_is_over = since_finished_seconds > RELINK_GRACE_SECONDS
        # Where nothing can show that a link was renewed, it is not waited for for ever.
        shows_nothing = not account.shows_changes and (target.tracking_task is None or task_is_unknown)
        if shows_nothing or record_changed(
            account, task, known.previous_revision, grace_is_over=grace_is_over
        ):
            return Linked(account=account)
    if task is not None and task.status in {TaskStatus.FAILED, TaskStatus.CANCELED}:
        return Failed(error=_failed_task(target, task))
    observed = _describe_account(account, ownership)
    if since_finished_seconds > LIST_GRACE_SECONDS and unknown:
        return Failed(error=_not_readable(target, unknown))
    if since_finished_seconds > LIST_GRACE_SECONDS and (account is None or account.is_active):
        return Failed(error=_missing_account(target, account, ownership, since_finished_seconds))
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
    """Whether a link that renews a record was run, whatever has become of the account since.

    Where neither a task nor the record can show it, it is believed.
    """
    if task is None:
        return account is None or account.revision != previous_revision or not account.shows_changes
    return task.status == TaskStatus.FINISHED


def _describe_account(account: AccountRecord | None, ownership: Ownership | None) -> str:
    if account is None or ownership is None:
        return "the account is not listed yet"
    if unknown := _unknown_field(account):
        return f"in its connected account, {unknown}"
    if not account.is_active:
        return f"the account is {account.state}"
    match ownership.owner:
        case Owner.OURS:
            return "the account is ACTIVE by its earlier link"
        case Owner.ANOTHER:
            return f'the list still shows the link of CloudFormation stack "{account.cf_stack_name}"'
        case Owner.UNCLEAR:
            return f"the account is ACTIVE; by whose link is not clear: {ownership.why}"


def _describe_task(task: Task | None) -> str:
    if task is None:
        return "nothing is known of the link's task"
    return f"task {task_progress(task)}"


def task_progress(task: Task) -> str:
    """A task's status and how far it is: `STARTED, 40 %, Validating, about 2 min to go`."""
    parts = [task.status or "in a state that can't be read"]
    if task.progress_percent is not None:
        parts.append(f"{task.progress_percent} %")
    if task.phase:
        parts.append(safe_text(task.phase))
    if task.remaining_minutes is not None:
        parts.append(f"about {task.remaining_minutes} min to go")
    return ", ".join(parts)


_REQUEST_AGAIN = (
    "The next `pulumi up` requests a new link once this one has expired (output link_expiration_date); "
    f"{REQUEST_ANOTHER_LINK} requests it at once."
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


def _unknown_field(account: AccountRecord | None) -> str | None:
    """Which field of a record can't be read without which nothing can be decided: `state is missing`."""
    if account is None:
        return None
    missing = [key for key, value in (("id", account.id), ("state", account.state)) if not value]
    return next((f"{key} is {_found(account, key)}" for key in missing), None)


def _found(account: AccountRecord, key: str) -> str:
    found = (one.removeprefix(f"{key} is ") for one in account.unread if one.startswith(f"{key} is "))
    return next(found, "missing")


def _not_readable(target: LinkTarget, unknown: str) -> LinkFailed:
    return LinkFailed(
        f"connect AWS account {target.account_number}",
        f"VMware's task FINISHED, and in the connected account the field {unknown}",
        "The CloudFormation stack and the link are kept. Look at the account in the VMC console, and report "
        "what `vmc-account-link status --shapes FILE` writes.",
    )


def _missing_account(
    target: LinkTarget, account: AccountRecord | None, ownership: Ownership | None, seconds: float
) -> LinkFailed:
    if account is None or ownership is None:
        observed = "the account is not in the list of connected accounts"
    elif ownership.owner is Owner.ANOTHER:
        observed = f'the account is linked by another CloudFormation stack, "{account.cf_stack_name}"'
    else:
        observed = f"nothing shows that connected account {account.id} is our link: {ownership.why}"
    return LinkFailed(
        f"connect AWS account {target.account_number}",
        f"VMware's task FINISHED, yet {seconds / 60:.0f} min later {observed}",
        _REQUEST_AGAIN,
    )
