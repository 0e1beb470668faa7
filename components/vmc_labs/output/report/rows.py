"""What the report shows of an event, as frozen values: no secret is among them."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from vmc_labs.state.reader import Phases


class Standing(StrEnum):
    """How a lab stands."""

    READY = "ready"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    """Begun, with neither an end nor an error on record: it is running, or was interrupted."""
    NOT_STARTED = "not started"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One lab."""

    name: str
    standing: Standing
    pulumi_stack: str
    phases: Phases = dataclasses.field(default_factory=Phases)
    error: str | None = None
    """Why it failed, in one line."""
    account_number: str | None = None
    """12 digits."""
    connected_account_id: str | None = None
    """The service's id, which SDDC creation asks for."""
    stack_name: str | None = None
    """CloudFormation's."""
    owner: str | None = None
    expires: datetime | None = None
    """From when on `reap` may take it down; UTC."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """One event at one moment."""

    event: str
    org_ids: tuple[str, ...]
    made_at: datetime
    rows: tuple[ReportRow, ...]
    """In the spec's order."""
    retry: str
    """The command that tries the failed labs again."""

    def of(self, *standings: Standing) -> Sequence[ReportRow]:
        """The rows that stand so, in their order."""
        return [row for row in self.rows if row.standing in standings]
