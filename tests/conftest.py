"""Fixtures that several kinds of tests use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.lab import Lab


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, quick: a stack and a link take half a second each."""
    with Sandbox.start(tmp_path / "sandbox", first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        yield box


@pytest.fixture
def lab(box: Sandbox, tmp_path: Path) -> Lab:
    """The program and a fresh Pulumi stack, nothing made yet."""
    return Lab(box, tmp_path / "project")
