"""Fixtures that several kinds of tests use, and what every run of them has to fulfil."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox, ambient_names
from tests.support.cli import Command, run_command
from tests.support.lab import Lab
from tests.support.paths import REPOSITORY
from tests.support.processes import end_processes_of, pytest_sessionfinish
from vmc_account_link.settings import VmcSettings, read_settings

__all__ = ["pytest_sessionfinish"]


LONG = ("bench", "contract", "embedding", "engine", "properties", "sweep")
"""Folders of tests that take seconds each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first, so that the processes come to their ends together."""

    def is_short(item: pytest.Item) -> bool:
        folder = item.path.relative_to(REPOSITORY / "tests").parts[0]
        return folder not in LONG and item.get_closest_marker("engine") is None

    items.sort(key=is_short)


@pytest.fixture
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, quick: a stack and a link take half a second each."""
    marker = request.node.get_closest_marker("sandbox")
    options = marker.kwargs if marker else {}
    with Sandbox.start(tmp_path / "sandbox", first_poll_seconds=0.2, **options) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        yield box


@pytest.fixture
def kills(tmp_path: Path) -> Iterator[None]:
    """For tests that kill something: what outlives it is ended with the test."""
    yield
    end_processes_of(tmp_path)


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
