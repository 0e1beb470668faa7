"""The guards' own rules, and that the table fits the code. Pure, but for reading the files that it names."""

import re

import pytest

from tests.guards.mutant import Change, Guard, Verdict, WrongTable, changed, not_passed, reason, verdict
from tests.guards.report import Line, table, totals
from tests.guards.table import GUARDS
from tests.support.places import REPOSITORY

TEST = "a.py::test_b"
FAILED = (
    "F.\n=== short test summary info ===\nPASSED a.py::test_b[z]\nFAILED a.py::test_b[x - y] - [1] == 2\n"
)
PASSED = "..\n=== short test summary info ===\nPASSED a.py::test_b[z]\nPASSED a.py::test_bc\n"
BROKEN = "E\n=== short test summary info ===\nERROR a.py::test_b - OSError\n1 error in 0.1s\n"


def test_a_change_is_made_where_its_words_stand_once() -> None:
    assert changed("if a:\n    b()\n", Change(file="f", find="if a:", replacement="if c:")) == (
        "if c:\n    b()\n"
    )


@pytest.mark.parametrize("text", ["", "a a"], ids=["nowhere", "twice"])
def test_a_change_whose_words_stand_nowhere_or_twice_is_a_wrong_table(text: str) -> None:
    with pytest.raises(WrongTable, match=f"f: {text.count('a')} times instead of once: 'a'"):
        changed(text, Change(file="f", find="a", replacement="b"))


def test_a_change_that_changes_nothing_is_a_wrong_table() -> None:
    with pytest.raises(WrongTable, match="the same"):
        changed("a", Change(file="f", find="a", replacement="a"))


@pytest.mark.parametrize(
    ("exit_code", "summary", "expected"),
    [
        pytest.param(1, FAILED, Verdict.SEEN_TO_FAIL, id="with one of its parameters it failed"),
        pytest.param(0, PASSED, Verdict.STILL_PASSES, id="it passed"),
        pytest.param(1, f"{PASSED}FAILED a.py::test_bc - x\n", Verdict.STILL_PASSES, id="another failed"),
        pytest.param(0, "PASSED a.py::test_bc\n", Verdict.NO_ANSWER, id="it did not run"),
        pytest.param(1, BROKEN, Verdict.NO_ANSWER, id="its fixture failed"),
        pytest.param(1, f"FAILED {TEST} - Failed: Timeout (>9.0s)\n", Verdict.NO_ANSWER, id="it hung"),
        pytest.param(2, FAILED, Verdict.NO_ANSWER, id="interrupted, or a module that can't be imported"),
        pytest.param(3, "", Verdict.NO_ANSWER, id="pytest itself failed"),
        pytest.param(4, "ERROR: not found: a.py::test_b", Verdict.NO_ANSWER, id="no such test"),
        pytest.param(5, "1 deselected", Verdict.NO_ANSWER, id="no tests at all"),
        pytest.param(-9, FAILED, Verdict.NO_ANSWER, id="killed"),
    ],
)
def test_only_a_test_that_ran_and_failed_counts(exit_code: int, summary: str, expected: Verdict) -> None:
    assert verdict(TEST, exit_code, summary) is expected


def test_the_reason_is_what_the_test_said_or_the_last_that_pytest_did() -> None:
    assert reason(TEST, FAILED) == reason(f"{TEST}[x - y]", FAILED) == "[1] == 2"
    assert reason(TEST, PASSED) == ""
    assert reason(TEST, "a\nERROR: not found: a.py::test_c\n\n") == "ERROR: not found: a.py::test_c"
    assert reason(TEST, "") == ""


def test_what_did_not_pass_is_known_by_its_id() -> None:
    assert not_passed(FAILED + BROKEN + PASSED) == (f"{TEST}[x - y]", TEST)


def line(judged: Verdict, behaviour: str = "It is so.", said: str = "") -> Line:
    return Line(behaviour=behaviour, files=("f.py",), test="t.py::t", verdict=judged, said=said, seconds=1.0)


def test_the_table_names_what_was_taken_out_and_who_noticed() -> None:
    lines = [
        line(Verdict.SEEN_TO_FAIL, said="assert 1 == 2"),
        line(Verdict.STILL_PASSES),
        line(Verdict.NO_ANSWER, "Or so."),
    ]
    shown = table(lines)
    assert shown.splitlines()[:4] == [
        "It is so.",
        "  without it, in f.py:",
        "  seen to fail   1.0 s  t.py::t",
        f"{'':23}assert 1 == 2",
    ]
    assert totals(lines) == "2 behaviours taken out: 1 tests seen to fail, 1 STILL PASSES, 1 NO ANSWER"
    assert totals(lines) in shown


@pytest.mark.parametrize("one", GUARDS, ids=[one.behaviour for one in GUARDS])
def test_each_guard_fits_the_code_and_names_tests_that_there_are(one: Guard) -> None:
    texts = {change.file: (REPOSITORY / change.file).read_text() for change in one.without}
    for change in one.without:
        texts[change.file] = changed(texts[change.file], change)
        assert not change.file.startswith("tests/"), "a behaviour is the program's, not its tests'"
    assert one.tests
    for test in one.tests:
        file, name = re.fullmatch(r"([\w/]+\.py)::(\w+)(?:\[.*\])?", test).groups()  # type: ignore[union-attr]
        assert f"\ndef {name}(" in (REPOSITORY / file).read_text(), test
    assert one.behaviour.endswith(".")


def test_no_behaviour_is_there_twice() -> None:
    assert len({one.behaviour for one in GUARDS}) == len(GUARDS)
