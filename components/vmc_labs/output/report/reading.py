"""(spec, states) -> what the report shows. Pure; where a lab stands is what its stack says (ADR 0009)."""

from collections.abc import Mapping
from datetime import datetime

from vmc_labs.output.report.rows import EventReport, ReportRow, Standing
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
    return EventReport(
        event=spec.event,
        org_ids=tuple(dict.fromkeys(lab.service.org_id for lab in spec.labs)),
        made_at=made_at,
        rows=tuple(_row(lab, states.get(lab.stack)) for lab in spec.labs),
        retry=f"vmc-labs up {spec_file} --failed",
    )


def _row(lab: LabSpec, state: LabState | None) -> ReportRow:
    if state is None:
        return ReportRow(
            name=lab.name, standing=Standing.NOT_STARTED, pulumi_stack=lab.stack, owner=lab.owner
        )
    standing = _standing(state)
    is_ready = standing is Standing.READY
    return ReportRow(
        name=lab.name,
        standing=standing,
        pulumi_stack=lab.stack,
        phases=state.phases,
        error=None if is_ready else state.error,
        account_number=_text(state, "account_number") or lab.aws_account_id,
        connected_account_id=_text(state, "connected_account_id"),
        stack_name=_text(state, "stack_name"),
        owner=lab.owner,
        expires=state.expires,
    )


def _standing(state: LabState) -> Standing:
    """A failure on record counts until a success takes it away."""
    if state.error:
        return Standing.FAILED
    if state.is_linked:
        return Standing.READY
    return Standing.UNFINISHED if state.resource_count else Standing.NOT_STARTED


def _text(state: LabState, name: str) -> str | None:
    value = state.outputs.get(name)
    return value if isinstance(value, str) and value else None
