"""Connected accounts. Pure: a record is folded from what happened to its account, and when."""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sandbox.vmc.links import Run

ROLE_NAMES = ("RemoteRole", "RemoteRolePayer", "RemoteRoleService")


class AccountState(StrEnum):
    """The API's states of a connected account."""

    ACTIVE = "ACTIVE"
    BROKEN = "BROKEN"
    DELETED = "DELETED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """VMware took the account over from a template's run, or a test seeded it."""

    at: datetime
    listed_at: datetime
    active_at: datetime | None
    """Until then it is BROKEN; None: for ever."""
    stack_name: str
    role_arns: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """A test set the state."""

    at: datetime
    listed_at: datetime
    state: AccountState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """The account was removed through the API."""

    at: datetime
    listed_at: datetime
    """When the list stops showing it as before."""


Event = Connected | StateChanged | Unlinked


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedAccount:
    """A record as it is at one moment."""

    id: str
    account_number: str
    state: AccountState
    version: int
    created_at: datetime
    updated_at: datetime
    connected_at: datetime
    """When a template last ran for it."""
    stack_name: str
    role_arns: Mapping[str, str]


def id_of(org_id: str, account_number: str) -> str:
    """The record's id: name-based, as VMware's look, so that linking again keeps it."""
    return str(uuid.uuid3(uuid.UUID(org_id), account_number))


def connected_by(run: Run) -> Connected:
    """What a template's run makes of its account."""
    modes = run.modes
    at = run.ends_at
    broken = modes.broken_seconds
    return Connected(
        at=at,
        listed_at=at + timedelta(seconds=modes.list_lag_seconds),
        active_at=None if broken < 0 else at + timedelta(seconds=broken),
        stack_name=run.stack_name,
        role_arns=run.role_arns,
    )


def made_up_role_arns(account_number: str, stack_name: str) -> dict[str, str]:
    """Role ARNs for an account whose stack does not exist."""
    prefix = f"arn:aws:iam::{account_number}:role/{stack_name[:36]}"
    return {name: f"{prefix}-{name}-SEEDED" for name in ROLE_NAMES}


def record_of(
    org_id: str, account_number: str, events: Iterable[Event], now: datetime, *, as_listed: bool
) -> ConnectedAccount | None:
    """The account's record at `now`, as it is or (later, by the lags) as the list shows it.

    None before its first connection shows. An unlinked account is a record in state DELETED.
    """
    record: ConnectedAccount | None = None
    for event in sorted(events, key=lambda event: event.at):
        if (event.listed_at if as_listed else event.at) > now:
            continue
        if isinstance(event, Connected):
            record = ConnectedAccount(
                id=id_of(org_id, account_number),
                account_number=account_number,
                state=_state_of(event, now),
                version=record.version + 1 if record else 0,
                created_at=record.created_at if record else event.at,
                updated_at=event.at,
                connected_at=event.at,
                stack_name=event.stack_name,
                role_arns=event.role_arns,
            )
        elif record is not None:
            state = event.state if isinstance(event, StateChanged) else AccountState.DELETED
            record = dataclasses.replace(record, state=state, version=record.version + 1, updated_at=event.at)
    return record


def _state_of(event: Connected, now: datetime) -> AccountState:
    if event.active_at is None or now < event.active_at:
        return AccountState.BROKEN
    return AccountState.ACTIVE
