"""What one sandbox knows, in one place: the values that its services and its control share."""

import dataclasses
import uuid
from typing import Self

from sandbox.clock import Clock
from sandbox.csp.state import Credentials, TokenService
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.modes import ModeSwitch
from sandbox.vmc.organizations import Organization, Organizations
from sandbox.vmc.state import LinkStore


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The state of one sandbox."""

    clock: Clock
    modes: ModeSwitch
    journal: Journal
    faults: Faults
    organizations: Organizations

    @classmethod
    def new(cls, *, organizations: int = 1) -> Self:
        """So many organizations with nothing in them, each with credentials of its own."""
        clock, modes = Clock(), ModeSwitch()
        members = tuple(_organization(clock, modes) for _ in range(organizations))
        return cls(
            clock=clock,
            modes=modes,
            journal=Journal(),
            faults=Faults(),
            organizations=Organizations(members),
        )

    @property
    def links(self) -> LinkStore:
        """The first organization's links and accounts."""
        return self.organizations.first.links

    @property
    def tokens(self) -> TokenService:
        """The first organization's tokens."""
        return self.organizations.first.tokens

    def reset(self) -> None:
        """As at the start, but for the clock and the links: a stack's deletion still finds its own."""
        self.modes.reset()
        self.faults.clear()
        for organization in self.organizations:
            organization.links.accounts.clear()
        self.journal.clear()


def _organization(clock: Clock, modes: ModeSwitch) -> Organization:
    org_id = str(uuid.uuid4())
    return Organization(
        links=LinkStore(org_id=org_id, clock=clock, modes=modes),
        tokens=TokenService(Credentials.new(), org_id=org_id, clock=clock, modes=modes),
    )
