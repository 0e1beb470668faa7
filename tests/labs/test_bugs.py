"""A bug in the fleet: one line, the traceback in a file, no secret in either. Real: the command."""

import os
import re
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.fleet_command import fleet_command
from vmc_labs.__main__ import main
from vmc_labs.fleet import lab
from vmc_labs.fleet.session import FleetSession

TOKEN = "planted-token-0123456789"
SPEC = """\
event: event
labs:
  - name: team-{01..02}
    awsAccountId: "2000000000{01..02}"
"""


def broken(*_: object, **__: object) -> None:
    raise KeyError(f"planted {os.environ['MY_VMC']}")


def assert_is_report(text: str, token: str = TOKEN) -> None:
    assert "Traceback (most recent call last)" in text
    assert "in broken" in text
    assert "KeyError: 'planted [secret]'" in text
    assert token not in text


def test_a_bug_in_a_command_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(FleetSession, "open", broken)
    monkeypatch.setenv("MY_VMC", TOKEN)
    monkeypatch.setenv("API_TOKEN", TOKEN)
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.setattr(sys, "argv", ["labs", "status", str(tmp_path / "spec.yaml")])
    assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: vmc-labs status: KeyError: 'planted [secret]'. This is a bug")
    (file,) = tmp_path.glob("*.txt")
    assert line.endswith(f"with the traceback in {file}.")
    assert_is_report(file.read_text())


def test_a_bug_in_a_lab_is_its_line_and_ends_no_other(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The token is in a variable whose name does not say so."""
    (tmp_path / "spec.yaml").write_text(SPEC + "vmc: {tokenVariable: MY_VMC}\n")
    labs = fleet_command(box, tmp_path, monkeypatch, capsys)
    token = box.environment["API_TOKEN"]
    monkeypatch.setenv("MY_VMC", token)
    monkeypatch.setattr(lab._Lab, "run", broken)
    said = labs("up", tmp_path / "spec.yaml", "--log-dir", tmp_path / "logs")
    assert (said.code, said.out.splitlines()[-1:]) == (1, ["2 failed"]), said.err
    assert "Traceback" not in said.out + said.err
    for name in ("team-01", "team-02"):
        log = tmp_path / "logs" / f"{name}.log"
        (line,) = (line for line in said.out.splitlines() if line.startswith(f"{name} failed: "))
        assert f"up lab {name}: KeyError: 'planted [secret]'. This is a bug" in line
        assert line.endswith(f"with the traceback in {log}.")
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert_is_report(re.sub(r"^\S+Z ", "", log.read_text(), flags=re.MULTILINE), token)
