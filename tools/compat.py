"""`python -m tools.compat`: the tests that meet Pulumi's SDK, with the lowest and the newest one allowed.

Allowed is what `pyproject.toml` says to everybody's `pip`. Each of the two has a virtual environment of its
own in `.compat/`, made anew: all of `requirements.lock`, and over it that SDK. One of the tests makes sure
that the engine's processes have the SDK of the tests.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_FOLDER = _ROOT / ".compat"
_TESTS = ("tests/engine", "tests/provider", "tests/component", "tests/labs")
# Its packages are npm's: what of it meets the SDK for Python, the YAML programs show.
_IGNORED = "tests/engine/test_typescript.py"
_VERSION = "import importlib.metadata; print(importlib.metadata.version('pulumi'))"


def main(tests: Sequence[str]) -> int:
    """Run the tests with both; the exit code is 0 if all passed."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = sdk_requirement(project["dependencies"])
    failed = 0
    for name, requirement in (("lowest", f"pulumi=={floor(allowed)}"), ("newest", allowed)):
        python = _environment(name, requirement)
        version = _run(python, "-c", _VERSION, stdout=subprocess.PIPE).stdout.strip()
        print(f"\n== the {name} SDK that {allowed} allows: {version}\n", flush=True)  # noqa: T201
        command = [python, "-m", "pytest", "-n", "4", "--dist", "worksteal", "--ignore", _IGNORED]
        command += tests or _TESTS
        failed |= subprocess.run(command, cwd=_ROOT, check=False).returncode  # noqa: S603
    return int(failed != 0)


def sdk_requirement(dependencies: Sequence[str]) -> str:
    """The requirement of Pulumi's SDK."""
    (requirement,) = (line for line in dependencies if re.match(r"pulumi\s*[<>=~!]", line))
    return requirement


def floor(requirement: str) -> str:
    """The lowest version that a requirement allows."""
    (lowest,) = re.findall(r">=\s*([\d.]+)", requirement)
    return str(lowest)


def _environment(name: str, requirement: str) -> str:
    """Make the environment; its interpreter."""
    folder = _FOLDER / name
    python = str(folder / "bin" / "python")
    # `--seed`: the engine's language host asks pip what is installed.
    _run("uv", "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, str(folder))
    install = ("uv", "pip", "install", "--quiet", "--python", python)
    _run(*install, "--require-hashes", "-r", "requirements.lock")
    _run(*install, "--upgrade-package", "pulumi", requirement)
    _run(*install, "--no-deps", "--no-build-isolation", "-e", ".")
    return python


def _run(*command: str, stdout: int | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=_ROOT, check=True, text=True, stdout=stdout)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
