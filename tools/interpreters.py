"""`python -m tools.interpreters PYTHON…`: the wheel in a new environment of each, outside this repository.

With the newest dependencies: a program up and down, then three labs up and down, against the sandbox.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox.environment import Sandbox
from tools.wheel import build_wheel

REPOSITORY = Path(__file__).resolve().parents[1]
_SECONDS = 600


def _run(*command: str, cwd: Path, environment: Mapping[str, str]) -> str:
    """Run a command, which must succeed; returns what it wrote."""
    done = subprocess.run(  # noqa: S603 - commands of this module
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def check(python: str, wheel: Path, folder: Path) -> str:
    """Install the wheel for an interpreter and use it; returns what was counts, in a line."""
    started = time.monotonic()
    project = folder / "my-lab"
    shutil.copytree(REPOSITORY / "template", project)
    (project / "Pulumi.yaml").write_text(
        "name: my-lab\nruntime: {name: python, options: {virtualenv: .venv}}\n"
    )
    binaries = project / ".venv" / "bin"
    outside = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    _run(python, "-m", "venv", str(project / ".venv"), cwd=folder, environment=outside)
    install = ("-m", "pip", "install", "--quiet", f"vmc-account-link[labs] @ {wheel.as_uri()}")
    _run(str(binaries / "python"), *install, cwd=folder, environment=outside)
    code = "import platform, importlib.metadata as m; print(platform.python_version(), m.version('pulumi'))"
    versions = _run(str(binaries / "python"), "-c", code, cwd=folder, environment=outside).strip()
    with Sandbox.start(folder / "sandbox", accounts=3) as box:
        environment = box.process_environment()
        environment |= {
            "PATH": f"{binaries}{os.pathsep}{environment['PATH']}",
            "PULUMI_PYTHON_CMD": str(binaries / "python"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        counts: list[int] = []
        _run("pulumi", "stack", "init", "dev", cwd=project, environment=environment)
        for act in ("up", "destroy"):
            _run("pulumi", act, "--yes", "--skip-preview", cwd=project, environment=environment)
            counts.append(len(box.control.connected_accounts()))
        spec = shutil.copy(REPOSITORY / "examples" / "workshop.yaml", folder)
        for arguments in (("up", spec), ("down", spec, "--yes")):
            _run("vmc-labs", *map(str, arguments), cwd=folder, environment=environment)
            counts.append(len(box.control.connected_accounts()))
    if counts != [1, 0, 3, 0]:
        sys.exit(f"{python}: linked accounts after each step: {counts}, not 1, 0, 3, 0")
    took = time.monotonic() - started
    return f"Python and Pulumi SDK {versions}: up, destroy, vmc-labs up, down: linked accounts {counts}, {took:.0f} s"  # noqa: E501


def main(pythons: list[str]) -> int:
    """Check the wheel with each interpreter."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as temporary:
        folder = Path(temporary)
        wheel = build_wheel(folder)
        for number, python in enumerate(pythons or [sys.executable]):
            home = folder / str(number)
            home.mkdir()
            sys.stdout.write(f"{check(python, wheel, home)}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
