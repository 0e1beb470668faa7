"""(spec, states) -> what the report shows. Pure; where a lab stands is what its stack says (ADR 0009)."""

import dataclasses
import re
from datetime import datetime
from pathlib import Path

from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.output.report.rows import EventReport, ReportRow
from vmc_labs.spec.model import FleetSpec, LabSpec
from vmc_labs.state.reader import LabState

_OF_A_MACHINE = re.compile(r"""file://\S+|(?<![\w/:.-])~?/[^\s:;,'"`)]+|\b[\w.-]+@[\w.-]+""")
"""A path, or who works where: they mean something to who ran the command, and nothing to the room."""
_FROM_AWS = (
    (
        re.compile(r"^creating CloudFormation Stack \((\S+)\): .*api error (\w+)"),
        r"AWS refused to create the CloudFormation stack \1 (\2).",
    ),
    (
        re.compile(
            r"^waiting for CloudFormation Stack \(\S*?stack/([\w-]+)\S*\) (\w+): stack status \((\w+)\)"
        ),
        r"CloudFormation could not \2 stack \1 (\3).",
    ),
    (re.compile(r"^.*operation error \w+: (\w+), .*api error (\w+)"), r"AWS refused \1 (\2)."),
)
"""How the AWS provider begins an error, and a sentence for the room."""


def explain(error: str) -> tuple[str | None, str | None]:
    """A lab's error as (a sentence, AWS's own words where they are folded under it)."""
    error = _OF_A_MACHINE.sub("\N{HORIZONTAL ELLIPSIS}", error)
    for pattern, sentence in _FROM_AWS:
        if found := pattern.match(error):
            return found.expand(sentence), error
    return error or None, None


def read_report(
    spec: FleetSpec, snapshot: FleetSnapshot, *, made_at: datetime, spec_file: Path
) -> EventReport:
    """Read an event's report.

    Args:
        spec: the event.
        snapshot: its labs.
        made_at: the moment of the look.
        spec_file: the spec's file, whose name is in the command that tries failed labs again.
    """
    return EventReport(
        event=spec.event,
        org_ids=tuple(dict.fromkeys(lab.service.org_id for lab in spec.labs)),
        made_at=made_at,
        rows=tuple(_row(lab, snapshot.find(lab).status, snapshot.states.get(lab.stack)) for lab in spec.labs),
        retry=f"vmc-labs up {spec_file.name} --failed",
    )


def _row(lab: LabSpec, status: LabStatus, state: LabState | None) -> ReportRow:
    row = ReportRow(name=lab.name, status=status, owner=lab.owner)
    if state is None:
        return row
    error, raw_error = explain(state.error or "")
    return dataclasses.replace(
        row,
        phases=state.phases,
        error=error,
        raw_error=raw_error,
        account_number=_text(state, "account_number") or lab.aws_account_id,
        connected_account_id=_text(state, "connected_account_id"),
        stack_name=_text(state, "stack_name"),
        expires=state.expires,
    )


def _text(state: LabState, name: str) -> str | None:
    value = state.outputs.get(name)
    return value if isinstance(value, str) and value else None
