"""What the report shows of an event, as frozen values: no secret is among them."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from vmc_labs.fleet.status import LabStatus
from vmc_labs.state.reader import Phases


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One lab."""

    name: str
    status: LabStatus
    phases: Phases = dataclasses.field(default_factory=Phases)
    error: str | None = None
    """Why it failed, in a sentence."""
    raw_error: str | None = None
    """AWS's own words, where the sentence stands for them."""
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

    @property
    def linked(self) -> Sequence[ReportRow]:
        """The labs that can be used, in their order."""
        return [row for row in self.rows if row.status.has_link]

    @property
    def failed(self) -> Sequence[ReportRow]:
        """The labs whose last run failed, in their order."""
        return [row for row in self.rows if row.status is LabStatus.FAILED]
