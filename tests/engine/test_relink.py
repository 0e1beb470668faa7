"""`relink` on the real engine: a new link for the same stack, done when the service has seen it run."""

import pytest

from tests.support.lab import ACCOUNT, Lab

pytestmark = pytest.mark.engine

WRITES = {"unlink", "cloudformation.CreateStack", "cloudformation.DeleteStack"}


def test_a_relink_updates_in_place_and_is_retried_after_a_rollback(lab: Lab) -> None:
    lab.up()
    first = lab.outputs()
    lab.set({"relink": "1"})
    lab.control.clear_journal()

    lab.control.set_modes(stack_outcome="roll_back")
    assert "UPDATE_ROLLBACK_COMPLETE" in lab.fail_up().output
    (record,) = lab.control.connected_accounts()
    assert (record.state, record.version) == ("ACTIVE", 0)
    lab.control.set_modes(stack_outcome="complete", task_seconds=3.0)
    foreseen = lab.must("preview").output
    assert "replace" not in foreseen
    assert "cloudformation:Stack" in foreseen
    output = lab.up().output
    assert "the account is ACTIVE by its earlier link" in output

    (record,) = lab.control.connected_accounts()
    assert record.version == 1
    newest = lab.control.links()[-1]
    assert (newest.task_status, newest.runs) == ("FINISHED", 1)
    outputs = lab.outputs()
    assert outputs["tracking_task"] == newest.tracking_task != first["tracking_task"]
    assert outputs["stack_id"] == first["stack_id"]
    calls = lab.calls()
    assert (calls.count("request-link"), calls.count("cloudformation.UpdateStack")) == (2, 2)
    assert "Custom::VmcAccountLink" not in lab.must("stack", "export").output

    # An SDDC came: another relink has to be confirmed, and then is done in place as well.
    lab.control.set_modes(task_seconds=0.4)
    lab.control.attach_sddc(ACCOUNT)
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    lab.set({"relink": "2"})
    rejected = lab.run("preview")
    assert rejected.code != 0
    assert "pulumi config set relinkDespiteSddcs 2`" in rejected.output
    assert lab.calls().count("request-link") == 2
    lab.set({"relinkDespiteSddcs": "2"})
    lab.up()
    assert [one.version for one in lab.control.connected_accounts()] == [2]
    assert lab.outputs()["stack_id"] == first["stack_id"]
    assert not WRITES & set(lab.calls())
