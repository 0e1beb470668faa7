"""Labs of two organisations, one with an existing link; what is wrong for all is found once. Real: engine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.fleet_command import Command, fleet_command
from tests.support.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.engine, pytest.mark.timeout(4 * PATIENCE_SECONDS)]
RECORDING_CLI = """\
#!/bin/sh
env > "{environments}/$$.env"
exec "{pulumi}" "$@"
"""


@pytest.fixture
def two_organisations(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path / "sandbox", accounts=3, organizations=2, first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.2, task_seconds=0.2)
        yield box


def write_spec(box: Sandbox, folder: Path) -> Path:
    """Two labs of the first organisation, one of them with an existing link, and one of the second."""
    first, second = box.control.organizations()
    url = box.environment["VMC_URL"]
    spec = folder / "spec.yaml"
    spec.write_text(
        f"""\
event: event
backend: file://./states
vmc: {{orgId: {first}, tokenVariable: FIRST_TOKEN, vmcUrl: "{url}", cspUrl: "{url}"}}
labs:
  - {{name: made, awsProfile: team-01}}
  - {{name: theirs, awsProfile: team-02, vmc: {{orgId: {second}, tokenVariable: SECOND_TOKEN}}}}
  - {{name: existing, awsProfile: team-03, link: existing}}
"""
    )
    return spec


def test_labs_of_two_organisations_go_up_and_down_each_with_its_own_token(
    two_organisations: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without API_TOKEN; an existing link is ready too and stays; no process of a lab has any token."""
    box, control = two_organisations, two_organisations.control
    labs = fleet_command(box, tmp_path, monkeypatch, capsys)
    tokens = (box.environment["API_TOKEN"], box.environment["SANDBOX_API_TOKEN_2"])
    for name in ("API_TOKEN", "ORG_ID", "VMC_URL", "CSP_URL", "SANDBOX_API_TOKEN_2", "SANDBOX_ORG_ID_2"):
        monkeypatch.delenv(name)
    for name, token in zip(("FIRST_TOKEN", "SECOND_TOKEN"), tokens, strict=True):
        monkeypatch.setenv(name, token)
    environments = record_environments(tmp_path, monkeypatch)
    (tmp_path / "states").mkdir()
    (tmp_path / "aws-config").write_text(Path(box.environment["AWS_CONFIG_FILE"]).read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", "aws-config")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    numbers = [account.number for account in box.accounts]
    first, second = control.organizations()
    control.seed_account(numbers[2], org_id=first, cf_stack_name="theirs")
    spec = write_spec(box, tmp_path)

    up = labs("up", spec)
    assert (up.code, up.out) == (0, "3 linked\n"), up.err
    organisation = {record.account_number: record.org_id for record in control.connected_accounts()}
    assert organisation == {numbers[0]: first, numbers[1]: second, numbers[2]: first}
    assert sorted(path.stem for path in (tmp_path / "states").glob(".pulumi/stacks/*/event-*.json")) == [
        "event-existing", "event-made", "event-theirs",
    ]  # fmt: skip
    assert len({file.read_text() for file in environments.iterdir()}) >= 3
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "pulumi-home" not in path.parts]
    assert [path for path in files if any(token.encode() in path.read_bytes() for token in tokens)] == []

    assert labs("up", spec).out == "3 linked (3 unchanged)\n"
    assert labs("plan", spec, "--expect-no-changes").code == 0
    status = labs("status", spec, "--json")
    assert (status.code, [row["status"] for row in json.loads(status.out)]) == (0, ["linked"] * 3)
    outputs = json.loads(labs("outputs", spec, "--format", "json").out)
    assert outputs["existing"]["stack_name"] == "theirs"
    page = Path(labs("report", spec).out.strip()).read_text()
    assert outputs["existing"]["connected_account_id"] in page
    assert labs("doctor", spec).code == 0

    down = labs("down", spec, "--yes")
    assert (down.code, down.out.splitlines()[-1]) == (0, "3 absent"), down.out + down.err
    assert f"AWS account {numbers[2]} stays linked (existing)" in down.out
    assert [record.account_number for record in control.connected_accounts()] == [numbers[2]]


def record_environments(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have each CLI process write down its environment; the folder of those files."""
    environments, programs = folder / "environments", folder / "programs"
    environments.mkdir()
    programs.mkdir()
    cli = programs / "pulumi"
    cli.write_text(RECORDING_CLI.format(environments=environments, pulumi=shutil.which("pulumi")))
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return environments


@pytest.fixture
def labs(
    two_organisations: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    return fleet_command(two_organisations, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("status", "said"), [(401, "401"), (403, "403"), (404, "404")], ids=["token", "role", "organisation"]
)
def test_what_the_service_refuses_is_found_before_any_pulumi_stack(
    status: int, said: str, labs: Command, two_organisations: Sandbox, tmp_path: Path
) -> None:
    box = two_organisations
    box.control.plan_fault("vmc", "list-connected-accounts", "status", status=status, count=100)
    spec = tmp_path / "spec.yaml"
    spec.write_text('event: event\nlabs:\n  - name: team-{01..03}\n    awsProfile: "{name}"\n')
    up = labs("up", spec)
    assert (up.code, up.out) == (2, "")
    (line,) = up.err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert list((tmp_path / "sandbox" / "state").glob("**/event-*.json")) == []


def test_aws_credentials_that_are_no_good_leave_no_pulumi_stack(
    labs: Command, two_organisations: Sandbox, tmp_path: Path
) -> None:
    """Each of the labs that share the reason is named with it, once."""
    box = two_organisations
    spec = tmp_path / "spec.yaml"
    box.control.plan_fault(
        "aws", "sts.GetCallerIdentity", "status", status=403, body="xml", error_code="AccessDenied", count=100
    )
    spec.write_text('event: event\nlabs:\n  - name: team-{01..03}\n    awsProfile: "{name}"\n')
    up = labs("up", spec)
    assert (up.code, up.out.splitlines()[-1]) == (1, "3 failed")
    assert up.out.startswith("team-01, team-02, team-03 failed: ask AWS whose credentials these are: ")
    assert (up.out + up.err).count("AccessDenied") == 1
    assert list((tmp_path / "sandbox" / "state").glob("**/event-*.json")) == []
    down = labs("down", spec, "--yes")
    assert (down.code, down.out.splitlines()[-1]) == (0, "3 nothing")
