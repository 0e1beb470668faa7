"""Stack status and events as functions of stored moments and the present one. Pure: no clock, no moto."""

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

STACK_TYPE = "AWS::CloudFormation::Stack"
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


class Action(StrEnum):
    """What was requested."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class OnFailure(StrEnum):
    """What CloudFormation does with a stack that can't be created."""

    ROLLBACK = "ROLLBACK"
    DO_NOTHING = "DO_NOTHING"
    DELETE = "DELETE"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    """One resource that an operation touches."""

    logical_id: str
    physical_id: str
    type: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The resource that made an operation fail."""

    resource: StackResource
    reason: str
    """One line, in the words of the resource's service."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One create, update or delete. Its outcome is known when it starts and shows as time passes."""

    action: Action
    stack_name: str
    stack_id: str
    started_at: datetime
    seconds: float
    """From the start to the final status; a failure turns into its undoing half-way."""
    resources: tuple[StackResource, ...] = ()
    """What was made, changed or removed, in order, without the one that failed."""
    failure: Failure | None = None
    on_failure: OnFailure = OnFailure.ROLLBACK
    client_request_token: str | None = None
    ends_before: datetime | None = None
    """The moment a deletion interrupted it: what would have come later never shows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of an operation in which the stack has one status."""

    since: datetime
    status: str
    reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of DescribeStackEvents."""

    event_id: str
    at: datetime
    stack_name: str
    stack_id: str
    resource: StackResource
    status: str
    reason: str | None
    client_request_token: str | None


def phases(operation: Operation) -> tuple[Phase, ...]:
    """The statuses an operation goes through, in order of time."""
    begin = operation.started_at
    turn = begin + timedelta(seconds=operation.seconds / 2)
    end = begin + timedelta(seconds=operation.seconds)
    action, failure = operation.action, operation.failure
    first = Phase(since=begin, status=f"{action}_IN_PROGRESS", reason="User Initiated")
    if failure is None:
        return first, Phase(since=end, status=f"{action}_COMPLETE")
    verb = {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"}[action]
    blame = f"The following resource(s) failed to {verb}: [{failure.resource.logical_id}]. "
    if action is Action.UPDATE:
        return (
            first,
            Phase(since=turn, status="UPDATE_ROLLBACK_IN_PROGRESS", reason=blame),
            Phase(since=end, status="UPDATE_ROLLBACK_COMPLETE"),
        )
    if action is Action.DELETE or operation.on_failure is OnFailure.DO_NOTHING:
        return first, Phase(since=end, status=f"{action}_FAILED", reason=blame)
    undoing, undone = (
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")
        if operation.on_failure is OnFailure.ROLLBACK
        else ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")
    )
    request = "Rollback requested by user." if undone == "ROLLBACK_COMPLETE" else "Delete requested by user."
    return (
        first,
        Phase(since=turn, status=undoing, reason=blame + request),
        Phase(since=end, status=undone),
    )


def phase_at(operation: Operation, now: datetime) -> Phase:
    """The phase that `now` falls into; a moment before the start counts as the start."""
    past = [phase for phase in phases(operation) if phase.since <= now]
    return past[-1] if past else phases(operation)[0]


def is_in_progress(status: str) -> bool:
    """Whether the status will change by itself."""
    return status.endswith("_IN_PROGRESS")


def events_at(operations: Sequence[Operation], now: datetime) -> list[Event]:
    """Everything that has shown by `now`, newest first, as DescribeStackEvents orders it."""
    shown = [
        event
        for operation in operations
        for event in _events(operation)
        if event.at <= now and (operation.ends_before is None or event.at < operation.ends_before)
    ]
    return sorted(shown, key=lambda event: event.at)[::-1]


def _events(operation: Operation) -> Iterator[Event]:
    stack = StackResource(logical_id=operation.stack_name, physical_id=operation.stack_id, type=STACK_TYPE)
    first, *later = phases(operation)
    yield _event(operation, stack, first.status, first.since, first.reason)
    turn = later[0]
    for resource in operation.resources:
        yield _event(operation, resource, f"{operation.action}_IN_PROGRESS", first.since)
        yield _event(operation, resource, f"{operation.action}_COMPLETE", turn.since)
    if operation.failure is not None:
        failed = operation.failure.resource
        yield _event(operation, failed, f"{operation.action}_IN_PROGRESS", first.since)
        yield _event(operation, failed, f"{operation.action}_FAILED", turn.since, operation.failure.reason)
    for phase in later:
        if phase.status in {"ROLLBACK_COMPLETE", "DELETE_COMPLETE"} and len(later) > 1:
            for resource in reversed(operation.resources):
                yield _event(operation, resource, "DELETE_COMPLETE", phase.since)
        yield _event(operation, stack, phase.status, phase.since, phase.reason)


def _event(
    operation: Operation, resource: StackResource, status: str, at: datetime, reason: str | None = None
) -> Event:
    identity = f"{operation.stack_id}/{resource.logical_id}/{status}/{at.isoformat()}"
    return Event(
        event_id=str(uuid.uuid5(uuid.NAMESPACE_URL, identity)),
        at=at,
        stack_name=operation.stack_name,
        stack_id=operation.stack_id,
        resource=resource,
        status=status,
        reason=reason,
        client_request_token=operation.client_request_token,
    )
