"""A bug in a command of the package: one line, and a file with its traceback. Real: the command."""

import tempfile
from pathlib import Path

import pytest

from tests.support.cli import Command
from vmc_account_link.cli import commands


def test_a_bug_is_one_line_and_its_traceback_a_file(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(commands, "run_status", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = command("status")
    (file,) = tmp_path.glob("*.txt")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: vmc-account-link status: ZeroDivisionError: two lines. This is a bug in "
        f"vmc-account-link: please report it with the traceback in {file}.\n"
    )
    assert "in broken" in file.read_text()
