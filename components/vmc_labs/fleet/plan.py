"""What an `up`, a `down` or a `reap` would do with each lab, and why: decided from what was seen. Pure."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.link.ownership import find_account, was_created_by
from vmc_labs.spec.model import FleetSpec, LabSpec
from vmc_labs.state.reader import LabState, settings_digest

_TAKEN_OVER = "the account is linked by another stack"


class Action(StrEnum):
    """What is to be done with a lab."""

    CREATE = "create"
    RESUME = "resume"
    RETRY = "retry"
    UPDATE = "update"
    REPAIR = "repair"
    NOTHING = "nothing"
    DESTROY = "destroy"
    RECOVER = "recover"
    SKIP = "skip"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A lab, what is to be done with it, and the reason in words."""

    lab: LabSpec
    action: Action
    reason: str
    needs_link: bool = False
    """Whether the record of a linked account is gone: only a new link brings it back."""
    is_blocked: bool = False
    """Whether the reason is one that no `up` can change; it says so, and what to do, at once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetSnapshot:
    """What was seen of a fleet before anything is done."""

    states: Mapping[str, LabState]
    """By stack name; a stack that is missing does not exist."""
    accounts: Mapping[str, Sequence[AccountRecord]]
    """By organisation; one that is missing was not asked."""

    def difference(self, lab: LabSpec) -> str | None:
        """What the service says against a lab that the state calls linked; None where they agree."""
        state, accounts = self.states.get(lab.stack), self.accounts.get(lab.service.org_id)
        if state is None or not state.is_linked or accounts is None:
            return None
        return _difference(lab, accounts, self._account(lab, state))

    def needs_link(self, lab: LabSpec) -> bool:
        """Whether a lab was linked by a link of its own whose record is gone from the service."""
        state, accounts = self.states.get(lab.stack), self.accounts.get(lab.service.org_id)
        if state is None or not state.is_linked or accounts is None or lab.settings.get("link") == "existing":
            return False
        return find_account(accounts, self._account(lab, state)) is None

    def _account(self, lab: LabSpec, state: LabState) -> str:
        return str(state.outputs.get("account_number", lab.aws_account_id or ""))


def plan_up(
    spec: FleetSpec, snapshot: FleetSnapshot, *, only: Sequence[str] = (), failed: bool = False
) -> list[Step]:
    """What `up` does, in the spec's order.

    Args:
        spec: the fleet.
        snapshot: what is there.
        only: the names of the labs to look at; empty: all.
        failed: only those whose last run failed.
    """
    steps = []
    for lab in spec.labs:
        if only and lab.name not in only:
            continue
        action, reason = _up(lab, snapshot)
        if failed and action is not Action.RETRY:
            action, reason = Action.SKIP, f"did not fail ({reason})"
        steps.append(
            Step(
                lab=lab,
                action=action,
                reason=reason,
                needs_link=snapshot.needs_link(lab),
                is_blocked=action is Action.REPAIR and _TAKEN_OVER in reason,
            )
        )
    return steps


def plan_down(spec: FleetSpec, snapshot: FleetSnapshot, *, only: Sequence[str] = ()) -> list[Step]:
    """What `down` does, in the spec's order."""
    return [_down(lab, snapshot) for lab in spec.labs if not only or lab.name in only]


def plan_reap(labs: Sequence[LabSpec], snapshot: FleetSnapshot, *, now: datetime) -> list[Step]:
    """What `reap` does: labs that are past their time, by the tag that they got when they were made."""
    steps = []
    for lab in labs:
        state = snapshot.states.get(lab.stack)
        if state is None:
            steps.append(Step(lab=lab, action=Action.NOTHING, reason="there is no such stack"))
        elif state.expires is None:
            steps.append(Step(lab=lab, action=Action.SKIP, reason="it never expires (no ttl)"))
        elif state.expires > now:
            steps.append(Step(lab=lab, action=Action.SKIP, reason=f"it lives until {_at(state.expires)}"))
        else:
            steps.append(Step(lab=lab, action=Action.DESTROY, reason=f"it expired {_at(state.expires)}"))
    return steps


def plan_recover(
    labs: Sequence[LabSpec], snapshot: FleetSnapshot, locked: Collection[str] | None
) -> list[Step]:
    """What `recover` does.

    Args:
        labs: the labs to look at.
        snapshot: what is there.
        locked: the stacks that somebody holds, alive or dead; None: the backend can't tell.
    """
    steps = []
    for lab in labs:
        state = snapshot.states.get(lab.stack)
        if state is None:
            action, reason = Action.NOTHING, "there is no such stack"
        elif state.has_pending:
            action, reason = Action.RECOVER, "something was under way when a run ended"
        elif locked is None or lab.stack in locked:
            action, reason = Action.RECOVER, "it is locked" if locked else "it may be locked"
        elif not state.is_linked:
            # A stack may have been made unheard: then neither a lock nor the state tells of it.
            action, reason = Action.RECOVER, "it is not linked"
        else:
            action, reason = Action.NOTHING, "nothing is under way"
        steps.append(Step(lab=lab, action=action, reason=reason))
    return steps


def to_do(steps: Sequence[Step]) -> list[Step]:
    """The steps that do something."""
    return [step for step in steps if step.action not in {Action.NOTHING, Action.SKIP}]


def _difference(lab: LabSpec, accounts: Sequence[AccountRecord], account_number: str) -> str | None:
    account = find_account(accounts, account_number)
    if account is None:
        return f"the organisation does not list AWS account {account_number} any more"
    if account.state != AccountState.ACTIVE:
        return f"the account is {account.state}"
    if lab.settings.get("link") != "existing" and not was_created_by(account, [lab.stack_name]):
        hint = "unlink it where that was made, or set `link: existing`"
        return f'{_TAKEN_OVER}, "{account.cf_stack_name}": {hint}'
    return None


def _up(lab: LabSpec, snapshot: FleetSnapshot) -> tuple[Action, str]:
    state = snapshot.states.get(lab.stack)
    if state is None:
        decided = Action.CREATE, "there is no such stack"
    elif state.error:
        decided = Action.RETRY, f"it failed: {state.error}"
    elif state.has_pending:
        decided = Action.RESUME, "something was under way when a run ended"
    elif not state.is_linked:
        decided = Action.RESUME, "it is not linked yet"
    elif state.tags.get("settings") != settings_digest(lab):
        decided = Action.UPDATE, "its settings have changed"
    elif difference := snapshot.difference(lab):
        does = ": a new link is asked for" if snapshot.needs_link(lab) else ""
        decided = Action.REPAIR, f"{difference}{does}"
    else:
        decided = Action.NOTHING, "linked"
    return decided


def _down(lab: LabSpec, snapshot: FleetSnapshot) -> Step:
    state = snapshot.states.get(lab.stack)
    if state is None:
        return Step(lab=lab, action=Action.NOTHING, reason="there is no such stack")
    reason = "the stack is empty" if not state.resource_count else _taken_down(lab, state)
    return Step(lab=lab, action=Action.DESTROY, reason=reason)


def _taken_down(lab: LabSpec, state: LabState) -> str:
    """What a destroy takes away, by what the state holds: the spec may have been changed since."""
    account = f"AWS account {state.outputs.get('account_number') or lab.aws_account_id or '(not known)'}"
    if state.is_existing:
        return f"{account} stays linked (existing)"
    what = []
    if state.has_account or (state.unfinished and state.unlinks):
        may_be = "" if state.has_account else " if it was connected"
        what.append(f"unlink it{may_be}" if state.unlinks else "it stays linked (unlinkOnDestroy)")
    if state.stack_name:
        what.append(f"delete CloudFormation stack {state.stack_name}")
    elif state.unfinished:
        what.append(f"delete CloudFormation stack {state.unfinished.stack_name} if it was made")
    return f"{account}: {', then '.join(what)}" if what else "nothing was linked: only the Pulumi stack goes"


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
