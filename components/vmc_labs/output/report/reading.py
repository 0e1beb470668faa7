"""(spec, states) -> what the report shows. Pure; where a lab stands is what its stack says (ADR 0009)."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.output.report.rows import EventReport, ReportRow
from vmc_labs.spec.model import FleetSpec, LabSpec
from vmc_labs.state.reader import LabState


def read_report(
    spec: FleetSpec, states: Mapping[str, LabState], *, made_at: datetime, spec_file: str
) -> EventReport:
    """Read an event's report.

    Args:
        spec: the event.
        states: Pulumi stack -> its state, of the stacks that exist.
        made_at: the moment of the look.
        spec_file: the spec's file, for the command that tries failed labs again.
    """
    seen = FleetSnapshot(states=states)
    return EventReport(
        event=spec.event,
        org_ids=tuple(dict.fromkeys(lab.service.org_id for lab in spec.labs)),
        made_at=made_at,
        rows=tuple(_row(lab, seen.find(lab).status, states.get(lab.stack)) for lab in spec.labs),
        retry=f"vmc-labs up {spec_file} --failed",
    )


def _row(lab: LabSpec, status: LabStatus, state: LabState | None) -> ReportRow:
    row = ReportRow(name=lab.name, status=status, owner=lab.owner)
    if state is None:
        return row
    return dataclasses.replace(
        row,
        phases=state.phases,
        error=state.error,
        account_number=_text(state, "account_number") or lab.aws_account_id,
        connected_account_id=_text(state, "connected_account_id"),
        stack_name=_text(state, "stack_name"),
        expires=state.expires,
    )


def _text(state: LabState, name: str) -> str | None:
    value = state.outputs.get(name)
    return value if isinstance(value, str) and value else None
