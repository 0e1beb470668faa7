"""Events that never were, for the tests of the report."""

from datetime import UTC, datetime, timedelta

from vmc_labs.fleet.status import LabStatus
from vmc_labs.output.report.reading import explain
from vmc_labs.output.report.rows import EventReport, ReportRow
from vmc_labs.state.reader import Phases

BEGIN = datetime(2026, 11, 30, 7, 12, 3, tzinfo=UTC)


def phases(start_seconds: float, *lengths: float) -> Phases:
    """The moments of a lab: asked so late, each later one so long after the one before."""
    moments = [BEGIN + timedelta(seconds=start_seconds)]
    for length in lengths:
        moments.append(moments[-1] + timedelta(seconds=length))
    return Phases(**dict(zip(("requested", "stack", "connected", "ready"), moments, strict=False)))


def row(number: int, status: LabStatus = LabStatus.LINKED, **changes: object) -> ReportRow:
    """Lab `team-NN`, linked within three minutes unless the changes say otherwise."""
    values: dict[str, object] = {
        "name": f"team-{number:02}",
        "status": status,
        "phases": phases(number // 6 * 75 + number, 43, 95, 2),
        "account_number": str(200_000_000_000 + number),
        "connected_account_id": f"{number:08x}-5ed4-3f6a-9c1b-2f0d5c7a{number:04x}",
        "stack_name": "SDDC-Account-Link",
        "owner": "workshop",
        "expires": BEGIN + timedelta(hours=9),
    }
    return ReportRow(**(values | changes))  # type: ignore[arg-type]


FAILURE = (
    "creating CloudFormation Stack (SDDC-Account-Link): operation error CloudFormation: CreateStack, https "
    "response error StatusCode: 403, RequestID: 00000000-0000-0000-0000-000000000000, api error "
    "AccessDenied: User: arn:aws:sts::200000000017:assumed-role/lab is not authorized to perform: "
    "iam:CreateRole"
)
"""As the AWS provider says it."""


def event(labs: int = 30) -> EventReport:
    """An event with a lab of every kind, and one that was mended an hour later."""
    rows = [row(number) for number in range(1, labs + 1)]
    nothing = dict.fromkeys(("account_number", "connected_account_id", "stack_name"))
    rows[-1] = row(labs, phases=phases(3600, 43, 95, 2))
    if labs >= 24:
        error, raw = explain(FAILURE)
        failed = {"error": error, "raw_error": raw, **nothing}
        rows[16] = row(17, LabStatus.FAILED, phases=phases(200, 40), **failed)
        rows[22] = row(23, LabStatus.INTERRUPTED, phases=phases(300, 40), **nothing)
        rows[23] = row(24, LabStatus.ABSENT, phases=Phases(), **nothing)
    return EventReport(
        event="reinvent-2026",
        org_ids=("5b9f5ae2-0c11-4f3c-a4a7-0e2b7d7a8c11",),
        made_at=BEGIN + timedelta(hours=2),
        rows=tuple(rows),
        retry="vmc-labs up reinvent-2026.yaml --failed",
    )
