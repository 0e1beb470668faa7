"""`AccountLink` from a TypeScript program: its SDK, what the compiler refuses, its life on the real engine.

`make whole` leaves this file out, and says so, where `tools/node.sh` misses something.
"""

import fcntl
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.lab import Lab
from tests.support.paths import REPOSITORY

pytestmark = [pytest.mark.engine, pytest.mark.whole]

EXAMPLE = REPOSITORY / "examples" / "typescript"
SETTINGS = ("package.json", "tsconfig.json")
EXECUTABLE = REPOSITORY / "plugin" / "pulumi-resource-vmc-account-link"
WRONG = """\
import { AccountLink } from "@pulumi/vmc-account-link";

new AccountLink("wrong-key", { stackNam: "Lab" });
new AccountLink("wrong-type", { linkTimeoutMinutes: "2" });
new AccountLink("wrong-value", { link: "made" });
export const output: string = new AccountLink("wrong-output").stackIds;
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its packages, which takes npm half a minute: once for all workers of a run."""
    session = tmp_path_factory.getbasetemp()
    if session.name.startswith("popen-"):  # a worker's, below the run's
        session = session.parent
    folder = session / "typescript"
    with (session / "typescript.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in SETTINGS:
                shutil.copy(EXAMPLE / name, folder)
            with Sandbox.start(session / "typescript-sandbox") as box:
                _run(
                    folder, "pulumi", "package", "gen-sdk", str(EXECUTABLE),
                    "--language", "nodejs", "--local", "--out", "sdks", environment=box.process_environment(),
                )  # fmt: skip
            _run(folder, "npm", "install", "--no-audit", "--no-fund", "./sdks/nodejs")
            (folder / "whole").touch()
    return folder


def _run(folder: Path, *command: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


def write(folder: Path, installed: Path, program: str) -> None:
    """Make a folder a TypeScript program's, whose packages are installed."""
    for name in SETTINGS:
        shutil.copy(installed / name, folder)
    (folder / "index.ts").write_text(program, encoding="utf-8")
    (folder / "node_modules").symlink_to(installed / "node_modules")


def compiler_errors(folder: Path) -> list[str]:
    """What `tsc` says of the program, each error's first line."""
    done = subprocess.run(
        ["node_modules/.bin/tsc", "--pretty", "false"], cwd=folder, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    errors = re.findall(r"^index\.ts\(.*", done.stdout, re.MULTILINE)
    assert bool(errors) == bool(done.returncode), done.stdout
    return errors


def test_the_compiler_refuses_a_wrong_key_type_and_value(installed: Path, tmp_path: Path) -> None:
    write(tmp_path, installed, WRONG)
    key, kind, value, output = compiler_errors(tmp_path)
    assert "'stackNam' does not exist in type 'AccountLinkArgs'" in key
    assert "Type 'string' is not assignable to type 'Input<number" in kind
    assert "Type '\"made\"' is not assignable" in value
    assert "Property 'stackIds' does not exist on type 'AccountLink'" in output


def test_a_typescript_program_type_checks_links_is_unchanged_and_unlinks(lab: Lab, installed: Path) -> None:
    settings = (EXAMPLE / "Pulumi.yaml").read_text(encoding="utf-8")
    settings = settings.replace("name: my-lab", "name: vmc-account-link").replace("../..", str(REPOSITORY))
    (lab.folder / "Pulumi.yaml").write_text(settings, encoding="utf-8")
    (lab.folder / "__main__.py").unlink()
    write(lab.folder, installed, (EXAMPLE / "index.ts").read_text(encoding="utf-8"))
    assert compiler_errors(lab.folder) == []
    lab.up()
    (record,) = lab.control.connected_accounts()
    outputs = json.loads(lab.must("stack", "output", "--json").output)
    assert (outputs["connectedAccountId"], outputs["connectedAccountState"]) == (record.id, "ACTIVE")
    assert set(outputs["compatibleSubnets"]) == {"us-west-2a", "us-west-2b", "us-west-2c"}
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert lab.calls().count("request-link") == 1
    lab.destroy()
    assert lab.control.connected_accounts() == ()
    assert lab.resources() == {}
