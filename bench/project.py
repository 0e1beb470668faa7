"""Project folders for the contenders that are Pulumi programs, and the commands run in them."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.cloud import REPOSITORY
from bench.measure import CommandFailed

_EMPTY = '"""Declares nothing."""\n'
_EMPTY_PROJECT = """name: empty
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
"""


def link_project(folder: Path) -> Path:
    """This repository's program, as a person has it."""
    folder.mkdir(parents=True)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(REPOSITORY / name, folder / name)
    return _with_interpreter(folder)


def empty_project(folder: Path) -> Path:
    """A program with nothing in it, for the same language host and interpreter."""
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(_EMPTY_PROJECT, encoding="utf-8")
    (folder / "__main__.py").write_text(_EMPTY, encoding="utf-8")
    return _with_interpreter(folder)


def _with_interpreter(folder: Path) -> Path:
    # The official language host takes the interpreter from the project's folder.
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    return folder


def pulumi(*arguments: str) -> list[str]:
    """A command line of the engine, as in a script or a CI job."""
    return ["pulumi", "--non-interactive", "--color", "never", *arguments]


def prepare(*arguments: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Run the engine for what is not measured.

    Raises:
        CommandFailed: it fails.
    """
    done = subprocess.run(
        pulumi(*arguments), cwd=folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CommandFailed(f"pulumi {' '.join(arguments)}: {done.stdout}{done.stderr}")
