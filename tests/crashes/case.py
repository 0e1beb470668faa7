"""One crash: a command is killed at a point, the stack is recovered, and the command is run again."""

import contextlib
import dataclasses
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from sandbox.environment import Sandbox
from tests.support.lab import ACCOUNT, REPOSITORY, Lab

UP_CALLS = (
    "sts.GetCallerIdentity",
    "exchange-token",
    "list-connected-accounts",
    "mint-link",
    "download-template",
    "cloudformation.CreateStack",
    "cloudformation.DescribeStacks",
    "cloudformation.GetTemplate",
    "get-task",
)
DESTROY_CALLS = (
    "sts.GetCallerIdentity",
    "exchange-token",
    "list-connected-accounts",
    "unlink",
    "cloudformation.DeleteStack",
    "cloudformation.DescribeStacks",
)
_LONGEST_SECONDS = 9.0
"""A little more than the command takes: some random kills come too late, as in life."""
_HOLD_SECONDS = 3.0
"""How long a call is held so that the kill comes before its effect."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """When to kill what."""

    command: str
    """`up` or `destroy`."""
    everything: bool
    """The CLI and all that it started, or the CLI alone."""
    call: str | None = None
    """Kill at this call; None: at a random moment."""
    before_effect: bool = False
    """Kill while the call is on its way, or once it has been answered."""
    seed: int = 0
    """Of the random moment."""

    def __str__(self) -> str:
        what = "all" if self.everything else "CLI"
        if self.call is None:
            return f"{self.command}, random moment {self.seed}, {what}"
        return f"{self.command}, {'before' if self.before_effect else 'after'} {self.call}, {what}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it."""

    crash: str
    fell_short: str | None
    """None where the end is as without the crash; else why not."""
    recovered: str
    """What `recover` said."""
    seconds: float


def run(crash: Crash, folder: Path) -> Outcome:
    """Crash, recover, go on, and look."""
    began = time.monotonic()
    said = ""
    with Sandbox.start(folder / "sandbox", first_poll_seconds=0.3) as box:
        lab = Lab(box, folder / "project")
        try:
            box.control.set_modes(stack_seconds=0.6, task_seconds=1.2)
            if crash.command == "destroy":
                lab.up()
            box.control.clear_journal()
            _kill(lab, crash)
            box.control.clear_faults()
            said = _recover(lab)
            _go_on_and_look(lab, crash)
            fell_short = None
        except AssertionError as error:
            fell_short = " ".join(str(error).split())[-1500:]
        finally:
            _end_everything(folder)
    return Outcome(crash=str(crash), fell_short=fell_short, recovered=said, seconds=time.monotonic() - began)


def run_in_folder(crash: Crash) -> Outcome:
    """Run one crash in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="vmc-crash-"))
    try:
        return run(crash, folder)
    except Exception as error:  # noqa: BLE001  # a case that can't be judged falls short
        return Outcome(
            crash=str(crash), fell_short=f"{type(error).__name__}: {error}", recovered="", seconds=0.0
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(lab: Lab, crash: Crash) -> None:
    if crash.call and crash.before_effect:
        service = "aws" if "." in crash.call else _service(crash.call)
        lab.control.plan_fault(service, crash.call, "time_out", seconds=_HOLD_SECONDS)
    started = subprocess.Popen(
        ["pulumi", crash.command, "--yes", "--skip-preview", "--non-interactive"],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if crash.call is None:
        time.sleep(random.Random(crash.seed).uniform(0.0, _LONGEST_SECONDS))  # noqa: S311  # not for secrets
    else:
        _wait_for(lab, crash, started)
    family = psutil.Process(started.pid).children(recursive=True) if crash.everything else []
    started.kill()
    started.wait()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _wait_for(lab: Lab, crash: Crash, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while started.poll() is None:
        assert time.monotonic() < deadline, f"{crash.call} was never made"
        if crash.before_effect and not lab.control.faults():
            return  # the fault is spent: the call is being held
        if not crash.before_effect and lab.control.journal(call=crash.call):
            return
        time.sleep(0.01)
    raise AssertionError(f"the command ended before {crash.call}")


def _service(call: str) -> str:
    return {"exchange-token": "csp", "download-template": "template"}.get(call, "vmc")


def _recover(lab: Lab) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "labs", "recover", "--stack", "lab", "--project", str(lab.folder)],
        cwd=REPOSITORY,
        env=lab.command_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"recover exited with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def _go_on_and_look(lab: Lab, crash: Crash) -> None:
    if crash.command == "destroy":
        lab.destroy()
        assert lab.resources() == {}, "something is left in the state"
        assert lab.control.connected_accounts() == (), "the account is still connected"
        return
    lab.up()
    (record,) = lab.control.connected_accounts()
    assert (record.account_number, record.state) == (ACCOUNT, "ACTIVE")
    outputs = lab.outputs()
    assert outputs["connected_account_id"] == record.id
    made = [e for e in lab.control.journal(call="cloudformation.CreateStack") if e.status == 200]
    gone = [e for e in lab.control.journal(call="cloudformation.DeleteStack") if e.status == 200]
    assert len(made) - len(gone) == 1, f"{len(made)} stacks made, {len(gone)} deleted"
    assert len(lab.control.links()) <= 2, "more links asked for than the crash explains"
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")


def _end_everything(folder: Path) -> None:
    """End what a crash left in the case's folder, so that the next case is not slowed by it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd().startswith(str(folder)):
                process.kill()
