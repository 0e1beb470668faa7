"""The live table on terminals of several sizes, and what a fleet says once."""

from io import StringIO

import pytest

from vmc_labs.fleet.results import TEMPLATE, LabProgress
from vmc_labs.output.live_table import LiveFleet
from vmc_labs.output.terminal import Output

NAMES = [*(f"team-{number:02}" for number in range(1, 30)), "a-lab-with-a-name-that-says-all-about-it-30"]
WAIT = "waiting 1:15 for AWS account 200000000007: the task is STARTED, 40 %, and the list does not have it"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def rows(monkeypatch: pytest.MonkeyPatch, columns: int, lines: int) -> list[str]:
    """The table as a terminal of that size shows it, line by line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    monkeypatch.setenv("TERM", "dumb")
    output = Output(StringIO(), terminal := Terminal())
    live = LiveFleet(output, 40)
    for name in NAMES:
        live.emit_progress(LabProgress(lab=name, phase="connect", message=WAIT))
    output.progress.print(live._render())
    return [line.rstrip() for line in terminal.getvalue().splitlines()]


@pytest.mark.parametrize("columns", [80, 100, 130])
def test_a_labs_name_is_whole_and_its_message_gives_way(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    head, *shown, _ = rows(monkeypatch, columns, lines=60)
    assert head.split() == ["lab", "phase", "elapsed", "last", "message"]
    assert [line.split()[:3] for line in shown] == [[name, "connect", "0:00"] for name in NAMES]
    assert max(map(len, shown)) == columns
    assert all(line.endswith("\N{HORIZONTAL ELLIPSIS}") for line in shown)


def test_a_low_terminal_shows_fewer_labs_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = rows(monkeypatch, 80, lines=24)
    assert len(shown) == 1 + 20 + 1
    assert shown[-1] == "0 of 40 done, 30 in flight, 10 to come, 10 of them not shown"


def test_what_a_template_makes_is_said_once_and_where_it_differs_again() -> None:
    err = StringIO()
    with LiveFleet(Output(StringIO(), err), 3) as live:
        for lab, message in [
            ("one", "3 roles"),
            ("two", "3 roles"),
            ("three", "4 roles"),
            ("two", "3 roles"),
        ]:
            live.emit_progress(LabProgress(lab=lab, phase=TEMPLATE, message=message))
    said = [line.partition("Z ")[2] for line in err.getvalue().splitlines()]
    assert said == ["one: [template] 3 roles", "three: [template] 4 roles"]
