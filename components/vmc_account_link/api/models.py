"""The service's answers as frozen values: tolerant of keys we do not use, strict on those we do.

Source: the VMC API document (LinkRequest, AwsCustomerConnectedAccount, Task); which fields really come
is tolerated as far as we can do without them.
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from vmc_account_link.secret_text import SecretText

_LONGEST_TEXT = 8192
"""Of an id, a name or a URL; a signed URL has some two thousand characters."""


class BadPayload(ValueError):
    """A field that we need is missing or of the wrong kind; the text names it, without its value."""


class AccountState(StrEnum):
    """The states of a connected account that the API document names; others may come."""

    ACTIVE = "ACTIVE"
    BROKEN = "BROKEN"
    DELETED = "DELETED"


class TaskStatus(StrEnum):
    """The states of a task that the API document names; others may come."""

    STARTED = "STARTED"
    CANCELING = "CANCELING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that was asked for: a template that, run in an AWS account, connects it to the organisation."""

    template_url: str = dataclasses.field(repr=False)
    """May carry a signature in its query."""
    template_execution_url: str | None = dataclasses.field(repr=False)
    """The console's "click here to start" page."""
    expiration_date: datetime | None
    """After this the link can't be used any more; the service left it out in 2019."""
    tracking_task: str | None
    """Id of the task that follows the link."""

    @classmethod
    def from_wire(cls, wire: Any) -> "Link":
        """Read a LinkRequest.

        Raises:
            BadPayload: no `template_url`, or a field of the wrong kind.
        """
        fields = _object(wire)
        template_url = _text(fields, "template_url")
        if template_url is None:
            raise BadPayload("template_url is missing")
        return cls(
            template_url=SecretText(template_url),
            template_execution_url=_text(fields, "template_execution_url"),
            expiration_date=_moment(fields, "expiration_date"),
            tracking_task=_text(fields, "tracking_task"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """A connected account: what the organisation knows of an AWS account."""

    id: str
    """The record's id (a UUID), which unlinking and SDDC creation want; not the AWS account number."""
    account_number: str | None
    """12 digits."""
    cf_stack_name: str | None
    """The CloudFormation stack that ran last for this account."""
    state: str
    """As the service says it; see `AccountState` for the documented ones."""
    role_arns: tuple[str, ...] = ()
    """The IAM roles in the AWS account that the service assumes."""
    version: int | None = None
    """One more with each change of the record."""
    updated: str | None = None
    """When it last changed, as the service writes it."""

    @property
    def revision(self) -> str:
        """What tells this version of the record from a later one."""
        return f"{self.id} version {self.version} of {self.updated}"

    @classmethod
    def from_wire(cls, wire: Any) -> "AccountRecord":
        """Read an AwsCustomerConnectedAccount.

        Raises:
            BadPayload: no `id` or no `state`, or a field of the wrong kind.
        """
        fields = _object(wire)
        record_id, state = _text(fields, "id"), _text(fields, "state")
        if record_id is None or state is None:
            raise BadPayload(f"{'id' if record_id is None else 'state'} is missing")
        return cls(
            id=record_id,
            account_number=_text(fields, "account_number"),
            cf_stack_name=_text(fields, "cf_stack_name"),
            state=state,
            role_arns=tuple(arn for key in _ROLE_KEYS if (arn := _text(fields, key)) is not None),
            version=_whole_number(fields, "version"),
            updated=_text(fields, "updated"),
        )

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[AccountRecord, ...]":
        """Read the list of connected accounts.

        Raises:
            BadPayload: not a list, or a record that can't be read.
        """
        return tuple(cls.from_wire(record) for record in _list(wire))


_ROLE_KEYS = ("policy_payer_arn", "policy_payer_linked_arn", "policy_service_arn")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SddcConnection:
    """An SDDC's connection to a subnet of a connected account."""

    id: str
    sddc_id: str | None
    connected_account_id: str | None
    """The `AccountRecord`'s id."""
    vpc_id: str | None
    subnet_id: str | None
    availability_zone: str | None
    state: str | None
    """As the service says it: ACTIVE, BROKEN or DELETED."""

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[SddcConnection, ...]":
        """Read a list of AwsSddcConnection.

        Raises:
            BadPayload: not a list, no `id`, or a field of the wrong kind.
        """
        return tuple(cls._from_wire(_object(connection)) for connection in _list(wire))

    @classmethod
    def _from_wire(cls, fields: Mapping[str, Any]) -> "SddcConnection":
        connection_id = _text(fields, "id")
        if connection_id is None:
            raise BadPayload("id is missing")
        return cls(
            id=connection_id,
            sddc_id=_text(fields, "sddc_id"),
            connected_account_id=_text(fields, "connected_account_id"),
            vpc_id=_text(fields, "vpc_id"),
            subnet_id=_text(fields, "subnet_id"),
            availability_zone=_text(fields, "subnet_availability_zone"),
            state=_text(fields, "state"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet of a connected account, as VMware's inventory has it."""

    id: str
    availability_zone: str | None
    """Of the customer's account: the same name is another zone in another account."""
    cidr_block: str | None
    vpc_id: str | None
    is_compatible: bool
    """Whether an SDDC of the kind that was asked for can use it."""
    note: str | None
    """Why not, in the service's words."""
    connected_account_id: str | None

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[Subnet, ...]":
        """Read the subnets of all VPCs in an AwsCompatibleSubnets.

        Raises:
            BadPayload: a subnet without an id, or a field of the wrong kind.
        """
        vpcs = _object(wire).get("vpc_map")
        found = [
            cls._from_wire(_object(subnet))
            for vpc in (_object(vpcs) if vpcs is not None else {}).values()
            for subnet in _list(_object(vpc).get("subnets") or [])
        ]
        return tuple(sorted(found, key=lambda subnet: (subnet.availability_zone or "", subnet.id)))

    @classmethod
    def _from_wire(cls, fields: Mapping[str, Any]) -> "Subnet":
        subnet_id = _text(fields, "subnet_id")
        if subnet_id is None:
            raise BadPayload("subnet_id is missing")
        return cls(
            id=subnet_id,
            availability_zone=_text(fields, "availability_zone"),
            cidr_block=_text(fields, "subnet_cidr_block"),
            vpc_id=_text(fields, "vpc_id"),
            # What is not said to be compatible is not taken for it.
            is_compatible=fields.get("compatible") is True,
            note=_prose(fields, "note"),
            connected_account_id=_text(fields, "connected_account_id"),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The service's work on a link."""

    id: str
    status: str
    """As the service says it; see `TaskStatus` for the documented ones."""
    progress_percent: int | None
    """0 to 100; a real task may stay at 0 until its end."""
    remaining_minutes: int | None
    """None where the service has no estimate."""
    phase: str | None
    """The name of the phase in progress."""
    error: str | None
    """Why it failed, the text meant for customers first."""
    started: datetime | None = None
    """When it was made; None where that can't be read."""
    updated: datetime | None = None
    """When it last changed; None where that can't be read."""
    ended: datetime | None = None
    """None before, and where that can't be read."""

    @property
    def has_begun(self) -> bool:
        """Whether the service shows that it works on it, and does not only wait for the template's run."""
        has_changed = None not in {self.started, self.updated} and self.updated != self.started
        return bool(self.progress_percent or self.phase or has_changed)

    @classmethod
    def from_wire(cls, wire: Any) -> "Task":
        """Read a Task.

        Raises:
            BadPayload: no `id` or no `status`, or a field of the wrong kind.
        """
        fields = _object(wire)
        task_id, status = _text(fields, "id"), _text(fields, "status")
        if task_id is None or status is None:
            raise BadPayload(f"{'id' if task_id is None else 'status'} is missing")
        remaining = _whole_number(fields, "estimated_remaining_minutes")
        return cls(
            id=task_id,
            status=status,
            progress_percent=_whole_number(fields, "progress_percent"),
            remaining_minutes=remaining if remaining is not None and remaining > 0 else None,
            phase=_phase_name(fields),
            error=_task_error(fields),
            started=_helpful_moment(fields, "created"),
            updated=_helpful_moment(fields, "updated"),
            ended=_helpful_moment(fields, "end_time"),
        )


def _object(wire: Any) -> Mapping[str, Any]:
    if not isinstance(wire, dict):
        raise BadPayload(f"an object was expected, not {_kind(wire)}")
    return wire


def _list(wire: Any) -> list[Any]:
    if not isinstance(wire, list):
        raise BadPayload(f"a list was expected, not {_kind(wire)}")
    return wire


def _kind(wire: Any) -> str:
    return "nothing" if wire is None else type(wire).__name__


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    """A string; None where it is absent, null or empty (the service sends all three for "none")."""
    value = fields.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadPayload(f"{key} is {_kind(value)}, not text")
    if len(value) > _LONGEST_TEXT or not value.isprintable():
        raise BadPayload(f"{key} is no line of text")
    return value


def _prose(fields: Mapping[str, Any], key: str) -> str | None:
    """A text for people, of any length and shape; None where it is anything else."""
    value = fields.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _whole_number(fields: Mapping[str, Any], key: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) < 1e9 or value != value // 1:
        raise BadPayload(f"{key} is not a whole number")
    return int(value)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment as the service writes it; UTC where it names no zone.

    Raises:
        ValueError: not a moment.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(fields: Mapping[str, Any], key: str) -> datetime | None:
    text = _text(fields, key)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        raise BadPayload(f"{key} is not a moment in ISO 8601") from None


def _helpful_moment(fields: Mapping[str, Any], key: str) -> datetime | None:
    """As `_moment`, of a field that one can do without: None where it can't be read."""
    try:
        return _moment(fields, key)
    except BadPayload:
        return None


def _phase_name(fields: Mapping[str, Any]) -> str | None:
    """The name of the phase in progress: the task gives its id, and a list of ids and names."""
    current = fields.get("phase_in_progress")
    phases = fields.get("task_progress_phases")
    if not isinstance(phases, list):
        return None
    names = (phase.get("name") for phase in phases if isinstance(phase, dict) and phase.get("id") == current)
    return next((name for name in names if isinstance(name, str) and name), None)


def _task_error(fields: Mapping[str, Any]) -> str | None:
    keys = ("customer_error_message", "localized_error_message", "error_message")
    texts = [fields.get(key) for key in keys]
    errors = fields.get("service_errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            texts += [error.get("localized_message"), error.get("default_message")]
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)
