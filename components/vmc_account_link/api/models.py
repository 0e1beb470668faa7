"""The service's answers as frozen values: a field that can't be read is unknown, and named in `unread`.

Source: the VMC API document (LinkRequest, AwsCustomerConnectedAccount, Task), in which almost every field is
optional. Only what a value is nothing without is required here: a link's template URL, and a list that is a
list. What a decision can't do without, the decision asks for.
"""

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from vmc_account_link.errors import SecretText

_LONGEST_TEXT = 8192
"""Of an id, a name or a URL; a signed URL has some two thousand characters."""


class BadPayload(ValueError):
    """A field that we need is missing or of the wrong kind; the text names it, without its value."""


class Fields:
    """The fields of one object of an answer; what can't be read is noted."""

    def __init__(self, wire: Any) -> None:
        """Take an object.

        Raises:
            BadPayload: it is none.
        """
        self._fields = _object(wire)
        self._unread: dict[str, str] = {}

    @property
    def unread(self) -> tuple[str, ...]:
        """The fields so far that are there and can't be read: `state is int, not text`."""
        return tuple(f"{key} is {found}" for key, found in self._unread.items())

    def raw(self, key: str) -> Any:
        """The value as it came."""
        return self._fields.get(key)

    def text(self, key: str) -> str | None:
        """A line of text, or a number's digits; None where it is absent, null, empty, or can't be read."""
        value = self._fields.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(int(value)) if _is_whole(value) else None
        if not isinstance(value, str):
            self._unread[key] = f"{_kind(self._fields[key])}, not text"
            return None
        if len(value) > _LONGEST_TEXT or not value.isprintable():
            self._unread[key] = "not one line of text"
            return None
        return value

    def required_text(self, key: str) -> str:
        """As `text`.

        Raises:
            BadPayload: there is none, or it can't be read.
        """
        value = self.text(key)
        if value is None or not isinstance(self._fields[key], str):
            found = "missing" if value is None else f"{_kind(self._fields[key])}, not text"
            raise BadPayload(f"{key} is {self._unread.get(key, found)}")
        return value

    def account_number(self, key: str) -> str | None:
        """An AWS account as its 12 digits: as a number it may have lost its first ones."""
        text = self.text(key)
        digits = re.sub(r"[\s-]", "", text or "")
        if text is None or re.fullmatch(r"[0-9]{1,12}", digits) is None:
            return text
        return digits.zfill(12)

    def whole_number(self, key: str) -> int | None:
        """A whole number, also as text; None where it is absent or can't be read."""
        value = self._fields.get(key)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}(\.0+)?", value.strip(), re.ASCII):
            value = float(value)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_whole(value):
            self._unread[key] = "not a whole number"
            return None
        return int(value)

    def moment(self, key: str) -> datetime | None:
        """ISO 8601, or seconds or milliseconds since 1970; None where it is absent or can't be read."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return (
                _moment_of_number(text)
                if re.fullmatch(r"[0-9]{9,13}", text, re.ASCII)
                else parse_moment(text)
            )
        except (ValueError, OverflowError, OSError):
            self._unread[key] = "not a moment in ISO 8601"
            return None


def _is_whole(value: float) -> bool:
    return abs(value) < 1e15 and value == value // 1


def _moment_of_number(digits: str) -> datetime:
    """Jackson writes a date so where it is not told otherwise: VMware's service is in Java."""
    number = int(digits)
    return datetime.fromtimestamp(number / 1000 if number >= 1e11 else number, UTC)


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

    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @classmethod
    def from_wire(cls, wire: Any) -> "Link":
        """Read a LinkRequest.

        Raises:
            BadPayload: no `template_url` that can be read.
        """
        fields = Fields(wire)
        return cls(
            template_url=SecretText(fields.required_text("template_url")),
            template_execution_url=fields.text("template_execution_url"),
            expiration_date=fields.moment("expiration_date"),
            tracking_task=fields.text("tracking_task"),
            unread=fields.unread,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """A connected account: what the organisation knows of an AWS account."""

    id: str
    """The record's id (a UUID), which unlinking and SDDC creation want; not the AWS account number. Empty
    where it can't be read."""
    account_number: str | None
    """12 digits."""
    cf_stack_name: str | None
    """The CloudFormation stack that ran last for this account."""
    state: str | None
    """As the service says it; see `AccountState` for the documented ones. None where it can't be read."""
    role_arns: tuple[str, ...] = ()
    """The IAM roles in the AWS account that the service assumes."""
    version: int | None = None
    """One more with each change of the record."""
    updated: str | None = None
    """When it last changed, as the service writes it."""
    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @property
    def is_active(self) -> bool:
        """Whether the service says that the account is connected."""
        return self.state == AccountState.ACTIVE

    @property
    def revision(self) -> str:
        """What tells this version of the record from a later one, where `shows_changes`."""
        return f"{self.id} version {self.version} of {self.updated}"

    @property
    def shows_changes(self) -> bool:
        """Whether the record says by which a later version of it would differ."""
        return self.version is not None or self.updated is not None

    @classmethod
    def from_wire(cls, wire: Any) -> "AccountRecord":
        """Read an AwsCustomerConnectedAccount.

        Raises:
            BadPayload: it is no object.
        """
        fields = Fields(wire)
        state = fields.text("state")
        return cls(
            id=fields.text("id") or "",
            account_number=fields.account_number("account_number"),
            cf_stack_name=fields.text("cf_stack_name"),
            state=state.upper() if state else None,
            role_arns=tuple(arn for key in _ROLE_KEYS if (arn := fields.text(key)) is not None),
            version=fields.whole_number("version"),
            updated=fields.text("updated"),
            unread=fields.unread,
        )

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[AccountRecord, ...]":
        """Read the list of connected accounts; an entry that is no object is none of ours.

        Raises:
            BadPayload: not a list.
        """
        return tuple(cls.from_wire(record) for record in _list(wire) if isinstance(record, dict))


_ROLE_KEYS = ("policy_payer_arn", "policy_payer_linked_arn", "policy_service_arn")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation that a token sees."""

    id: str
    """Its long id."""
    name: str | None
    """As people see it."""
    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[Organisation, ...]":
        """Read a list of Organization; one that is deleted, or without an id, is none.

        Raises:
            BadPayload: not a list.
        """
        found = (Fields(one) for one in _list(wire) if isinstance(one, dict))
        return tuple(
            cls(
                id=fields.required_text("id"),
                name=fields.text("display_name") or fields.text("name"),
                unread=fields.unread,
            )
            for fields in found
            if fields.text("id") and fields.raw("project_state") != "DELETED"
        )


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

    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[SddcConnection, ...]":
        """Read a list of AwsSddcConnection; of an entry that is no object nothing is known.

        Raises:
            BadPayload: not a list.
        """
        return tuple(cls._from_wire(one if isinstance(one, dict) else {}) for one in _list(wire))

    @classmethod
    def _from_wire(cls, wire: Mapping[str, Any]) -> "SddcConnection":
        fields = Fields(wire)
        state = fields.text("state")
        return cls(
            id=fields.text("id") or "",
            sddc_id=fields.text("sddc_id"),
            connected_account_id=fields.text("connected_account_id"),
            vpc_id=fields.text("vpc_id"),
            subnet_id=fields.text("subnet_id"),
            availability_zone=fields.text("subnet_availability_zone"),
            state=state.upper() if state else None,
            unread=fields.unread,
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

    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @classmethod
    def list_from_wire(cls, wire: Any) -> "tuple[Subnet, ...]":
        """Read the subnets of all VPCs in an AwsCompatibleSubnets; one without an id can't be chosen.

        Raises:
            BadPayload: not an object, or its `vpc_map` is none.
        """
        vpcs = _object(wire).get("vpc_map")
        if not isinstance(vpcs, dict | None):
            raise BadPayload(f"vpc_map is {_kind(vpcs)}, not an object")
        found = [
            cls._from_wire(subnet)
            for vpc in _values(vpcs)
            for subnet in _values(vpc.get("subnets"))
            if Fields(subnet).text("subnet_id")
        ]
        return tuple(sorted(found, key=lambda subnet: (subnet.availability_zone or "", subnet.id)))

    @classmethod
    def _from_wire(cls, wire: Mapping[str, Any]) -> "Subnet":
        fields = Fields(wire)
        return cls(
            id=fields.required_text("subnet_id"),
            availability_zone=fields.text("availability_zone"),
            cidr_block=fields.text("subnet_cidr_block"),
            vpc_id=fields.text("vpc_id"),
            # What is not said to be compatible is not taken for it.
            is_compatible=wire.get("compatible") is True,
            note=_prose(wire, "note"),
            connected_account_id=fields.text("connected_account_id"),
            unread=fields.unread,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The service's work on a link."""

    id: str
    status: str | None
    """As the service says it; see `TaskStatus` for the documented ones. None where it can't be read."""
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
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in {TaskStatus.FINISHED, TaskStatus.FAILED, TaskStatus.CANCELED}

    @property
    def has_begun(self) -> bool:
        """Whether the service shows that it works on it, and does not only wait for the template's run."""
        has_changed = None not in {self.started, self.updated} and self.updated != self.started
        return bool(self.progress_percent or self.phase or has_changed)

    unread: tuple[str, ...] = ()
    """The fields that can't be read."""

    @classmethod
    def from_wire(cls, wire: Any) -> "Task":
        """Read a Task.

        Raises:
            BadPayload: it is no object.
        """
        fields = Fields(wire)
        status = fields.text("status")
        remaining = fields.whole_number("estimated_remaining_minutes")
        return cls(
            id=fields.text("id") or "",
            status=status.upper() if status else None,
            progress_percent=fields.whole_number("progress_percent"),
            remaining_minutes=remaining if remaining is not None and remaining > 0 else None,
            phase=_phase_name(_object(wire)),
            error=_task_error(_object(wire)),
            unread=fields.unread,
            started=fields.moment("created"),
            updated=fields.moment("updated"),
            ended=fields.moment("end_time"),
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


def _values(wire: Any) -> list[Mapping[str, Any]]:
    """The objects in an object or a list; nothing in anything else."""
    values = wire.values() if isinstance(wire, dict) else wire if isinstance(wire, list) else ()
    return [value for value in values if isinstance(value, dict)]


def _prose(fields: Mapping[str, Any], key: str) -> str | None:
    """A text for people, of any length and shape; None where it is anything else."""
    value = fields.get(key)
    return value if isinstance(value, str) and value.strip() else None


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment as the service writes it; UTC where it names no zone.

    Raises:
        ValueError: not a moment.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
