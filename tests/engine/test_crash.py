"""A killed `pulumi up`, and what `vmc-labs recover` makes of it, on the real engine.

Afterwards it is as without the crash: one live stack, one ACTIVE record, nothing under way.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.engine.test_destroy import let_the_list_settle
from tests.support.lab import Lab
from tests.support.paths import REPOSITORY
from tests.support.patience import until
from tests.support.processes import kill
from tests.sweep.stage import ending_of, recover, recover_command
from tests.sweep.verdict import shortfalls

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kills")]


def kill_at(lab: Lab, call: str, *, group: bool, command: str = "up") -> None:
    """Start a command and kill -9 its CLI, alone or with all it started, once `call` has been answered."""
    started = lab.start(command)
    until(lambda: lab.control.journal(call=call), pause_seconds=0.02, otherwise=f"{call} was never made")
    kill(started, everything=group)


@pytest.mark.parametrize(
    ("call", "group"),
    [
        pytest.param("request-link", True, id="request-link, all it started", marks=pytest.mark.whole),
        pytest.param("cloudformation.CreateStack", False, id="CreateStack, CLI alone"),
        pytest.param("get-task", True, id="get-task, all it started", marks=pytest.mark.whole),
    ],
)
def test_a_killed_up_is_recovered_and_the_next_one_arrives(lab: Lab, call: str, group: bool) -> None:  # noqa: FBT001
    lab.control.set_modes(stack_seconds=1.5, task_seconds=2.5)
    kill_at(lab, call, group=group)
    locked = lab.run("up", "--yes", "--skip-preview")
    assert "currently locked" in locked.output

    # The person's own `pulumi` is written down nowhere: its number could be another container's.
    careful = recover(lab, force=False)
    assert careful.code == 1
    assert "--force" in careful.output
    recovered = recover(lab)
    assert recovered.code == 0, recovered.output
    assert "removed the lock" in recovered.output
    lab.up()
    lab.is_linked()
    assert len([e for e in lab.control.journal(call="cloudformation.CreateStack") if e.status == 200]) == 1
    assert len(lab.control.links()) <= 2


def test_a_stack_whose_creation_failed_meanwhile_is_recreated(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back", stack_seconds=1.5)
    kill_at(lab, "cloudformation.CreateStack", group=True)
    lab.control.set_modes(stack_outcome="complete", stack_seconds=0.4)
    assert recover(lab).code == 0
    lab.up()
    lab.is_linked()


def test_a_killed_destroy_is_recovered_and_the_next_one_finishes(lab: Lab) -> None:
    lab.up()
    lab.control.set_modes(stack_seconds=1.5)
    lab.control.clear_journal()
    kill_at(lab, "cloudformation.DeleteStack", group=True, command="destroy")
    assert recover(lab).code == 0
    let_the_list_settle(lab)
    lab.destroy()
    assert shortfalls("destroy", ending_of(lab)) == []


def test_a_stack_in_use_is_not_touched(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=600.0)
    started = lab.start("up")
    until(lambda: lab.control.journal(call="get-task"))
    rejected = recover(lab)
    assert rejected.code == 1
    assert f"(pid {started.pid}," in rejected.output
    assert len(rejected.output.splitlines()) == 1
    lab.control.advance(600)
    assert started.wait(timeout=60) == 0
    lab.is_linked()


def test_recover_killed_anywhere_can_be_run_again(lab: Lab) -> None:
    lab.control.set_modes(stack_seconds=1.0)
    kill_at(lab, "cloudformation.CreateStack", group=True)
    # As it reads the state; as it would write and is locked out; as it writes.
    for command, nth in (("stack export", 1), ("stack import", 1), ("stack import", 1), ("stack import", 2)):
        kill_recover_at(lab, command, nth)
    recovered = recover(lab)
    assert recovered.code == 0, recovered.output
    # What is left to do depends on how far the killed ones came.
    assert "taken into the Pulumi state" in recovered.output or "nothing under way" in recovered.output
    lab.up()
    lab.is_linked()
    assert len([e for e in lab.control.journal(call="cloudformation.CreateStack") if e.status == 200]) == 1
    kept = list((lab.folder / ".recovered").glob("*.json"))
    assert any("pending_operations" in path.read_text() for path in kept)
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def kill_recover_at(lab: Lab, command: str, nth: int) -> None:
    """Start recover and kill -9 it and its engine, if it comes to run an engine command for the nth time."""
    started = subprocess.Popen(
        recover_command(lab),
        cwd=REPOSITORY,
        env=lab.command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    plugins: set[int] = set()
    while started.poll() is None and len(plugins) < nth:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(started.pid).children():
                if command in " ".join(child.cmdline()):
                    plugins.add(child.pid)
        time.sleep(0.01)
    if started.poll() is None:
        # A little into it: before that it has not even read the backend.
        time.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def test_a_stack_whose_creation_was_not_confirmed_is_imported(lab: Lab) -> None:
    lab.control.plan_fault("aws", "cloudformation.CreateStack", "ok_empty", count=5)
    lost = lab.fail_up().output
    assert (
        "AWS may have created the CloudFormation stack all the same: `vmc-account-link recover --stack lab`"
        in lost
    )
    lab.control.clear_faults()
    output = lab.fail_up().output
    assert "AlreadyExists" in output
    assert "`vmc-account-link recover --stack lab` takes it in" in output
    recovered = recover(lab)
    assert recovered.code == 0, recovered.output
    assert "the Pulumi state did not know it" in recovered.output
    lab.up()
    lab.is_linked()
    assert "cloudformation.DeleteStack" not in lab.calls()


def test_a_state_whose_sidecar_was_cut_off_by_the_kill_is_read_again(lab: Lab) -> None:
    lab.up()
    (sidecar,) = (lab.box.folder / "state").rglob("stacks/*/lab.json.attrs")
    sidecar.write_text("")
    assert "failed to load checkpoint" in lab.run("stack", "export").output
    recovered = recover(lab)
    assert recovered.code == 0, recovered.output
    assert "lab.json.attrs" in recovered.output
    lab.is_linked()


def test_a_healthy_stack_is_left_as_it_is(lab: Lab) -> None:
    lab.up()
    before = lab.must("stack", "export", "--show-secrets").output
    recovered = recover(lab)
    assert recovered.code == 0
    assert "nothing under way" in recovered.output
    assert lab.must("stack", "export", "--show-secrets").output == before
    lab.is_linked()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["recover"], "--stack"),
        (["recover", "--stack", "lab", "--cwd", "/"], "Pulumi.yaml"),
        (["recover", "--stack", ""], "--stack"),
        (["fly"], "fly"),
    ],
)
def test_a_wrong_request_is_exit_code_2_and_touches_nothing(
    lab: Lab, arguments: list[str], named: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vmc_account_link", *arguments],
        cwd=REPOSITORY,
        env=lab.command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert named in done.stderr
