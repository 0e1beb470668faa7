"""The control of a running sandbox, typed: what tests hold in their hand."""

from datetime import datetime
from typing import Any, Self

import requests

from sandbox.control import wire
from sandbox.control.wire import AccountView, LinkView
from sandbox.faults import FaultKind, PlannedFault
from sandbox.journal import Entry
from sandbox.modes import Modes
from sandbox.vmc.accounts import AccountState

_TIMEOUT_SECONDS = 10.0


class ControlRefused(ValueError):
    """The sandbox can't do what was asked; the text is its reason."""


class SandboxControl:
    """One running sandbox, by the URL of its VMC server.

    Every method raises `ControlRefused` for a request that makes no sense.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/sandbox"
        self._session = requests.Session()
        # The sandbox is on this machine: no proxy, no netrc.
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset(self) -> None:
        """Back to the start: modes, faults, accounts, SDDCs, journal; the clock and the links stay."""
        self._call("DELETE", "")

    def journal(self, *, service: str | None = None, call: str | None = None) -> tuple[Entry, ...]:
        """What was asked since the last `clear_journal`, oldest first; of one service or call if given."""
        entries = (wire.entry_from_wire(entry) for entry in self._call("GET", "/journal"))
        return tuple(e for e in entries if service in {None, e.service} and call in {None, e.call})

    def clear_journal(self) -> None:
        """Forget the journal's entries."""
        self._call("DELETE", "/journal")

    def modes(self) -> Modes:
        """The modes in force."""
        return wire.modes_from_wire(self._call("GET", "/modes"))

    def set_modes(self, **changes: Any) -> Modes:
        """Change the named modes (fields of `Modes`) and return all."""
        return wire.modes_from_wire(self._call("PATCH", "/modes", changes))

    def reset_modes(self) -> Modes:
        """Back to the default modes; nothing else changes."""
        return wire.modes_from_wire(self._call("DELETE", "/modes"))

    def now(self) -> datetime:
        """The sandbox's moment, in UTC."""
        return datetime.fromisoformat(self._call("GET", "/clock")["now"])

    def advance(self, seconds: float) -> datetime:
        """Move the sandbox's clock and return the new moment."""
        return datetime.fromisoformat(self._call("POST", "/clock", {"seconds": seconds})["now"])

    def plan_fault(self, service: str, call: str, kind: FaultKind | str, **fields: Any) -> PlannedFault:
        """Plan a fault; `fields` are the others of `PlannedFault`."""
        planned = {"service": service, "call": call, "kind": kind, **fields}
        return PlannedFault.from_wire(self._call("POST", "/faults", planned))

    def faults(self) -> tuple[PlannedFault, ...]:
        """The faults that can still take effect."""
        return tuple(PlannedFault.from_wire(fault) for fault in self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Forget the planned faults."""
        self._call("DELETE", "/faults")

    def organizations(self) -> tuple[str, ...]:
        """The ids of all organizations, the first one (`ORG_ID`) first."""
        return tuple(self._call("GET", "/organizations"))

    def attach_sddc(self, account_number: str, *, org_id: str | None = None) -> str:
        """Put an SDDC on an account that an organization (None: the first) has; return the SDDC's id."""
        body = {"account_number": account_number, "org_id": org_id}
        return str(self._call("POST", "/sddcs", body)["id"])

    def detach_sddcs(self, account_number: str | None = None) -> None:
        """Remove all SDDCs, or those of one account."""
        self._call("DELETE", "/sddcs", query={"account_number": account_number})

    def connected_accounts(self) -> tuple[AccountView, ...]:
        """The accounts that are connected in truth, of every organization, whatever its list shows."""
        return tuple(wire.account_from_wire(account) for account in self._call("GET", "/connected-accounts"))

    def seed_account(
        self,
        account_number: str,
        *,
        cf_stack_name: str = "SDDC-Account-Link",
        state: AccountState | str = AccountState.ACTIVE,
        org_id: str | None = None,
    ) -> AccountView:
        """Connect an account to an organization (None: the first) as if it had been linked long ago."""
        body = {
            "account_number": account_number,
            "cf_stack_name": cf_stack_name,
            "state": state,
            "org_id": org_id,
        }
        return wire.account_from_wire(self._call("POST", "/connected-accounts", body))

    def set_account_state(self, account_number: str, state: AccountState | str) -> AccountView:
        """Change a connected account's state at once."""
        body = {"account_number": account_number, "state": state}
        return wire.account_from_wire(self._call("POST", "/connected-accounts", body))

    def remove_account(self, account_number: str) -> None:
        """Make an account vanish without the API having been asked."""
        self._call("DELETE", "/connected-accounts", query={"account_number": account_number})

    def links(self) -> tuple[LinkView, ...]:
        """Every link that was requested, the oldest first."""
        return tuple(wire.link_from_wire(link) for link in self._call("GET", "/links"))

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str | None] | None = None,
    ) -> Any:
        answer = self._session.request(
            method, self._url + path, json=body, params=query, timeout=_TIMEOUT_SECONDS
        )
        if answer.status_code == 400:
            raise ControlRefused(answer.json()["error"])
        answer.raise_for_status()
        return answer.json()
