"""The fleet command in this process, in a sandbox's environment."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from vmc_labs.__main__ import main

Command = Callable[..., "Said"]


class Said:
    """What a command said, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def environment(box: Sandbox, folder: Path) -> dict[str, str]:
    """The environment of a fleet command whose own files are below the folder."""
    return {**box.process_environment(), "XDG_STATE_HOME": str(folder / "state")}


def fleet_command(
    box: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """A function that runs `vmc-labs` with its arguments."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in environment(box, folder).items():
        monkeypatch.setenv(name, value)

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["labs", *map(str, arguments)])
        capsys.readouterr()
        code = main()
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command
