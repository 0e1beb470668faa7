"""`status`: how each lab is, by its state and by what the service says."""

import dataclasses
from collections.abc import Mapping

from vmc_labs.commands.plan import has_tokens
from vmc_labs.fleet.session import FleetSession
from vmc_labs.fleet.status import Finding, FleetSnapshot, LabStatus
from vmc_labs.output.terminal import status_row
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.reader import LabState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the labs are."""

    rows: tuple[Mapping[str, object], ...]
    """One for each lab, as shown."""
    is_as_requested: bool
    """Whether every lab of the spec is linked."""


def run(session: FleetSession) -> Status:
    """Look at every lab; stacks of the event that the spec does not name are shown too.

    Raises:
        CommandFailed, VmcError: what is there could not be snapshot.
    """
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=has_tokens(session))
    found = [snapshot.find(lab) for lab in session.labs]
    labs = zip(session.labs, found, strict=True)
    rows = [status_row(lab, one, snapshot.states.get(lab.stack)) for lab, one in labs]
    if not session.only:
        rows += [status_row(lab, _unlisted(lab, state), state) for lab, state in session.unlisted_labs()]
    return Status(rows=tuple(rows), is_as_requested=all(one.status is LabStatus.LINKED for one in found))


def _unlisted(lab: LabSpec, state: LabState) -> Finding:
    found = FleetSnapshot(states={lab.stack: state}).find(lab)
    more = "" if found.status is LabStatus.OUTDATED else f"; {found.reason}"
    return dataclasses.replace(found, reason=f"not in the spec{more}")
