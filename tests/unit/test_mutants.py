"""What mutmut found, as a table. Pure."""

from tests.mutants import read_results, table

RESULTS = """\
    a.b.x_f__mutmut_1: killed
    a.b.xǁCǁg__mutmut_1: timeout
    a.b.x_f__mutmut_2: survived
    a.c.x_h__mutmut_1: no tests
    a.c.x_h__mutmut_2: segfault
    a.d.x_i__mutmut_1: not checked
"""


def test_a_mutant_counts_for_its_module_if_it_was_tried() -> None:
    head, *rows = (line.split() for line in table(read_results(RESULTS)).splitlines())
    assert head == ["killed", "timeout", "survived", "no", "tests", "other", "score"]
    assert rows == [
        ["a.b", "1", "1", "1", "0", "0", "66.7", "%"],
        ["a.c", "0", "0", "0", "1", "1", "0.0", "%"],
        ["all", "1", "1", "1", "1", "1", "40.0", "%"],
    ]


def test_a_run_that_tried_nothing_says_so() -> None:
    assert table(read_results("")).splitlines()[-1].split() == ["all", "0", "0", "0", "0", "0", "0.0", "%"]
