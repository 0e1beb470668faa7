"""A stack as it is stored: the request, and what became of it. Values and pure functions."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from moto.cloudformation.models import Stack

from sandbox.cloudformation import resources
from sandbox.cloudformation.errors import validation_error
from sandbox.cloudformation.lifecycle import (
    Action,
    Event,
    OnFailure,
    Operation,
    Phase,
    StackResource,
    events_at,
    phase_at,
)
from sandbox.cloudformation.resources import AccountRegion
from sandbox.cloudformation.template import Template


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackRequest:
    """What CreateStack and UpdateStack ask for, read from the wire.

    In an update None means "as before".
    """

    name: str
    template: Template | None
    """None only in an update with UsePreviousTemplate."""
    parameters: Mapping[str, str | None]
    """Values; None for UsePreviousValue."""
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None
    role_arn: str | None = None
    notification_arns: tuple[str, ...] | None = None
    timeout_in_minutes: int | None = None
    disable_rollback: bool = False
    on_failure: OnFailure = OnFailure.ROLLBACK
    client_request_token: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackRecord:
    """A stack, alive or gone."""

    account_region: AccountRegion
    name: str
    stack_id: str
    request: StackRequest
    """What is in force: after a rolled-back update still the earlier one."""
    template: Template
    parameters: Mapping[str, str]
    created_at: datetime
    operations: tuple[Operation, ...]
    made: Stack | None
    """moto's stack while it has resources."""

    def phase(self, now: datetime) -> Phase:
        """What the stack shows at `now`."""
        return phase_at(self.operations[-1], now)

    def status(self, now: datetime) -> str:
        """The status at `now`."""
        return self.phase(now).status

    def events(self, now: datetime) -> list[Event]:
        """The events up to `now`, newest first."""
        return events_at(self.operations, now)

    def resources(self) -> tuple[StackResource, ...]:
        """What the stack has at present."""
        return resources.resources_of(self.made) if self.made else ()

    @property
    def updated_at(self) -> datetime | None:
        """When the last update started, if there was one."""
        moments = [one.started_at for one in self.operations if one.action is Action.UPDATE]
        return moments[-1] if moments else None

    @property
    def deleted_at(self) -> datetime | None:
        """When the deletion was requested, if it was."""
        last = self.operations[-1]
        return last.started_at if last.action is Action.DELETE else None


def interrupted(operation: Operation, at: datetime) -> Operation:
    """The operation as a later one leaves it: what it had not shown by then never shows."""
    elapsed = (at - operation.started_at).total_seconds()
    return operation if elapsed >= operation.seconds else dataclasses.replace(operation, ends_before=at)


def parameter_values(
    template: Template, given: Mapping[str, str | None], before: Mapping[str, str]
) -> dict[str, str]:
    """Each declared parameter's value.

    Raises:
        Refusal: a parameter without value, or a value without parameter.
    """
    declared: Mapping[str, Mapping[str, object]] = template.content.get("Parameters") or {}
    if extra := sorted(set(given) - set(declared)):
        raise validation_error(f"Parameters: [{', '.join(extra)}] do not exist in the template")
    values: dict[str, str] = {}
    missing = []
    for key, declaration in declared.items():
        value = given.get(key)
        if value is None and key in given:
            value = before.get(key)
        if value is None and "Default" in declaration:
            value = str(declaration["Default"])
        if value is None:
            missing.append(key)
        else:
            values[key] = value
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    return values


def differs(
    record: StackRecord, requested: StackRequest, template: Template, parameters: Mapping[str, str]
) -> bool:
    """Whether an update asks for anything new."""
    return (
        template.content != record.template.content
        or parameters != record.parameters
        or dict(requested.tags or {}) != dict(record.request.tags or {})
        or (requested.notification_arns or ()) != (record.request.notification_arns or ())
    )
