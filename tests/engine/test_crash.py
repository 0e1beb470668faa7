"""A killed `pulumi up`, and what `python -m labs recover` makes of it, on the real engine.

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

from tests.support.lab import REPOSITORY, Lab

pytestmark = pytest.mark.engine


def kill_at(lab: Lab, call: str, *, group: bool, command: str = "up") -> None:
    """Start a command and kill -9 its CLI, alone or with all it started, once `call` has been answered."""
    started = subprocess.Popen(
        ["pulumi", command, "--yes", "--skip-preview", "--non-interactive"],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not lab.control.journal(call=call):
        assert time.monotonic() < deadline, f"{call} was never made"
        time.sleep(0.02)
    family = psutil.Process(started.pid).children(recursive=True) if group else []
    started.kill()
    started.wait()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def recover(lab: Lab) -> subprocess.CompletedProcess[str]:
    """Run the command that the README tells a person to run."""
    return subprocess.run(
        [sys.executable, "-m", "labs", "recover", "--stack", "lab", "--project", str(lab.folder)],
        cwd=REPOSITORY,
        env=lab.command_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def arrived(lab: Lab) -> None:
    """One live stack, one ACTIVE record of it, and a second `up` finds nothing to do."""
    (record,) = lab.control.connected_accounts()
    assert (record.state, record.cf_stack_name) == ("ACTIVE", "SDDC-Account-Link")
    assert lab.outputs()["connected_account_id"] == record.id
    assert lab.control.journal(call="cloudformation.CreateStack")
    again = lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "pending" not in again.output


@pytest.mark.parametrize("group", [False, True], ids=["CLI alone", "all it started"])
@pytest.mark.parametrize(
    "call", ["list-connected-accounts", "mint-link", "cloudformation.CreateStack", "get-task"]
)
def test_a_killed_up_is_recovered_and_the_next_one_arrives(lab: Lab, call: str, group: bool) -> None:  # noqa: FBT001
    lab.control.set_modes(stack_seconds=1.5, task_seconds=2.5)
    kill_at(lab, call, group=group)
    locked = lab.run("up", "--yes", "--skip-preview")
    assert "currently locked" in locked.output

    recovered = recover(lab)
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert "removed the lock" in recovered.stdout
    lab.up()
    arrived(lab)
    assert len([e for e in lab.control.journal(call="cloudformation.CreateStack") if e.status == 200]) == 1
    assert len(lab.control.links()) <= 2


def test_a_stack_whose_creation_failed_unheard_is_made_anew(lab: Lab) -> None:
    lab.control.set_modes(stack_outcome="roll_back", stack_seconds=1.5)
    kill_at(lab, "cloudformation.CreateStack", group=True)
    lab.control.set_modes(stack_outcome="complete", stack_seconds=0.4)
    assert recover(lab).returncode == 0
    lab.up()
    arrived(lab)


def test_a_killed_destroy_is_recovered_and_the_next_one_finishes(lab: Lab) -> None:
    lab.up()
    lab.control.set_modes(stack_seconds=1.5)
    lab.control.clear_journal()
    kill_at(lab, "cloudformation.DeleteStack", group=True, command="destroy")
    assert recover(lab).returncode == 0
    lab.destroy()
    assert lab.resources() == {}
    assert lab.control.connected_accounts() == ()


def test_a_stack_in_use_is_not_touched(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=600.0)
    started = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not lab.control.journal(call="get-task"):
        time.sleep(0.1)
    refused = recover(lab)
    assert refused.returncode == 1
    assert f"(pid {started.pid}," in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    lab.control.advance(600)
    assert started.wait(timeout=60) == 0
    arrived(lab)


def test_recover_killed_anywhere_can_be_run_again(lab: Lab) -> None:
    lab.control.set_modes(stack_seconds=1.5)
    kill_at(lab, "cloudformation.CreateStack", group=True)
    for after in (0.6, 1.2, 1.8):
        killed = subprocess.Popen(
            [sys.executable, "-m", "labs", "recover", "--stack", "lab", "--project", str(lab.folder)],
            cwd=REPOSITORY,
            env=lab.command_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(after)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    recovered = recover(lab)
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    lab.up()
    arrived(lab)


def test_a_stack_that_was_made_though_its_answer_was_lost_is_taken_into_the_state(lab: Lab) -> None:
    lab.control.plan_fault("aws", "cloudformation.CreateStack", "ok_empty", count=5)
    lab.fail_up()
    lab.control.clear_faults()
    assert "AlreadyExists" in lab.fail_up().output
    recovered = recover(lab)
    assert recovered.returncode == 0, recovered.stderr
    assert "made without the state knowing" in recovered.stdout
    lab.up()
    arrived(lab)
    assert "cloudformation.DeleteStack" not in lab.calls()


def test_a_state_whose_sidecar_was_cut_off_by_the_kill_is_read_again(lab: Lab) -> None:
    lab.up()
    (sidecar,) = (lab.box.folder / "state").rglob("stacks/*/lab.json.attrs")
    sidecar.write_text("")
    assert "failed to load checkpoint" in lab.run("stack", "export").output
    recovered = recover(lab)
    assert recovered.returncode == 0, recovered.stderr
    assert "lab.json.attrs" in recovered.stdout
    arrived(lab)


def test_a_healthy_stack_is_left_as_it_is(lab: Lab) -> None:
    lab.up()
    before = lab.must("stack", "export", "--show-secrets").output
    recovered = recover(lab)
    assert recovered.returncode == 0
    assert "nothing under way" in recovered.stdout
    assert lab.must("stack", "export", "--show-secrets").output == before
    arrived(lab)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["recover"], "--stack"),
        (["recover", "--stack", "lab", "--project", "/"], "Pulumi.yaml"),
        (["fly"], "fly"),
    ],
)
def test_a_wrong_request_is_exit_code_2_and_touches_nothing(
    lab: Lab, arguments: list[str], named: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labs", *arguments],
        cwd=REPOSITORY,
        env=lab.command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert named in done.stderr
