"""The report's parts: from the states of stacks to a page. The page in a browser: test_report_in_browser."""

import dataclasses
import html
import re
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.labs.reports import BEGIN, FAILURE, event, phases, row
from tests.labs.specs import lab_spec
from vmc_account_link.errors import CommandFailed
from vmc_labs.commands import report as command
from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.output.report.page import render
from vmc_labs.output.report.reading import explain, read_report
from vmc_labs.output.report.timeline import Axis, clock, duration
from vmc_labs.spec.model import FleetSpec
from vmc_labs.state.reader import LabState, Phases, settings_digest


def state(
    *, is_linked: bool = False, resource_count: int = 3, settings: str | None = None, **tags: str
) -> LabState:
    outputs = {"account_number": "200000000001", "connected_account_id": "an-id", "stack_name": "Link"}
    return LabState(
        stack="s", tags=tags, phases=phases(0, 40, 60, 2), outputs=outputs, has_pending=False,
        unfinished=None, is_linked=is_linked, resource_count=resource_count,
        settings=settings,
    )  # fmt: skip


def spec(*names: str) -> FleetSpec:
    return FleetSpec(
        event="event", backend="", secrets_provider=None, labs=tuple(lab_spec(name) for name in names)
    )


def test_a_pause_in_which_nothing_ran_is_cut_out_of_the_axis() -> None:
    morning, mended = [phases(s, 40, 100, 2) for s in (0, 20, 50)], phases(3600, 40, 100, 2)
    axis = Axis([*morning, mended])
    assert len(axis.bursts) == 2
    (cut,) = axis.cuts()
    assert cut.label == "56 min 48 s"
    assert mended.ready is not None
    assert axis.index(mended.ready) == pytest.approx(100)
    widths = [sum(span.width for span in axis.spans(one)) for one in (morning[0], mended)]
    assert widths[0] == pytest.approx(widths[1])
    assert widths[0] > 30


def test_a_short_pause_is_drawn_as_it_was() -> None:
    axis = Axis([phases(0, 40, 100, 2), phases(200, 40, 100, 2)])
    assert (len(axis.bursts), axis.cuts()) == (1, [])


def test_a_bar_has_a_stretch_for_each_moment_that_is_known() -> None:
    axis = Axis([phases(0, 40, 100, 2)])
    assert [span.until for span in axis.spans(phases(0, 40, 100, 2))] == ["stack", "connected", "ready"]
    existing = Phases(requested=BEGIN, connected=BEGIN + timedelta(seconds=71), ready=None)
    (span,) = axis.spans(existing)
    assert (span.until, span.left) == ("connected", 0)
    assert span.width == pytest.approx(50)
    assert axis.spans(Phases()) == []


def test_clocks_that_disagree_make_no_bar_run_backwards() -> None:
    axis = Axis([phases(0, 40, -5, 10)])
    assert all(span.width >= 0 for span in axis.spans(phases(0, 40, -5, 10)))


@pytest.mark.parametrize("seconds", [3, 40, 700, 9_000, 200_000, 5_000_000])
def test_ticks_are_few_and_lie_on_the_axis(seconds: float) -> None:
    ticks = Axis([phases(0, seconds)]).ticks(UTC)
    assert len(ticks) <= 9
    assert all(0 <= tick.left <= 100 for tick in ticks)


def test_an_event_of_which_nothing_is_known_has_a_page_too() -> None:
    report = dataclasses.replace(event(), rows=(row(1, LabStatus.ABSENT, phases=Phases()),))
    assert "0 of 1" in render(report)


def test_lengths_of_time_read_well() -> None:
    lengths = [timedelta(seconds=seconds) for seconds in (0, 8, 65, 7800, 180_000)]
    assert [duration(length) for length in lengths] == ["0 s", "8 s", "1 min 5 s", "2 h 10 min", "2 d 2 h"]
    assert [clock(length) for length in lengths[:4]] == ["0:00", "0:08", "1:05", "2:10:00"]


def test_a_row_has_the_labs_status_and_a_failure_counts_until_a_success() -> None:
    fleet = spec("a", "b", "c", "d", "e", "f")
    settings = settings_digest(fleet.labs[0])
    states = {
        "event-a": state(is_linked=True, settings=settings, expires="2026-11-30T18:00:00+00:00"),
        "event-b": state(is_linked=True, settings=settings, error="the role is missing"),
        "event-c": state(),
        "event-d": state(resource_count=0),
        "event-f": state(is_linked=True, settings="other"),
    }
    report = read_report(fleet, FleetSnapshot(states=states), made_at=BEGIN, spec_file=Path("e.yaml"))
    assert [one.status for one in report.rows] == [
        LabStatus.LINKED, LabStatus.FAILED, LabStatus.NOT_LINKED, LabStatus.NOT_LINKED, LabStatus.ABSENT,
        LabStatus.OUTDATED,
    ]  # fmt: skip
    assert [one.name for one in report.linked] == ["a", "f"]
    assert report.rows[0].expires == datetime(2026, 11, 30, 18, tzinfo=UTC)
    assert (report.rows[0].error, report.rows[1].error) == (None, "the role is missing")
    assert report.rows[0].connected_account_id == "an-id"
    assert report.org_ids == ("org",)


class _Page(HTMLParser):
    """What a page loads, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = render(event())
    read = _Page(page)
    assert read.links == []
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page


def test_what_a_service_says_is_text_and_never_markup() -> None:
    hostile = row(1, LabStatus.FAILED, error='<script>alert("x")</script>', owner="<b>", name="<i>")
    page = render(dataclasses.replace(event(), rows=(hostile,), event="<u>"))
    assert "script" not in _Page(page).tags
    assert "&lt;script&gt;" in page


def test_every_lab_and_what_it_hands_out_is_on_the_page_and_no_more() -> None:
    report = event()
    page = render(report)
    for one in report.rows:
        assert page.count(f'data-lab="{one.name}"') == (2 if one.status.has_link else 1)
    for one in report.linked:
        assert one.connected_account_id is not None
        assert one.connected_account_id in page
    assert "27 of 30" in page
    assert "AWS refused to create the CloudFormation stack" in page
    assert "labs up reinvent-2026.yaml --failed" in page


ROLLED_BACK = (
    "waiting for CloudFormation Stack (arn:aws:cloudformation:us-west-2:123456789012:stack/Link/1) create: "
    "stack status (DELETE_COMPLETE): The following resource(s) failed to create: [AccountLink]."
)
EXPIRED = (
    "get identity: operation error STS: GetCallerIdentity, https response error StatusCode: 403, "
    "RequestID: 1, api error ExpiredToken: The security token has expired"
)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FAILURE, "AWS refused to create the CloudFormation stack SDDC-Account-Link (AccessDenied)."),
        (ROLLED_BACK, "CloudFormation could not create stack Link (DELETE_COMPLETE)."),
        (EXPIRED, "AWS refused GetCallerIdentity (ExpiredToken)."),
    ],
    ids=["refused", "rolled back", "another call"],
)
def test_what_aws_said_is_folded_under_a_sentence(error: str, sentence: str) -> None:
    assert explain(error) == (sentence, error)
    rows = (row(1, LabStatus.FAILED, error=sentence, raw_error=error),)
    page = html.unescape(render(dataclasses.replace(event(), rows=rows)))
    assert f"{sentence}\n" in page
    assert f"<details><summary>What AWS said</summary><code>{error}</code></details>" in page


def test_an_error_of_ours_is_a_sentence_already() -> None:
    error = (
        "list the connected accounts at https://vmc/vmc/api: 403. Check the roles of arn:aws:iam::1:role/lab"
    )
    assert explain(error) == (error, None)
    assert "<details" not in render(
        dataclasses.replace(event(), rows=(row(1, LabStatus.FAILED, error=error),))
    )
    assert explain("") == (None, None)


def test_nothing_of_the_operators_machine_is_on_the_page(tmp_path: Path) -> None:
    error = (
        "the stack is locked: file:///home/ann/states/l.json: created by ann@desk-7 (pid 12); a copy is in "
        "'~/.recovered/x', the log in /var/log/labs/a.log"
    )
    file = tmp_path / "report.html"
    snapshot = FleetSnapshot(states={"event-a": state(error=error)})
    written = command.run(
        spec("a"), snapshot, spec_file=Path("/home/ann/events/e.yaml"), file=file, made_at=BEGIN
    )
    page = written.read_text()
    assert "vmc-labs up e.yaml --failed" in page
    assert "the stack is locked: … created by … (pid 12)" in page
    assert not re.search(r"ann\b|desk-7|/home|/var|~/|\.recovered", page)


def test_times_of_the_day_are_told_in_the_zone_that_is_asked_for() -> None:
    report = event()
    zone = timezone(timedelta(hours=-8))
    page = render(dataclasses.replace(report, made_at=report.made_at.astimezone(zone)))
    assert "Monday, 30 November 2026, <span>01:12 UTC-08:00</span>" in page
    assert "23:12:04" in page


def test_the_command_replaces_an_earlier_page_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    snapshot = FleetSnapshot(states={"event-a": state(is_linked=True)})
    file = tmp_path / "out" / "report.html"
    for _ in range(2):
        written = command.run(spec("a"), snapshot, spec_file=Path("e.yaml"), file=file, made_at=BEGIN)
    assert "1 of 1" in written.read_text()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


def test_a_page_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file, snapshot = tmp_path / "file" / "r.html", FleetSnapshot(states={})
    with pytest.raises(CommandFailed, match=r"write the report to .*r\.html: .*; name another with --output"):
        command.run(spec("a"), snapshot, spec_file=Path("e.yaml"), file=file, made_at=BEGIN)
