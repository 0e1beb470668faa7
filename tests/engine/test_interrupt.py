"""Ctrl-C while `pulumi up` waits: the prompt comes back soon, and the next `up` goes on waiting."""

import os
import signal
import subprocess
import time

import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.engine


def test_ctrl_c_during_the_wait_gives_the_prompt_back_and_the_next_up_goes_on(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=600.0)
    started = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # as a terminal gives it a process group of its own
    )
    deadline = time.monotonic() + 60
    while not lab.control.journal(call="get-task"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    pressed = time.monotonic()
    os.killpg(started.pid, signal.SIGINT)
    output, _ = started.communicate(timeout=60)

    assert time.monotonic() - pressed < 15
    assert started.returncode != 0
    assert "interrupted after 0:0" in output
    assert "last seen: task STARTED" in output
    assert "run `pulumi up` again to go on waiting" in output
    assert set(lab.resources()) == {"AccountLink", "LinkRequest", "Stack"}

    lab.control.advance(600)
    lab.control.clear_journal()
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    assert "mint-link" not in lab.calls()
    assert "cloudformation.CreateStack" not in lab.calls()
