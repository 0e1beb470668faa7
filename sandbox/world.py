"""What one sandbox knows, in one place: the values that its services and its control share."""

import dataclasses
import uuid
from typing import Self

from sandbox.clock import Clock
from sandbox.csp.state import Credentials, TokenDesk
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.modes import ModeSwitch
from sandbox.vmc.state import LinkBoard


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The state of one sandbox."""

    clock: Clock
    modes: ModeSwitch
    journal: Journal
    faults: Faults
    tokens: TokenDesk
    links: LinkBoard

    @classmethod
    def new(cls) -> Self:
        """An organization with nothing in it, and credentials of its own."""
        clock, modes, org_id = Clock(), ModeSwitch(), str(uuid.uuid4())
        return cls(
            clock=clock,
            modes=modes,
            journal=Journal(),
            faults=Faults(),
            tokens=TokenDesk(Credentials.new(), org_id=org_id, clock=clock, modes=modes),
            links=LinkBoard(org_id=org_id, clock=clock, modes=modes),
        )

    def reset(self) -> None:
        """As at the start, but for the clock and the links: a stack's deletion still finds its own."""
        self.modes.reset()
        self.faults.clear()
        self.links.accounts.clear()
        self.journal.clear()
