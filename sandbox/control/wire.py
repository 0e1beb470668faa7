"""What the control shows, as values and as JSON."""

import dataclasses
from datetime import datetime
from typing import Any

from sandbox.journal import Entry
from sandbox.modes import Modes
from sandbox.vmc.accounts import AccountState, ConnectedAccount
from sandbox.vmc.links import Link, Task, TaskStatus


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A connected account as it is in truth, whatever the API's list shows."""

    id: str
    org_id: str
    account_number: str
    state: AccountState
    updated: datetime
    """When it became what it is now, by the sandbox's clock."""
    version: int
    """0 when first connected, one more with each change."""
    cf_stack_name: str
    role_arns: dict[str, str]
    """By logical id: RemoteRole, RemoteRolePayer, RemoteRoleService."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A requested link and what has become of it."""

    org_id: str
    tracking_task: str
    requested_at: datetime
    expiration_date: datetime
    template_url: str
    task_status: TaskStatus
    runs: int
    """How often the template's custom resource has reported for it."""


def modes_to_wire(modes: Modes) -> dict[str, Any]:
    """All modes by name."""
    return dataclasses.asdict(modes)


def modes_from_wire(wire: dict[str, Any]) -> Modes:
    """All modes, read back."""
    return Modes.from_wire(wire, Modes())


def entry_from_wire(wire: dict[str, Any]) -> Entry:
    """A journal's entry, read back."""
    return Entry(**{**wire, "at": datetime.fromisoformat(wire["at"])})


def account_to_wire(account: ConnectedAccount, org_id: str) -> dict[str, Any]:
    """The JSON of a `AccountView`."""
    return {
        "id": account.id,
        "org_id": org_id,
        "account_number": account.account_number,
        "state": account.state.value,
        "updated": account.updated_at.isoformat(),
        "version": account.version,
        "cf_stack_name": account.stack_name,
        "role_arns": dict(account.role_arns),
    }


def account_from_wire(wire: dict[str, Any]) -> AccountView:
    """A connected account, read back."""
    updated, state = datetime.fromisoformat(wire["updated"]), AccountState(wire["state"])
    return AccountView(**{**wire, "updated": updated, "state": state})


def link_to_wire(link: Link, task: Task, org_id: str) -> dict[str, Any]:
    """The JSON of a `LinkView`."""
    return {
        "org_id": org_id,
        "tracking_task": link.id,
        "requested_at": link.requested_at.isoformat(),
        "expiration_date": link.expires_at.isoformat(),
        "template_url": link.template_url,
        "task_status": task.status.value,
        "runs": len(link.runs),
    }


def link_from_wire(wire: dict[str, Any]) -> LinkView:
    """A link, read back."""
    return LinkView(
        **{
            **wire,
            "requested_at": datetime.fromisoformat(wire["requested_at"]),
            "expiration_date": datetime.fromisoformat(wire["expiration_date"]),
            "task_status": TaskStatus(wire["task_status"]),
        }
    )
