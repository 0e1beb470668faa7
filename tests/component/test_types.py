"""A wrong key or value is named at the call by mypy and by pyright, before anything runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
from vmc_account_link import AccountLink

AccountLink("right", stack_name="Lab-07", link="existing", tags={"owner": "ann"})
AccountLink("right-too", {"stack_name": "Lab-07", "sddc_type": "MultiAZ", "sddc_hosts": 6})
AccountLink("key", stack_nam="Lab-07")
AccountLink("key-too", {"stack_nam": "Lab-07"})
AccountLink("value", link="exist")
AccountLink("value-too", {"sddc_type": "1Node"})
AccountLink("type", unlink_on_destroy="yes")
"""
WRONG = {
    5: "stack_nam",
    6: "stack_nam|AccountLinkArgs",
    7: "exist",
    8: "sddc_type|AccountLinkArgs",
    9: "bool",
}
"""Line -> what its message names."""


@pytest.mark.parametrize(
    "checker",
    [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]],
    ids=["mypy", "pyright"],
)
def test_a_type_checker_names_what_is_wrong_at_the_call(checker: list[str], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    # All of pulumi_aws takes mypy minutes, and no argument has a type of it.
    stub = tmp_path / "stubs" / "pulumi_aws" / "__init__.pyi"
    stub.parent.mkdir(parents=True)
    stub.write_text("from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n")
    done = subprocess.run(
        [sys.executable, "-m", *checker, str(program)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(stub.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    messages = {
        int(line): text
        for line, text in re.findall(r"program\.py:(\d+)[:\d]*[:\s-]+error: (.*(?:\n {4,}.*)*)", done.stdout)
    }
    assert sorted(messages) == sorted(WRONG), done.stdout + done.stderr
    for line, named in WRONG.items():
        assert re.search(named, messages[line]), messages[line]
