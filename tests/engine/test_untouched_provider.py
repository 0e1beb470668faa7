"""The AWS provider as its users have it: it first polls a stack after 10 s. One path each, end to end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.engine.test_crash import kill_at
from tests.support.lab import Lab
from tests.sweep.stage import recover

pytestmark = pytest.mark.engine


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox with the untouched provider."""
    with Sandbox.start(tmp_path / "sandbox") as box:
        box.control.set_modes(stack_seconds=3.0, task_seconds=1.0)
        yield box


def test_up_update_and_destroy(lab: Lab) -> None:
    lab.up()
    lab.is_linked()
    lab.must("config", "set", "--path", "tags.owner", "ann")
    lab.up()
    assert lab.calls().count("cloudformation.UpdateStack") == 1
    assert lab.calls().count("cloudformation.CreateStack") == 1
    lab.is_linked()
    lab.destroy()
    assert lab.control.connected_accounts() == ()
    assert lab.calls().count("cloudformation.DeleteStack") == 1


def test_a_stack_that_rolled_back_is_recreated(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back")
    assert "stack status (DELETE_COMPLETE)" in lab.fail_up().output
    lab.control.set_modes(stack_outcome="complete")
    lab.up()
    lab.is_linked()


def test_a_killed_up_is_recovered_and_its_stack_needs_no_change(lab: Lab) -> None:
    kill_at(lab, "cloudformation.CreateStack", group=True)
    recovered = recover(lab)
    assert "taken into the Pulumi state, CREATE_COMPLETE" in recovered.output, recovered.output
    assert "account-link-stack" not in lab.must("preview", "--diff").output
    lab.up()
    lab.is_linked()
    assert lab.calls().count("cloudformation.CreateStack") == 1
    assert not {"cloudformation.UpdateStack", "cloudformation.DeleteStack"} & set(lab.calls())
