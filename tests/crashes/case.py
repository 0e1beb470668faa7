"""One crash on the real engine: kill, do what the README says, run the command again, look at the world."""

import contextlib
import dataclasses
import subprocess
import time

import psutil

from sandbox.faults import FaultKind, PlannedFault
from tests.crashes.points import Crash, Moment
from tests.support.lab import Lab
from tests.sweep.stage import Stages, end_everything_in, ending_of, recover, run
from tests.sweep.verdict import shortfalls

_HOLD_SECONDS = 3.0
"""How long a request is on its way where the kill has to come before its effect."""
_COMMAND_SECONDS = 100.0
_RECOVER_SECONDS = 120.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a crash."""

    crash: str
    row: str
    column: str
    killed_after: str
    """The last call that was journaled before the kill; `-`: none; empty: the kill came too late."""
    fell_short: str
    """Empty where the end is as without the crash; else why not."""
    recovered: str
    """What `recover` said."""
    seconds: float


class FellShort(Exception):
    """The end is not as without the crash; the text says how."""


def play(crash: Crash, stages: Stages, *, usual_seconds: float) -> Outcome:
    """Crash, recover, go on, and look."""
    began = time.monotonic()
    lab = stages.linked() if crash.operation == "destroy" else stages.empty()
    said, killed_after, fell_short = "", "", ""
    links_before = len(lab.control.links())
    lab.box.control.clear_journal()
    try:
        killed_after = _kill(lab, crash, usual_seconds)
        lab.box.world.faults.clear()
        if killed_after:
            said = _recover(lab)
            _finish_and_check(lab, crash, links_before, was_recovered="taken into" in said)
    except FellShort as reason:
        fell_short = " ".join(str(reason).split())[-1500:]
    finally:
        end_everything_in(lab.folder)
        is_linked = crash.operation == "up" and not fell_short
        (stages.keep if is_linked else stages.drop)(lab)
    return Outcome(
        crash=crash.name,
        row=crash.row,
        column=f"{'any' if crash.is_random else crash.moment.value} {crash.what}",
        killed_after=killed_after,
        fell_short=fell_short,
        recovered=said,
        seconds=round(time.monotonic() - began, 1),
    )


def _kill(lab: Lab, crash: Crash, usual_seconds: float) -> str:
    """Start the command and kill it; the last call before that, or nothing where it had ended."""
    kinds = {Moment.LOST: FaultKind.TIME_OUT, Moment.LATE: FaultKind.LATE}
    if not crash.is_random and crash.moment in kinds:
        lab.box.world.faults.plan(
            PlannedFault(
                service=crash.service,
                call=crash.call,
                nth=crash.nth,
                kind=kinds[crash.moment],
                seconds=_HOLD_SECONDS,
            )
        )
    started = subprocess.Popen(
        ["pulumi", crash.operation, "--yes", "--skip-preview", "--non-interactive"],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if crash.is_random:
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(crash.fraction * usual_seconds)
    else:
        _wait_for(lab, crash, started)
    if started.poll() is not None:
        return ""
    family = psutil.Process(started.pid).children(recursive=True) if crash.everything else []
    started.kill()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    started.wait()
    entries = lab.box.world.journal.entries()
    return f"{entries[-1].service} {entries[-1].call}" if entries else "-"


def _wait_for(lab: Lab, crash: Crash, started: subprocess.Popen[bytes]) -> None:
    """Return at the crash's call.

    Raises:
        FellShort: the command never came there.
    """
    deadline = time.monotonic() + _COMMAND_SECONDS
    world, is_held = lab.box.world, crash.moment is not Moment.AFTER
    while started.poll() is None and time.monotonic() < deadline:
        if is_held and not world.faults.planned():
            return  # the fault is spent: the call is being held
        if not is_held:
            made = [e for e in world.journal.entries() if (e.service, e.call) == (crash.service, crash.call)]
            if len(made) >= crash.nth:
                return
        time.sleep(0.02)
    if started.poll() is None:
        started.kill()
        started.wait()
    raise FellShort(f"{crash.call} was never made")


def _recover(lab: Lab) -> str:
    """Run the command that the README tells a person to run.

    Raises:
        FellShort: it failed.
    """
    done = recover(lab, seconds=_RECOVER_SECONDS)
    if done.code != 0:
        raise FellShort(f"recover exited with {done.code}: {done.output}")
    return done.output


def _finish_and_check(lab: Lab, crash: Crash, links_before: int, *, was_recovered: bool) -> None:
    """Run the command again; where a stack was adopted once more, which must find nothing to do.

    Raises:
        FellShort: something is not as without the crash.
    """
    again = run(lab, crash.operation, seconds=_COMMAND_SECONDS)
    if again.code != 0:
        raise FellShort(f"the next {crash.operation} exited with {again.code}: {again.output}")
    ending = ending_of(lab, links_before=links_before)
    reasons = shortfalls(crash.operation, ending)
    if crash.operation == "up":
        if ending.stacks_made != 1:
            reasons.append(f"{ending.stacks_made} stacks made")
        if ending.links > 2:
            reasons.append(f"{ending.links} links minted")
        if was_recovered:
            unchanged = run(lab, "up", "--expect-no-changes", seconds=_COMMAND_SECONDS)
            if unchanged.code != 0:
                reasons.append(f"the up after that had something to do: {unchanged.output}")
    if reasons:
        raise FellShort("; ".join(reasons))
