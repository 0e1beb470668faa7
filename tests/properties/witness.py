"""What must be so after each operation of a lab, whatever happened before."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import grpc

from sandbox.modes import FieldForm, RecordName
from sandbox.vmc.accounts import AccountState, ConnectedAccount
from sandbox.vmc.links import Link, TaskStatus
from tests.properties.cloud import REGION, Cloud
from tests.properties.engine_model import Outcome, Resource
from tests.properties.history import STACK_NAMES
from tests.properties.program_model import Lab
from vmc_account_link.api.models import parse_moment
from vmc_account_link.errors import CommandFailed, VmcError

LONGEST_LINE = 1200
_NEEDS_NEW_LINK = ("stack_name",)
_SHOWN_AS_CHOSEN: Mapping[str, Any] = {"record_name": RecordName.CHOSEN, "fields": FieldForm.DOCUMENTED}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The state and the truth at one moment."""

    at: datetime
    live_stacks: dict[str, str]
    """Id -> status of every stack that bears one of our names and is not gone."""
    record: ConnectedAccount | None
    """The connected account in truth, whatever the list shows."""
    links: int
    """How many were ever minted."""
    state: dict[str, Resource]


def see(lab: Lab) -> Sight:
    """Look at everything."""
    cloud = lab.cloud
    now = cloud.world.clock.now()
    stacks = [one for one in cloud.stacks.list(REGION) if one.name in STACK_NAMES]
    return Sight(
        at=now,
        live_stacks={s.stack_id: s.status(now) for s in stacks if s.status(now) != "DELETE_COMPLETE"},
        record=next(iter(cloud.world.links.accounts.connected()), None),
        links=len(cloud.world.links.links()),
        state=dict(lab.engine.state),
    )


def was_created_by(record: ConnectedAccount | None) -> bool:
    """Whether a stack of one of our names made the link."""
    return record is not None and record.stack_name in STACK_NAMES


def orphaned_engines(sight: Sight) -> set[str]:
    """Live stacks of ours that the state does not know."""
    known = sight.state["stack"].id if "stack" in sight.state else None
    return set(sight.live_stacks) - {known}


def check_messages(cloud: Cloud, outcome: Outcome, output: str) -> None:
    """A failure is one of our errors in one line, or the AWS provider's; neither holds a secret."""
    said = output
    if outcome.error is not None:
        said += str(outcome.error)
        cause = outcome.error.__cause__
        is_the_providers = isinstance(cause, grpc.RpcError)
        assert cause is None or is_the_providers or isinstance(cause, VmcError | CommandFailed), repr(cause)
        if not is_the_providers:
            assert "\n" not in str(outcome.error)
            assert len(str(outcome.error)) <= LONGEST_LINE
    for line in output.splitlines():
        assert len(line) <= LONGEST_LINE
    for secret in cloud.secrets():
        assert secret not in said


def check_link_requests(
    lab: Lab, before: Sight, after: Sight, *, operation: str, replaced: tuple[str, ...] = ()
) -> None:
    """A link is minted in `up` only, once, and only if there is none or it can't be used any more."""
    links_requested = after.links - before.links
    # One whose answer was lost binds nothing, and another one is requested.
    entries = lab.cloud.world.journal.entries()
    assert links_requested <= 1 + sum(one.call == "request-link" and bool(one.fault) for one in entries)
    if links_requested:
        assert operation == "up"
        assert "request" in replaced or _needs_a_link(lab, before, after)


def _needs_a_link(lab: Lab, before: Sight, after: Sight) -> bool:
    request = before.state.get("request")
    if request is None:
        return True
    expected = {key: getattr(lab.settings, key) for key in _NEEDS_NEW_LINK}
    if any(request.outputs.get(key) != value for key, value in expected.items()):
        return True
    # A link that renews one is asked for again until the service has seen it run (ADR 0015).
    task = lab.cloud.world.links.task(link_of(lab.cloud, request).id)
    # Without the task's id and a record that shows changes, nobody can know.
    has_run = (
        request.outputs.get("previous_revision") is None
        or "tracking_task" not in request.outputs
        or (task is not None and task.status is TaskStatus.FINISHED)
    )
    if request.outputs.get("renews") and not has_run:
        return True
    connected = [
        sight.record is not None
        and sight.record.state is AccountState.ACTIVE
        and sight.record.stack_name == expected["stack_name"]
        for sight in (before, after)
    ]
    return expiry(lab.cloud, request) <= after.at and not (all(connected) and has_run)


def expiry(cloud: Cloud, request: Resource) -> datetime:
    """When a link counts as expired: a day after it was requested where the service names no end."""
    named = request.outputs.get("expiration_date")
    if named is not None:
        return parse_moment(named)
    return link_of(cloud, request).requested_at + timedelta(days=1)


def link_of(cloud: Cloud, request: Resource) -> Link:
    """The link that a request has got; not every service names its task."""
    url = request.outputs["template_url"]
    return next(link for link in cloud.world.links.links() if link.template_url == url)


def check_link(lab: Lab, sight: Sight, *, stack_was_read: bool = True) -> None:
    """What a successful `up` that looked at the service claims: one stack, ACTIVE, and the state says so.

    Args:
        lab: the lab.
        sight: after the `up`.
        stack_was_read: whether somebody looked at the stack since it was last touched by hand.
    """
    name = lab.settings.stack_name
    record, connected, stack = sight.record, sight.state["wait"], sight.state["stack"]
    assert record is not None
    assert sight.state["connected"].outputs["stack_id"] == stack.id
    assert (record.state, record.stack_name) == (AccountState.ACTIVE, name)
    assert connected.outputs["connected_account_id"] == record.id
    assert connected.outputs["connected_account_state"] == "ACTIVE"
    if lab.cloud.world.modes.current == dataclasses.replace(
        lab.cloud.world.modes.current, **_SHOWN_AS_CHOSEN
    ):
        assert connected.outputs["cf_stack_name"] == name
    assert connected.outputs["stack_id"] == stack.id
    assert not any(resource.init_errors for resource in sight.state.values())
    if stack_was_read:
        assert list(sight.live_stacks) == [stack.id]
        assert sight.live_stacks[stack.id] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def stands_for_a_link(lab: Lab, before: Sight) -> bool:
    """Whether a destroy has to unlink: a stack has run the link, known to the state or shown by its task."""
    connected, request = before.state.get("connected"), before.state.get("request")
    if connected is not None:
        return bool(connected.outputs["unlink_on_destroy"])
    if request is None or not request.outputs["unlink_on_destroy"]:
        return False
    # Without a task nothing shows that its link was run.
    return "tracking_task" in request.outputs and bool(link_of(lab.cloud, request).runs)


def check_nothing_left(sight: Sight, *, unlinks: bool) -> None:
    """What a successful destroy claims."""
    assert sight.state == {}
    assert sight.live_stacks == {}
    if unlinks:
        assert not was_created_by(sight.record)


def check_others(before: Sight, after: Sight) -> None:
    """Another stack's link is as it was; a broken one may be replaced by ours, never unlinked."""
    if before.record is None or was_created_by(before.record):
        return
    if before.record.state is AccountState.ACTIVE:
        assert after.record == before.record
    assert after.record is not None


def check_sandbox(cloud: Cloud) -> None:
    """A failure of the emulator must not pass for a fault."""
    assert not [e for e in cloud.world.journal.entries() if e.status == 500 and e.fault is None]
