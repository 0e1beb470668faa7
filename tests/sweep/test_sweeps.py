"""The cases of the sweeps: each has a name of its own, and gets to a worker as it is."""

import argparse
import pickle
from pathlib import Path

import pytest

from tests.sweep import harness
from tests.sweep.__main__ import SWEEPS, main
from tests.sweep.harness import Sweep


def cases_of(sweep: Sweep) -> list[harness.Case]:
    parser = argparse.ArgumentParser()
    harness.add_options(parser)
    sweep.add_options(parser)
    return list(sweep.cases(parser.parse_args(["folder"])))


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_each_case_has_a_name_of_its_own_and_pickles(sweep: Sweep) -> None:
    cases = cases_of(sweep)
    assert len({case.name for case in cases}) == len(cases) > 0
    assert pickle.loads(pickle.dumps(cases)) == cases  # noqa: S301 - our own
    assert any(not case.needs_link for case in cases)


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_the_command_lists_the_cases_of_a_sweep(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([sweep.name, str(tmp_path), "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [case.name for case in cases_of(sweep)]
