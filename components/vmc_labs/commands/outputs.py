"""`outputs`: what to hand out, from the stacks' states."""

import dataclasses
from collections.abc import Mapping

from vmc_labs.fleet.session import FleetSession


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The outputs of the labs that are linked."""

    labs: Mapping[str, Mapping[str, object]]
    missing: tuple[str, ...]
    """Labs that have nothing to hand out."""


def run(session: FleetSession) -> Outputs:
    """Read the outputs; secret ones are left out.

    Raises:
        CommandFailed: the backend could not be read.
    """
    states = session.fleet_reader.states(session.labs)
    linked = [lab for lab in session.labs if lab.stack in states and states[lab.stack].is_linked]
    return Outputs(
        labs={lab.name: dict(states[lab.stack].outputs) for lab in linked},
        missing=tuple(lab.name for lab in session.labs if lab not in linked),
    )
