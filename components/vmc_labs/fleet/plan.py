"""What an `up`, a `down` or a `reap` would do with each lab, and why: decided from a snapshot. Pure."""

import dataclasses
from collections.abc import Collection, Iterable
from datetime import datetime

from vmc_labs.fleet.results import Verb
from vmc_labs.fleet.status import Finding, FleetSnapshot, LabStatus
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.reader import LabState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A lab, how it is, what is to be done with it, and why."""

    lab: LabSpec
    found: Finding
    verb: Verb | None
    """None: nothing."""
    reason: str


def plan_up(labs: Iterable[LabSpec], snapshot: FleetSnapshot, *, failed: bool = False) -> list[Step]:
    """What `up` does.

    Args:
        labs: to look at.
        snapshot: what is there.
        failed: only those whose last run failed.
    """
    steps = []
    for lab in labs:
        found = snapshot.find(lab)
        is_due, reason = found.status is not LabStatus.LINKED, found.reason
        if failed and found.status is not LabStatus.FAILED:
            is_due, reason = False, f"it did not fail: {reason}"
        steps.append(Step(lab=lab, found=found, verb=Verb.UP if is_due else None, reason=reason))
    return steps


def plan_down(labs: Iterable[LabSpec], snapshot: FleetSnapshot) -> list[Step]:
    """What `down` does."""
    steps = []
    for lab in labs:
        found, state = snapshot.find(lab), snapshot.states.get(lab.stack)
        reason = _taken_down(lab, state) if state else found.reason
        steps.append(Step(lab=lab, found=found, verb=Verb.DOWN if state else None, reason=reason))
    return steps


def plan_reap(labs: Iterable[LabSpec], snapshot: FleetSnapshot, *, now: datetime) -> list[Step]:
    """What `reap` does: labs that are past their time, by the tag that they got when they were made."""
    steps = []
    for lab in labs:
        found, state = snapshot.find(lab), snapshot.states.get(lab.stack)
        expires, verb, reason = state and state.expires, None, found.reason
        if expires and expires <= now:
            verb, reason = Verb.DOWN, f"it expired {_at(expires)}"
        elif expires:
            reason = f"it lives until {_at(expires)}"
        elif state:
            reason = "it never expires (no ttl)"
        steps.append(Step(lab=lab, found=found, verb=verb, reason=reason))
    return steps


def plan_recover(
    labs: Iterable[LabSpec], snapshot: FleetSnapshot, locked: Collection[str] | None
) -> list[Step]:
    """What `recover` does.

    Args:
        labs: the labs to look at.
        snapshot: what is there.
        locked: the stacks that somebody holds, alive or dead; None: the backend can't tell.
    """
    steps = []
    for lab in labs:
        found, state = snapshot.find(lab), snapshot.states.get(lab.stack)
        verb: Verb | None = Verb.RECOVER
        if state is None:
            verb, reason = None, found.reason
        elif state.has_pending:
            reason = "its last run was interrupted"
        elif locked is None or lab.stack in locked:
            reason = "it is locked" if locked else "it may be locked"
        elif not state.is_linked:
            # A CloudFormation stack may have been made unheard: neither a lock nor the state tells of it.
            reason = "it is not linked"
        else:
            verb, reason = None, "nothing is under way"
        steps.append(Step(lab=lab, found=found, verb=verb, reason=reason))
    return steps


def _taken_down(lab: LabSpec, state: LabState) -> str:
    """What a destroy takes away, by what the state holds: the spec may have been changed since."""
    if not state.resource_count:
        return "the Pulumi stack is empty"
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
        what.append(f"delete CloudFormation stack {state.unfinished.known.stack_names[0]} if it was made")
    return f"{account}: {', then '.join(what)}" if what else "nothing was linked: only the Pulumi stack goes"


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
