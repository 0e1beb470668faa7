"""The connected accounts of the emulated organization, and the SDDCs on them. No HTTP here."""

import threading
import uuid
from collections import defaultdict
from datetime import timedelta

from sandbox.clock import Clock
from sandbox.modes import ModeSwitch
from sandbox.vmc.accounts import (
    AccountState,
    Connected,
    ConnectedAccount,
    Event,
    StateChanged,
    Unlinked,
    connected_by,
    made_up_role_arns,
    record_of,
)
from sandbox.vmc.links import Run


class UnknownAccount(LookupError):
    """No connected account has this id or number."""


class SddcPresent(Exception):
    """An SDDC still uses the connected account."""


class AccountStore:
    """Every account that was ever connected; safe across server threads."""

    def __init__(self, *, org_id: str, clock: Clock, modes: ModeSwitch) -> None:
        self.org_id = org_id
        self._clock = clock
        self._modes = modes
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        self._sddcs: dict[str, str] = {}
        self._lock = threading.RLock()

    def connect(self, run: Run) -> None:
        """Take an account over from a template's run, when the run's modes say."""
        with self._lock:
            self._events[run.account_number].append(connected_by(run))

    def list_accounts(self) -> tuple[ConnectedAccount, ...]:
        """The list as a client sees it now, sorted by account number."""
        show_deleted = self._modes.current.deleted_records_listed
        return tuple(
            record
            for record in self._records(as_listed=True)
            if show_deleted or record.state is not AccountState.DELETED
        )

    def unlink(self, connected_account_id: str, *, force: bool) -> ConnectedAccount:
        """Remove an account and return its record as it was.

        Repeating it while the list still shows the account changes nothing and succeeds.

        Raises:
            UnknownAccount: nothing listed has this id, or it is deleted.
            SddcPresent: an SDDC uses it and `force` is off.
        """
        with self._lock:
            now = self._clock.now()
            for as_listed in (False, True):
                found = [
                    record
                    for record in self._records(as_listed=as_listed)
                    if record.id == connected_account_id and record.state is not AccountState.DELETED
                ]
                if found:
                    break
            else:
                raise UnknownAccount(f"no connected account has the id {connected_account_id}")
            record = found[0]
            if record.account_number in self._sddcs.values() and not force:
                raise SddcPresent(record.account_number)
            self.detach_sddcs(record.account_number)
            if not as_listed:
                gone_at = now + timedelta(seconds=self._modes.current.unlink_lag_seconds)
                self._events[record.account_number].append(Unlinked(at=now, listed_at=gone_at))
            return record

    def connected(self) -> tuple[ConnectedAccount, ...]:
        """The accounts that are connected in truth, whatever the list shows."""
        records = self._records(as_listed=False)
        return tuple(record for record in records if record.state is not AccountState.DELETED)

    def seed(
        self, account_number: str, *, stack_name: str, state: AccountState = AccountState.ACTIVE
    ) -> ConnectedAccount:
        """Connect an account at once, as if it had been linked long ago."""
        with self._lock:
            now = self._clock.now()
            seeded = Connected(
                at=now,
                listed_at=now,
                active_at=now,
                stack_name=stack_name,
                role_arns=made_up_role_arns(account_number, stack_name),
            )
            self._events[account_number].append(seeded)
            if state is not AccountState.ACTIVE:
                self.set_state(account_number, state)
            return self._account(account_number)

    def set_state(self, account_number: str, state: AccountState) -> ConnectedAccount:
        """Change the state of a connected account at once.

        Raises:
            UnknownAccount: no such account is connected.
        """
        with self._lock:
            self._account(account_number)
            now = self._clock.now()
            self._events[account_number].append(StateChanged(at=now, listed_at=now, state=state))
            return self._account(account_number)

    def remove(self, account_number: str) -> None:
        """Make an account vanish, with its SDDCs, as if it had never been connected.

        Raises:
            UnknownAccount: no such account is connected.
        """
        with self._lock:
            self._account(account_number)
            del self._events[account_number]
            self.detach_sddcs(account_number)

    def clear(self) -> None:
        """Forget all accounts and SDDCs."""
        with self._lock:
            self._events.clear()
            self._sddcs.clear()

    def attach_sddc(self, account_number: str) -> str:
        """Put an SDDC on a connected account and return the SDDC's id.

        Raises:
            UnknownAccount: no such account is connected.
        """
        with self._lock:
            self._account(account_number)
            sddc_id = str(uuid.uuid4())
            self._sddcs[sddc_id] = account_number
            return sddc_id

    def detach_sddcs(self, account_number: str | None = None) -> None:
        """Remove all SDDCs, or all of one account."""
        with self._lock:
            kept = {k: v for k, v in self._sddcs.items() if account_number not in {None, v}}
            self._sddcs = kept

    def sddcs(self) -> tuple[tuple[str, ConnectedAccount], ...]:
        """Each SDDC's id and the connected account it is on."""
        with self._lock:
            records = {record.account_number: record for record in self.connected()}
            return tuple((sddc, records[number]) for sddc, number in self._sddcs.items() if number in records)

    def _account(self, account_number: str) -> ConnectedAccount:
        events = self._events.get(account_number, [])
        record = record_of(self.org_id, account_number, events, self._clock.now(), as_listed=False)
        if record is None:
            raise UnknownAccount(f"the account {account_number} is not connected")
        return record

    def _records(self, *, as_listed: bool) -> list[ConnectedAccount]:
        with self._lock:
            now = self._clock.now()
            records = (
                record_of(self.org_id, number, events, now, as_listed=as_listed)
                for number, events in sorted(self._events.items())
            )
            return [record for record in records if record is not None]
