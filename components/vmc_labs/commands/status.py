"""`status`: how each lab is, by its state and by what the service says."""

import dataclasses
from collections.abc import Mapping

from vmc_labs.commands.plan import has_tokens
from vmc_labs.fleet.session import FleetSession
from vmc_labs.output.terminal import lab_state, status_row


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
        CommandFailed, VmcError: what is there could not be seen.
    """
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=has_tokens(session))
    rows, labels = [], []
    for lab in session.labs:
        state, difference = snapshot.states.get(lab.stack), snapshot.difference(lab)
        rows.append(status_row(lab.name, lab.stack, state, difference))
        labels.append(lab_state(state, difference))
    if not session.only:
        for unlisted in session.unlisted_labs():
            row = status_row(unlisted.lab.name, unlisted.lab.stack, unlisted.state, None)
            rows.append({**row, "note": f"not in the spec; {row['note']}".rstrip("; ")})
    return Status(rows=tuple(rows), is_as_requested=all(label == "linked" for label in labels))
