"""The forms that the API's model allows: optional fields that are missing or of other types. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.modes import FieldForm

_ACCOUNT_NEEDS = ("id", "account_number", "state")
_LINK_NEEDS = ("template_url",)
_TASK_NEEDS = ("id", "status")


def account_in_form(wire: Mapping[str, Any], form: FieldForm) -> dict[str, Any]:
    """An AwsCustomerConnectedAccount."""
    match form:
        case FieldForm.FEW:
            return _only(wire, _ACCOUNT_NEEDS)
        case FieldForm.NO_STATE:
            return {key: value for key, value in wire.items() if key != "state"}
        case FieldForm.STATE_IS_NUMBER:
            return {**wire, "state": 1.5}
        case FieldForm.OTHER_TYPES:
            return {
                **wire,
                "account_number": int(wire["account_number"]),
                "version": str(wire["version"]),
                "created": _milliseconds(wire["created"]),
                "updated": _milliseconds(wire["updated"]),
                "policy_payer_linked_arn": [wire["policy_payer_linked_arn"]],
                "a_key_that_nobody_knows": {"of": ["any", None]},
            }
        case FieldForm.DOCUMENTED:
            return dict(wire)


def link_in_form(wire: Mapping[str, Any], form: FieldForm) -> dict[str, Any]:
    """A LinkRequest."""
    match form:
        case FieldForm.FEW:
            return _only(wire, _LINK_NEEDS)
        case FieldForm.OTHER_TYPES:
            return {**wire, "expiration_date": _milliseconds(wire["expiration_date"]), "new": None}
        case _:
            return dict(wire)


def task_in_form(wire: Mapping[str, Any], form: FieldForm) -> dict[str, Any]:
    """A Task."""
    match form:
        case FieldForm.FEW:
            return _only(wire, _TASK_NEEDS)
        case FieldForm.OTHER_TYPES:
            return {
                **wire,
                "progress_percent": str(wire["progress_percent"]),
                "estimated_remaining_minutes": "",
                "start_time": _milliseconds(wire["start_time"]),
                "task_progress_phases": None,
                "service_errors": None,
                "params": [],
            }
        case _:
            return dict(wire)


def _only(wire: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: wire[key] for key in keys}


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
