"""Ctrl-C while `pulumi up` works: the prompt comes back soon, and nothing is lost."""

import os
import signal
import subprocess
import time

import pytest

from tests.support.lab import Lab
from tests.support.patience import until
from tests.sweep.stage import ending_of, recover
from tests.sweep.verdict import shortfalls

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kills")]


def wait_for(lab: Lab, call: str) -> None:
    """Return once a call has been made."""
    until(lambda: lab.control.journal(call=call), otherwise=f"{call} was never made")


def press_ctrl_c(started: subprocess.Popen[str]) -> None:
    """A terminal sends it to the whole group."""
    os.killpg(started.pid, signal.SIGINT)


def test_ctrl_c_gives_the_prompt_back_though_the_service_is_silent_and_the_next_up_goes_on(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=600.0)
    started = lab.start("up", output=subprocess.PIPE)
    wait_for(lab, "get-task")
    # The worst moment: the wait has just asked, and there is no answer.
    lab.control.plan_fault("vmc", "list-connected-accounts", "time_out", seconds=60)
    until(lambda: not lab.control.faults())
    pressed = time.monotonic()
    press_ctrl_c(started)
    output, _ = started.communicate(timeout=60)

    assert time.monotonic() - pressed < 15
    assert started.returncode != 0
    assert "interrupted after 0:" in output
    assert "last seen: " in output
    assert "The CloudFormation stack and the link are kept: run `pulumi up` again to go on waiting" in output
    assert set(lab.resources()) == {"AccountLink", "LinkRequest", "Stack", "ConnectedAccount"}

    lab.control.advance(600)
    lab.control.clear_journal()
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    assert "request-link" not in lab.calls()
    assert "cloudformation.CreateStack" not in lab.calls()


def test_a_second_ctrl_c_loses_nothing_that_recover_can_not_find(lab: Lab) -> None:
    lab.control.set_modes(stack_seconds=4.0)
    started = lab.start("up", output=subprocess.PIPE)
    wait_for(lab, "cloudformation.CreateStack")
    press_ctrl_c(started)
    time.sleep(0.5)
    press_ctrl_c(started)
    started.communicate(timeout=60)
    assert started.returncode != 0

    recovered = recover(lab)
    assert recovered.code == 0, recovered.output
    assert "account-link-stack: taken into the Pulumi state, CREATE_COMPLETE" in recovered.output
    lab.up()
    ending = ending_of(lab)
    assert shortfalls("up", ending) == []
    assert (ending.stacks_made, ending.links) == (1, 1)
