"""The wheel in a fresh venv: template and example on the real engine make what our own program makes."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws_accounts import AwsAccount
from sandbox.environment import Sandbox
from tests.support.lab import ACCOUNT, Lab
from tests.support.paths import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
_OF_ONE_RUN = {"templateBody", "stack_id", "tracking_task", "connected_account_id", "__provider", "endpoints"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A venv that holds the wheel, what it needs, and nothing of this repository."""

    python: Path

    def run(self, *arguments: str, cwd: Path, environment: Mapping[str, str]) -> str:
        """Run the venv's interpreter; it must succeed."""
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd,
            env=environment,
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


def made(
    box: Sandbox, *select: str, cwd: Path, account_number: str
) -> dict[str, tuple[str, Mapping[str, Any] | None]]:
    """Name -> type and inputs of a stack's resources, without what differs from run to run."""
    done = subprocess.run(
        ["pulumi", "stack", "export", *select],
        cwd=cwd,
        env=box.process_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    text = done.stdout.replace(box.environment["ORG_ID"], "ORG").replace(account_number, "ACCOUNT")
    found: dict[str, tuple[str, Mapping[str, Any] | None]] = {}
    for resource in json.loads(text)["deployment"]["resources"]:
        kind, name = resource["type"], resource["urn"].rpartition("::")[2]
        if kind == "pulumi:pulumi:Stack" or name.startswith("default"):
            continue
        # Ids, encrypted values and moments are of one run; that they are there at all is compared.
        inputs = {
            key: "…" if key in _OF_ONE_RUN else value for key, value in resource.get("inputs", {}).items()
        }
        # What a program says to the component is its own affair; what the component makes of it is not.
        found[name] = (kind, None if kind == "vmc-account-link:index:AccountLink" else inputs)
    return found


@pytest.mark.engine
@pytest.mark.sandbox(accounts=2)  # an organization holds one link of an account
def test_the_wheels_programs_make_what_the_repositorys_program_makes(
    installed: Installed, tmp_path: Path, lab: Lab, box: Sandbox
) -> None:
    lab.must("config", "set", "--path", "tags.owner", "workshop")
    lab.set({"subnetRegion": "us-west-2"})
    lab.up()
    ours = made(box, "--stack", "lab", cwd=lab.folder, account_number=ACCOUNT)
    assert {kind for kind, _ in ours.values()} == {
        "vmc-account-link:index:AccountLink",
        "pulumi:providers:aws",
        "pulumi-python:dynamic/vmc-account-link:LinkRequest",
        "aws:cloudformation/stack:Stack",
        "pulumi-python:dynamic/vmc-account-link:ConnectedAccount",
        "pulumi-python:dynamic/vmc-account-link:ConnectionWait",
        "pulumi-python:dynamic/vmc-account-link:CompatibleSubnets",
    }

    def environment_of(account: AwsAccount) -> dict[str, str]:
        keys = {
            "AWS_ACCESS_KEY_ID": account.access_key_id,
            "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
        }
        return {**box.process_environment(), **keys, "PULUMI_PYTHON_CMD": str(installed.python)}

    first, second = box.accounts
    local = tmp_path / "local"
    new = [
        "new",
        str(REPOSITORY / "template"),
        "--dir",
        str(local),
        "--name",
        "my-lab",
        "--generate-only",
        "--yes",
    ]
    for arguments in (new, ["stack", "init", "local"], ["up", "--yes", "--skip-preview"]):
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=tmp_path if arguments is new else local,
            env=environment_of(first),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if arguments is new:
            # The official language host takes the interpreter from the project's folder.
            (local / ".venv").symlink_to(installed.python.parents[1])
    assert made(box, cwd=local, account_number=first.number) == ours

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = str(EXAMPLES / "inline" / "link.py")
    said = installed.run(script, "up", cwd=elsewhere, environment=environment_of(second))
    assert "connected account: " in said
    assert "subnets for an SDDC: {'us-west-2a': ['subnet-" in said
    theirs = made(box, "--stack", "organization/my-lab/dev", cwd=elsewhere, account_number=second.number)
    assert theirs == ours
    numbers = {record.account_number for record in box.control.connected_accounts()}
    assert numbers == {ACCOUNT, first.number, second.number}
    installed.run(script, "down", cwd=elsewhere, environment=environment_of(second))
    numbers = {record.account_number for record in box.control.connected_accounts()}
    assert numbers == {ACCOUNT, first.number}


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
        "error: import click: it is not installed. Run `pip install 'vmc-account-link[cli]'`.\n",
    )
    script = installed.python.with_name("vmc-labs")
    done = subprocess.run([str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: import click: it is not installed. Run `pip install 'vmc-account-link[labs]'`.\n",
    )
