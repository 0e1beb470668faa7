"""A fleet from its first `up` to its `down`. Real: the engine, the command line, AWS accounts (moto)."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.labs.bad_specs import BAD_SPECS
from tests.support.fleet_command import Command, Said, environment
from tests.support.paths import REPOSITORY
from tests.support.patience import until
from vmc_labs.__main__ import main

UNLUCKY = "200000000003"
PATIENCE_SECONDS = 90.0


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "spec.yaml"
    file.write_text(
        """\
event: event
defaults: {ttl: 8h, owner: workshop}
limits: {startJitter: 1s, parallel: 3}
labs:
  - name: team-{01..03}
    awsProfile: "{name}"
    awsAccountId: "2000000000{01..03}"
"""
    )
    return file


def links(box: Sandbox) -> Mapping[str, int]:
    """How often each account's stack was made with success."""
    made: dict[str, int] = {}
    for entry in box.control.journal(call="cloudformation.CreateStack"):
        if entry.status == 200 and entry.account_number:
            made[entry.account_number] = made.get(entry.account_number, 0) + 1
    return made


def connected(box: Sandbox) -> list[str]:
    return [record.account_number for record in box.control.connected_accounts()]


@pytest.mark.engine
def test_a_fleet_goes_up_past_a_failure_and_down_again(
    labs: Command, fleet_box: Sandbox, spec: Path, tmp_path: Path
) -> None:
    control, numbers = fleet_box.control, [account.number for account in fleet_box.accounts]
    control.plan_fault(
        "aws", "cloudformation.CreateStack", "status",
        status=403, body="xml", error_code="AccessDenied", account_number=UNLUCKY,
    )  # fmt: skip

    first = labs("up", spec, "--log-dir", tmp_path / "logs")
    assert first.code == 1
    assert first.out.splitlines()[-1] == "2 linked, 1 failed"
    (line,) = (line for line in first.out.splitlines() if line.startswith("team-03 failed: "))
    assert ": creating CloudFormation Stack (SDDC-Account-Link): operation error" in line
    assert (first.out + first.err).count("AccessDenied") == 1, "each error is said once"
    # The AWS provider says it twice, with words of its libraries around it.
    log = (tmp_path / "logs" / "team-03.log").read_text()
    assert (log.count("AccessDenied"), log.count("provider=aws")) == (1, 0)
    assert "Traceback" not in first.out + first.err
    assert sorted(connected(fleet_box)) == numbers[:2]
    exchanges = len(control.journal(call="exchange-token"))
    assert exchanges == 1, "the access token is for all labs"

    control.clear_journal()
    retried = labs("up", spec, "--failed", "--json")
    assert (retried.code, [row["lab"] for row in json.loads(retried.out)]) == (0, ["team-03"])
    assert links(fleet_box) == {UNLUCKY: 1}

    control.clear_journal()
    unchanged = labs("up", spec)
    assert (unchanged.code, unchanged.out) == (0, "3 linked (3 unchanged)\n")
    assert [entry.call for entry in control.journal()] == ["list-connected-accounts"]

    shown = labs("status", spec, "--json")
    assert shown.code == 0
    assert [(row["status"], row["account"], row["note"]) for row in json.loads(shown.out)] == [
        ("linked", number, "") for number in numbers
    ]
    outputs = json.loads(labs("outputs", spec, "--format", "json").out)
    assert {lab: found["account_number"] for lab, found in outputs.items()} == dict(
        zip(["team-01", "team-02", "team-03"], numbers, strict=True)
    )
    handed = labs("outputs", spec, "--format", "env", "--only", "team-02").out.split()
    assert [Path(path).name for path in handed] == ["team-02.env"]
    assert f"ACCOUNT_NUMBER={numbers[1]}" in Path(handed[0]).read_text()
    page = labs("report", spec).out.strip()
    assert outputs["team-03"]["connected_account_id"] in Path(page).read_text()
    assert labs("plan", spec, "--expect-no-changes").code == 0
    assert labs("doctor", spec).code == 0

    control.set_account_state(numbers[0], "BROKEN")
    assert labs("status", spec).code == 1
    assert "2 nothing, 1 up" in labs("plan", spec).out
    control.set_account_state(numbers[0], "ACTIVE")

    requested = labs("down", spec)
    assert (requested.code, len(connected(fleet_box))) == (2, 3), "nobody had agreed"
    assert "pass --yes" in requested.err
    assert labs("reap", spec, "--yes").out.splitlines()[-1] == "3 nothing"
    gone = labs("down", spec, "--yes")
    assert (gone.code, gone.out.splitlines()[-1]) == (0, "3 absent")
    assert connected(fleet_box) == []
    assert labs("status", spec).code == 1
    assert_no_secret(fleet_box, tmp_path / "state")


def assert_no_secret(box: Sandbox, folder: Path) -> None:
    token = box.environment["API_TOKEN"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if token in path.read_text(errors="replace")] == []


@pytest.mark.engine
def test_a_record_that_is_gone_from_the_service_is_brought_back_at_once(
    labs: Command, fleet_box: Sandbox, spec: Path
) -> None:
    """Its link has not expired; to wait for that one again would take five minutes and bring nothing."""
    control = fleet_box.control
    assert labs("up", spec, "--only", "team-01").code == 0
    control.remove_account("200000000001")
    control.clear_journal()
    assert "200000000001 any more: a new link is requested" in labs("plan", spec, "--only", "team-01").out
    repaired = labs("up", spec, "--only", "team-01")
    assert (repaired.code, repaired.out.splitlines()[-1]) == (0, "1 linked")
    assert len(control.journal(call="request-link")) == 1
    assert not control.journal(call="cloudformation.CreateStack"), "the stack is the same"
    assert connected(fleet_box) == ["200000000001"]

    control.remove_account("200000000001")
    control.seed_account("200000000001", cf_stack_name="theirs")
    control.clear_journal()
    blocked = labs("up", spec, "--only", "team-01")
    assert blocked.code == 1
    assert (
        'linked by another CloudFormation stack, "theirs": unlink it where that was made'
        in blocked.out + blocked.err
    )
    assert [entry.call for entry in control.journal()] == ["list-connected-accounts"]


@pytest.mark.engine
def test_settings_that_were_changed_half_way_are_brought_back_by_the_old_spec(
    labs: Command, fleet_box: Sandbox, spec: Path
) -> None:
    def plan() -> Said:
        return labs("plan", spec, "--only", "team-01", "--expect-no-changes")

    assert labs("up", spec, "--only", "team-01").code == 0
    old, control = spec.read_text(), fleet_box.control
    spec.write_text(old.replace("owner: workshop}", "owner: workshop, tags: {team: blue}}"))
    assert "its settings have changed" in plan().out
    control.plan_fault(
        "aws", "cloudformation.UpdateStack", "status", status=403, body="xml", error_code="AccessDenied"
    )
    assert labs("up", spec, "--only", "team-01").code == 1
    # It counts where nothing else shows that the last run has not ended: its driver was killed.
    backend = Path(fleet_box.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    (tags,) = backend.rglob("event-team-01.pulumi-tags")
    assert "changing" in json.loads(tags.read_text())["tags"]
    spec.write_text(old)
    assert plan().code == 1
    assert labs("up", spec, "--only", "team-01").code == 0
    assert plan().code == 0
    assert "changing" not in json.loads(tags.read_text())["tags"]


@pytest.mark.engine
@pytest.mark.usefixtures("kills")
def test_the_next_up_finds_what_a_killed_driver_has_left(
    labs: Command, fleet_box: Sandbox, spec: Path, tmp_path: Path
) -> None:
    fleet_box.control.set_modes(stack_seconds=4)
    driver = subprocess.Popen(
        [sys.executable, "-m", "vmc_labs", "up", str(spec), "--log-dir", str(tmp_path / "logs")],
        cwd=REPOSITORY,
        env=environment(fleet_box, tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: links(fleet_box), patience_seconds=PATIENCE_SECONDS, otherwise="no stack was made")
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()

    again = labs("up", spec)
    assert (again.code, again.out.splitlines()[-1]) == (0, "3 linked"), again.out + again.err
    numbers = [account.number for account in fleet_box.accounts]
    assert sorted(connected(fleet_box)) == numbers
    assert links(fleet_box) == dict.fromkeys(numbers, 1), "a stack was made twice"


@pytest.mark.engine
def test_down_deletes_a_stack_whose_creation_was_not_confirmed(
    labs: Command, fleet_box: Sandbox, spec: Path
) -> None:
    fleet_box.control.plan_fault("aws", "cloudformation.CreateStack", "ok_empty", count=5)
    first = labs("up", spec, "--only", "team-01")
    assert first.code == 1
    assert "CloudFormation Stack" in first.out
    fleet_box.control.clear_faults()
    until(lambda: connected(fleet_box), patience_seconds=PATIENCE_SECONDS, otherwise="no stack was made")

    gone = labs("down", spec, "--only", "team-01", "--yes")
    assert (gone.code, gone.out.splitlines()[-1]) == (0, "1 absent"), gone.out + gone.err
    assert connected(fleet_box) == []
    assert "cloudformation.DeleteStack" in [entry.call for entry in fleet_box.control.journal()]


def unfinished(labs: Command, box: Sandbox, spec: Path) -> None:
    """team-01 after its stack was made and before its account was connected; not in the spec from now on."""
    box.control.set_modes(task_outcome="fail")
    assert labs("up", spec, "--only", "team-01").code == 1
    box.control.seed_account("200000000001", cf_stack_name="SDDC-Account-Link")
    spec.write_text(
        spec.read_text().replace("team-{01..03}", "team-{02..03}").replace("{01..03}", "{02..03}")
    )


@pytest.mark.engine
@pytest.mark.parametrize("unlinks", [True, False], ids=["unlinks", "unlinkOnDestroy false"])
def test_a_lab_that_the_spec_no_longer_names_is_unlinked(
    labs: Command,
    fleet_box: Sandbox,
    spec: Path,
    unlinks: bool,  # noqa: FBT001
) -> None:
    defaults = "{ttl: 1s, owner: workshop" + ("}" if unlinks else ", unlinkOnDestroy: false}")
    spec.write_text(spec.read_text().replace("{ttl: 8h, owner: workshop}", defaults))
    unfinished(labs, fleet_box, spec)
    reaped = labs("reap", spec, "--yes")
    assert reaped.out.splitlines()[-1] == "1 absent", reaped.out + reaped.err
    assert connected(fleet_box) == ([] if unlinks else ["200000000001"])


@pytest.mark.engine
def test_a_lab_of_another_organisation_is_not_unlinked_in_this_one(
    labs: Command, fleet_box: Sandbox, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec.write_text(spec.read_text().replace("ttl: 8h", "ttl: 1s"))
    unfinished(labs, fleet_box, spec)
    other = "00000000-0000-4000-8000-000000000000"
    monkeypatch.setenv("ORG_ID", other)
    rejected = labs("reap", spec, "--yes")
    assert rejected.code == 1
    assert f"not {other}" in rejected.out + rejected.err
    assert connected(fleet_box) == ["200000000001"]
    assert not fleet_box.control.journal(call="unlink")


@pytest.mark.parametrize("command", ["plan", "up", "status", "outputs", "down", "reap", "recover", "report"])
def test_a_wrong_spec_is_exit_code_2_and_nothing_is_touched(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, (line,) = BAD_SPECS["an unknown key"]
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "argv", ["labs", command, str(file)])
    assert main() == 2
    assert capsys.readouterr().err == f"error: {file}:{line}\n"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up"], "Missing argument 'SPEC'"),
        (["up", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
        (["rise", "spec.yaml"], "No such command 'rise'"),
        (["recover"], "Missing argument 'SPEC'"),
        (["outputs", "{spec}", "--directory", "x"], "--directory is for --format env"),
        (["up", "{spec}", "--only", "team-9*"], "--only: team-9*: there is no such lab in"),
        (["up", "{spec}", "--parallel", "0"], "0 is not in the range"),
        (["down", "{spec}", "--yes", "--only", ""], "an empty value for --only: is a variable unset?"),
        (["down", "{spec}", "--yes", "--only="], "an empty value for --only: is a variable unset?"),
        (["down", "{spec}", "--yes", "--only", ","], "--only ',': a lab's name is empty"),
        (["down", "{spec}", "--yes", "--only", "team-01,"], "--only 'team-01,': a lab's name is empty"),
        (["up", "{spec}", "--scheduler", " "], "an empty value for --scheduler: is a variable unset?"),
        (["recover", "{spec}", "--lost-host", ""], "an empty value for --lost-host: is a variable unset?"),
        (["up", ""], "an empty value: is a variable unset?"),
    ],
)
def test_a_wrong_request_is_exit_code_2(
    arguments: list[str],
    said: str,
    spec: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec.write_text(spec.read_text().replace('    awsProfile: "{name}"\n', ""))
    monkeypatch.setenv("ORG_ID", "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0")
    monkeypatch.setattr(sys, "argv", ["labs", *(a.replace("{spec}", str(spec)) for a in arguments)])
    assert main() == 2
    assert said in capsys.readouterr().err
