"""A fleet's command in a sandbox with three teams' accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.fleet_command import Command, fleet_command


@pytest.fixture
def fleet_box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with the profiles team-01 to team-03, each of an account of its own."""
    with Sandbox.start(tmp_path / "sandbox", accounts=3, first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        yield box


@pytest.fixture
def labs(
    fleet_box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line in this process, in the sandbox's environment."""
    return fleet_command(fleet_box, tmp_path, monkeypatch, capsys)
