"""Others at the same lab, on the real engine: what they delete, what they link, and a second `up`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.aws import aws_client
from tests.support.lab import ACCOUNT, Lab
from tests.support.patience import until

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kills")]


def delete_stack_by_hand(lab: Lab) -> None:
    """As somebody does in the console."""
    aws_client(lab.box.environment, "cloudformation").delete_stack(StackName="SDDC-Account-Link")
    lab.control.advance(60)


def test_a_recreated_stack_does_not_take_an_account_linked_meanwhile(lab: Lab) -> None:
    lab.up()
    delete_stack_by_hand(lab)
    theirs = lab.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    lab.must("refresh", "--yes", "--skip-preview")
    assert "Stack" not in lab.resources()

    lab.control.clear_journal()
    failed = lab.fail_up()
    (line,) = [line for line in failed.error_lines() if "hook" in line]
    assert 'CloudFormation stack "theirs" linked it already' in line
    assert "request-link" not in lab.calls()
    assert "cloudformation.CreateStack" not in lab.calls()
    assert lab.control.connected_accounts() == (theirs,)

    lab.control.remove_account(ACCOUNT)
    lab.up()
    assert len(lab.control.links()) == 1
    lab.is_linked()


@contextmanager
def waiting_up(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A `pulumi up` that waits for the service, until the body lets it end."""
    lab.control.set_modes(task_seconds=600.0)
    started = lab.start("up", output=subprocess.PIPE)
    try:
        until(lambda: lab.control.journal(call="get-task"))
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        assert started.stdout is not None
        started.stdout.close()
        started.wait()


def test_a_second_up_at_the_same_time_is_rejected(lab: Lab, tmp_path: Path) -> None:
    other = Lab(lab.box, tmp_path / "other", stack="other")
    with waiting_up(lab) as first:
        same_stack = lab.run("up", "--yes", "--skip-preview")
        assert same_stack.code != 0
        assert "the stack is currently locked" in same_stack.output

        # Another Pulumi stack, the same account and the same name: CloudFormation holds the name. A minute
        # later: within seconds the clocks of AWS and the service could not say which came first.
        lab.control.advance(60)
        same_name = other.fail_up()
        assert "AlreadyExistsException" in same_name.output
        assert lab.calls().count("cloudformation.DeleteStack") == 0

        lab.control.advance(600)
        output, _ = first.communicate(timeout=60)
        assert first.returncode == 0, output
    lab.is_linked()

    # Later, and under another name: the account is the first one's.
    other.set({"stackName": "Lab-7"})
    rejected = other.fail_up()
    assert 'CloudFormation stack "SDDC-Account-Link" linked it already' in rejected.output
    # Its link was never run, which AWS shows: the name was the first one's before it was requested.
    destroyed = other.destroy()
    assert "which was there before this link was requested: left alone" in destroyed.output
    assert "to unlink it" not in destroyed.output  # As a wait begins.
    assert other.resources() == {}
    lab.is_linked()
