"""The subnets of a linked account as VMware's inventory has them, and which of them an SDDC could use.

The network is moto's: what a client makes through EC2's API is what an inventory finds. No HTTP here.
"""

import dataclasses
import ipaddress
import threading
from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.modes import ModeSwitch
from sandbox.vmc.account_store import AccountStore, UnknownAccount
from sandbox.vmc.accounts import AccountState, ConnectedAccount

SMALLEST_PREFIX = 26
_UNSUPPORTED_ZONES = frozenset({"us-west-2d"})
"""Made up: VMware does not publish which zones its hosts are in."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A subnet of the customer's."""

    id: str
    name: str
    cidr: str
    vpc_id: str
    vpc_cidr: str
    zone: str
    zone_id: str

    @property
    def note(self) -> str | None:
        """Why no SDDC can use it; None: one can."""
        if self.zone in _UNSUPPORTED_ZONES:
            return "Not in a supported availability zone."
        if ipaddress.ip_network(self.cidr).prefixlen > SMALLEST_PREFIX:
            return f"The subnet must be at least /{SMALLEST_PREFIX}."
        return None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Inventory:
    taken_at: datetime
    subnets: tuple[Subnet, ...]


class SubnetStore:
    """What VMware knows of the subnets; safe across server threads."""

    def __init__(self, accounts: AccountStore, *, clock: Clock, modes: ModeSwitch) -> None:
        self._accounts = accounts
        self._clock = clock
        self._modes = modes
        self._inventories: dict[tuple[str, str], _Inventory] = {}
        self._lock = threading.Lock()

    def of_account(
        self, connected_account_id: str, region: str, *, force_refresh: bool = False
    ) -> tuple[Subnet, ...]:
        """The subnets of one region, as the last inventory found them.

        The inventory is taken when it is first requested after a link's run, or when it is forced; within
        `inventory_seconds` of a run it is empty unless forced.

        Raises:
            UnknownAccount: no connected account has this id.
        """
        account = self._connected(connected_account_id)
        now = self._clock.now()
        ready_at = account.connected_at + timedelta(seconds=self._modes.current.inventory_seconds)
        with self._lock:
            key = (account.account_number, region)
            known = self._inventories.get(key)
            if force_refresh or known is None or known.taken_at < account.connected_at:
                if now < ready_at and not force_refresh:
                    return ()
                known = _Inventory(taken_at=now, subnets=_inventory(account.account_number, region))
                self._inventories[key] = known
            return known.subnets

    def _connected(self, connected_account_id: str) -> ConnectedAccount:
        for account in self._accounts.list_accounts():
            if account.id == connected_account_id and account.state is not AccountState.DELETED:
                return account
        raise UnknownAccount(f"no connected account has the id {connected_account_id}")


def _inventory(account_number: str, region: str) -> tuple[Subnet, ...]:
    # Here and not above: moto fails to load where AWS_PROFILE names a profile that no file describes.
    from moto.ec2.models import ec2_backends  # noqa: PLC0415

    backend = ec2_backends[account_number][region]
    vpcs = {vpc.id: vpc.cidr_block for vpc in backend.describe_vpcs()}
    return tuple(
        Subnet(
            id=subnet.id,
            name=next((tag["value"] for tag in subnet.get_tags() if tag["key"] == "Name"), ""),
            cidr=subnet.cidr_block,
            vpc_id=subnet.vpc_id,
            vpc_cidr=vpcs[subnet.vpc_id],
            zone=subnet.availability_zone,
            zone_id=subnet.availability_zone_id,
        )
        for subnet in backend.describe_subnets()
    )
