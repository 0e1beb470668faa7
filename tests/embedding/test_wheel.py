"""The wheel in a fresh venv: its examples on the real engine make what the repository's program makes."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.cli.conftest import UNANSWERED
from tests.support.lab import REPOSITORY, Lab

EXAMPLES = REPOSITORY / "examples"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A venv that holds the wheel, what it needs, and nothing of this repository."""

    python: Path

    def run(self, *arguments: str, cwd: Path, environment: Mapping[str, str]) -> str:
        """Run the venv's interpreter; it must succeed."""
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd,
            env={**environment, "PULUMI_PYTHON_CMD": str(self.python)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel as `uv build` makes it, installed as a user would, at the versions that are locked."""
    folder = tmp_path_factory.mktemp("wheel")
    path = f"{REPOSITORY / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def uv(*arguments: str) -> None:
        done = subprocess.run(
            ["uv", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder))
    uv("venv", "--seed", "--python", sys.executable, str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    uv("pip", "install", "--python", str(python), "--constraint", "requirements.lock", str(wheel))
    return Installed(python=python)


def read_state(lab: Lab) -> None:
    """Let the command line look at the stack that is up: each command takes what it needs from the state."""

    def look(*arguments: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "vmc_account_link", *arguments, "--json"],
            cwd=lab.folder,
            env=lab.command_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert lab.box.environment["API_TOKEN"] not in done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    code, told = look("status")
    assert code == len(UNANSWERED), told
    assert {line["name"] for line in told["lines"] if line["verdict"] != "pass"} == UNANSWERED
    code, told = look("doctor")
    assert code == 0, told
    own = {line["name"]: line["found"] for line in told["lines"]}
    assert own["stack name"].startswith("SDDC-Account-Link is this Pulumi stack's own")
    assert own["linked"].endswith("as this Pulumi stack holds it")
    code, told = look("inspect", "--trust-account", "000000000101")
    assert (code, len(told["violations"])) == (1, 2)
    assert told["report"]["custom_resources"][0]["calls"] == "LinkFunction"


def made(deployment: Mapping[str, Any], *, org_id: str) -> dict[str, Any]:
    """Name -> type and inputs of a stack's resources, without what differs from run to run."""
    found = {}
    for resource in deployment["resources"]:
        kind, name = resource["type"], resource["urn"].rpartition("::")[2]
        if kind == "pulumi:pulumi:Stack" or name.startswith("default"):
            continue
        text = json.dumps(resource.get("inputs", {}), sort_keys=True).replace(org_id, "ORG")
        inputs = json.loads(text)
        # Ids, encrypted values and moments are of one run; that they are there at all is compared.
        for key in ("templateBody", "stack_id", "tracking_task", "__provider", "endpoints"):
            if key in inputs:
                inputs[key] = "…"
        # What a program says to the component is its own affair; what the component makes of it is not.
        found[name] = (kind, None if kind == "vmc:index:AccountLink" else inputs)
    return found


@pytest.mark.engine
def test_the_wheels_programs_make_what_the_repositorys_program_makes(
    installed: Installed, tmp_path: Path, box: Sandbox
) -> None:
    org_id = box.environment["ORG_ID"]
    repository = Lab(box, tmp_path / "repository")
    repository.must("config", "set", "--path", "tags.owner", "workshop")
    repository.up()
    ours = made(json.loads(repository.must("stack", "export").output)["deployment"], org_id=org_id)
    assert {kind for kind, _ in ours.values()} == {
        "vmc:index:AccountLink",
        "pulumi:providers:aws",
        "pulumi-python:dynamic/vmc:LinkRequest",
        "aws:cloudformation/stack:Stack",
        "pulumi-python:dynamic/vmc:ConnectedAccount",
    }
    read_state(repository)
    repository.destroy()

    local = tmp_path / "local"
    shutil.copytree(EXAMPLES / "local", local)
    environment = {**box.process_environment(), "PULUMI_PYTHON_CMD": str(installed.python)}

    def pulumi(*arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=local,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init", "local")
    pulumi("up", "--yes", "--skip-preview")
    theirs = made(json.loads(pulumi("stack", "export"))["deployment"], org_id=org_id)
    assert theirs == ours
    pulumi("destroy", "--yes", "--skip-preview")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = str(EXAMPLES / "inline" / "link.py")
    said = installed.run(script, "up", cwd=elsewhere, environment=box.process_environment())
    assert "connected account: " in said
    exported = subprocess.run(
        ["pulumi", "stack", "export", "--stack", "organization/my-lab/dev"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made(json.loads(exported.stdout)["deployment"], org_id=org_id) == ours
    installed.run(script, "down", cwd=elsewhere, environment=box.process_environment())
    assert box.control.connected_accounts() == ()


def test_the_wheel_is_typed_and_says_what_its_command_line_lacks(
    installed: Installed, tmp_path: Path, box: Sandbox
) -> None:
    code = "import vmc_account_link; print(vmc_account_link.__path__[0])"
    folder = installed.run("-c", code, cwd=tmp_path, environment=os.environ).strip()
    assert (Path(folder) / "py.typed").exists()
    done = subprocess.run(
        [str(installed.python), "-m", "vmc_account_link", "doctor"],
        cwd=tmp_path,
        env=box.process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: import jwt: it is not installed. Run `pip install 'vmc-account-link[cli]'`.\n",
    )
