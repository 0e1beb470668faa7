"""`status`: how each lab is, by its state and by what the service says."""

import dataclasses
from collections.abc import Mapping

from vmc_labs.commands.plan import has_tokens
from vmc_labs.fleet.session import FleetSession, UnlistedLab
from vmc_labs.fleet.status import Finding, FleetSnapshot, LabStatus
from vmc_labs.output.terminal import status_row


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
        rows += [status_row(one.lab, _unlisted(one), one.state) for one in session.unlisted_labs()]
    return Status(rows=tuple(rows), is_as_requested=all(one.status is LabStatus.LINKED for one in found))


def _unlisted(unlisted: UnlistedLab) -> Finding:
    found = FleetSnapshot(states={unlisted.lab.stack: unlisted.state}).find(unlisted.lab)
    more = "" if found.status is LabStatus.OUTDATED else f"; {found.reason}"
    return dataclasses.replace(found, reason=f"not in the spec{more}")
