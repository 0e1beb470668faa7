"""The bench itself, one repetition at tiny sizes: every contender runs, and its end state is looked at."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cloud import cloud
from bench.end_state import must_be_gone, must_be_linked
from bench.measure import CommandFailed

pytestmark = pytest.mark.engine


def test_a_smoke_run_answers_and_says_that_its_figures_mean_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["link", "--smoke", "--to", str(tmp_path)]) == 0
    assert "its figures mean nothing" in capsys.readouterr().out
    assert (tmp_path / "link.svg").read_text().startswith("<?xml")
    link = json.loads((tmp_path / "link.json").read_text())
    assert link["smoke"] is True
    assert {run["contender"] for run in link["runs"]} == {"script", "pulumi up --yes --skip-preview"}
    assert all(run["cost"]["cpu_seconds"] > 0.1 and run["requests"]["vmc"] >= 2 for run in link["runs"])


def test_a_contender_that_left_an_account_unlinked_is_found_out() -> None:
    with cloud() as sandbox:
        (account,) = sandbox.new_accounts(1)
        must_be_gone(sandbox, [account])
        with pytest.raises(CommandFailed, match=f"{account.number}: stacks"):
            must_be_linked(sandbox, [account], links_requested=0)
        # A record without its stack is not the end state either.
        sandbox.control.seed_account(account.number)
        with pytest.raises(CommandFailed, match=r"stacks \[\]"):
            must_be_linked(sandbox, [account], links_requested=0)
        with pytest.raises(CommandFailed, match="still linked"):
            must_be_gone(sandbox, [account])
