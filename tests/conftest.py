"""Fixtures that several kinds of tests use."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox, ambient_names
from tests.support.cli import Command, run_command
from tests.support.lab import Lab
from vmc_account_link.settings import VmcSettings, read_settings


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, quick: a stack and a link take half a second each."""
    with Sandbox.start(tmp_path / "sandbox", first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        yield box


@pytest.fixture
def control(box: Sandbox) -> SandboxControl:
    """The sandbox's control."""
    return box.control


@pytest.fixture
def settings(box: Sandbox) -> VmcSettings:
    """Settings that lead into the sandbox."""
    return read_settings(lambda _: None, box.environment)


@pytest.fixture
def lab(box: Sandbox, tmp_path: Path) -> Lab:
    """The program and a fresh Pulumi stack, nothing made yet."""
    return Lab(box, tmp_path / "project")


@pytest.fixture
def command(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Runs a command of the package in an empty folder, in the sandbox's environment."""
    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return functools.partial(run_command, box, capsys)
