"""An event's report -> one HTML page that needs nothing else: no script, font or picture from elsewhere."""

import dataclasses
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import jinja2

from vmc_labs.output.report.rows import EventReport, ReportRow
from vmc_labs.output.report.timeline import Axis, Span, clock, duration, moments
from vmc_labs.state.reader import Phases

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("vmc_labs.output.report", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
DASH = "\N{EN DASH}"
"""Stands for what did not happen."""
PHASES = tuple(field.name for field in dataclasses.fields(Phases))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lab's row of the timeline."""

    row: ReportRow
    spans: Sequence[Span]
    end: float | None
    """Where the bar ends, in percent; None where nothing is known of it."""
    requested: str
    """A time of the day, or a dash."""
    later: Sequence[str]
    """How long after that the stack, the connection and the end came; a dash for what did not."""
    summary: str
    """The row in a sentence, for those who do not see the bar."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number at the top of the page."""

    value: str
    name: str


def render(report: EventReport) -> str:
    """Make the page; times of the day are in the zone of the report's own moment."""
    axis = Axis(row.phases for row in report.rows)
    made_at, zone = report.made_at, report.made_at.tzinfo or UTC
    return _TEMPLATES.get_template("page.html.j2").render(
        report=report,
        dash=DASH,
        day=made_at.strftime("%A, %-d %B %Y"),
        made_at=made_at,
        zone=zone_name(made_at),
        facts=_facts(report, zone),
        lanes=[_lane(row, axis, zone) for row in report.rows],
        ticks=axis.ticks(zone),
        cuts=axis.cuts(),
        zone_info=zone,
    )


def zone_name(moment: datetime) -> str:
    """`UTC`, or `UTC+01:00` as it holds at that moment."""
    offset = moment.utcoffset() or timedelta()
    if not offset:
        return "UTC"
    text = moment.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"


def _lane(row: ReportRow, axis: Axis, zone: tzinfo) -> Lane:
    known = moments(row.phases)
    first = row.phases.requested
    later = [
        clock(moment - first) if first and (moment := getattr(row.phases, name)) else DASH
        for name in PHASES[1:]
    ]
    requested = first.astimezone(zone).strftime("%H:%M:%S") if first else DASH
    later_phases = [
        f"{name} after {text}" for name, text in zip(PHASES[1:], later, strict=True) if text != DASH
    ]
    return Lane(
        row=row,
        spans=axis.spans(row.phases),
        end=axis.index(known[-1]) if known else None,
        requested=requested,
        later=later,
        summary=", ".join([row.status, *([f"requested {requested}"] if first else []), *later_phases]),
    )


def _facts(report: EventReport, zone: tzinfo) -> list[Fact]:
    """Numbers that answer the first questions: how many, when, how long."""
    rows = report.linked
    facts = [Fact(value=f"{len(rows)} of {len(report.rows)}", name="labs linked")]
    others = Counter(row.status for row in report.rows if not row.status.has_link)
    facts += [Fact(value=str(count), name=status) for status, count in others.items()]
    lengths = {
        row.name: (row.phases.ready - row.phases.requested).total_seconds()
        for row in rows
        if row.phases.requested and row.phases.ready
    }
    ends = [row.phases.ready for row in rows if row.phases.ready]
    if ends:
        facts.append(Fact(value=f"{max(ends).astimezone(zone):%H:%M}", name="last lab linked"))
    if lengths:
        middle = timedelta(seconds=statistics.median(lengths.values()))
        slowest = max(lengths, key=lambda name: lengths[name])
        facts.append(Fact(value=duration(middle), name="a lab, typically"))
        facts.append(Fact(value=duration(timedelta(seconds=lengths[slowest])), name=f"slowest: {slowest}"))
    return facts
