"""`vmc-labs doctor`: a result for each lab, shown as `vmc-account-link doctor` does."""

import json
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.fleet_command import Command

SPEC = """\
event: event
labs:
  - {name: ready, awsProfile: team-01, awsAccountId: "200000000001"}
  - {name: wrong, awsProfile: team-02, awsAccountId: "200000000009"}
  - {name: existing, awsProfile: team-02, link: existing}
  - {name: taken, awsProfile: team-03}
"""


def test_each_lab_has_a_result_and_what_to_do(labs: Command, fleet_box: Sandbox, tmp_path: Path) -> None:
    fleet_box.control.seed_account("200000000003", cf_stack_name="theirs")
    (spec := tmp_path / "spec.yaml").write_text(SPEC)
    said, text = labs("doctor", spec, "--json"), labs("doctor", spec)
    assert said.out, said.err
    found = json.loads(said.out)
    assert (said.code, text.code, found["result"]) == (1, 1, "fail")
    lines = {line["name"]: line for line in found["lines"]}
    verdicts = {name.removeprefix("lab "): line["verdict"] for name, line in lines.items()}
    assert verdicts.pop("this machine") == "pass"
    assert {verdicts.pop(name) for name in list(verdicts) if name.startswith("organisation")} == {"pass"}
    assert verdicts == {
        "secrets": "pass",
        "backend": "pass",
        "ready": "pass",
        "wrong": "fail",
        "existing": "fail",
        "taken": "fail",
    }
    assert "awsAccountId is 200000000009" in lines["lab wrong"]["found"]
    assert "existing" in lines["lab taken"]["hint"]
    for line in lines.values():
        assert line["found"] in text.out
        assert (line["hint"] is None) == (line["verdict"] == "pass")


def test_all_ready_is_exit_code_0(labs: Command, tmp_path: Path) -> None:
    (spec := tmp_path / "spec.yaml").write_text("".join(SPEC.splitlines(keepends=True)[:3]))
    said = labs("doctor", spec)
    assert (said.code, "FAIL" in said.out, "warn" in said.out) == (0, False, False)


def test_a_token_that_is_refused_hides_no_lab(
    labs: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec := tmp_path / "spec.yaml").write_text("".join(SPEC.splitlines(keepends=True)[:3]))
    monkeypatch.setenv("API_TOKEN", "a-token-that-nobody-knows")
    said = labs("doctor", spec, "--json")
    lines = {line["name"].partition(" ")[0]: line["verdict"] for line in json.loads(said.out)["lines"]}
    assert (said.code, lines["organisation"], lines["lab"]) == (1, "fail", "pass")
