"""The sweep of what a destroy leaves: an `up` that ends badly at each of its steps, then `pulumi destroy`.

To add a way for an `up` to end, let `Bad` have one more and `_end_badly` play it.
"""

import argparse
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from sandbox.faults import FaultKind, PlannedFault
from tests.support.lab import ACCOUNT, Lab
from tests.sweep.harness import Case, Played, Sweep
from tests.sweep.points import Point, recorded_points
from tests.sweep.stage import RECOVER, Stages, ending_of, recover, run
from tests.sweep.verdict import STACK_NAME, Ending, Finished

_SECONDS = 100.0
_TASK_SECONDS = 4.0
"""Of the service's part: long enough to be cut off, short enough to be waited for."""
_LOST_ANSWERS = 6
"""More than the attempts of any client."""
_HOUR = 3600.0


class Bad(StrEnum):
    """How an `up` ends."""

    KILLED = "kill -9"
    INTERRUPTED = "Ctrl-C"
    INTERRUPTED_TWICE = "Ctrl-C twice"
    LOST = "answers lost"
    FAILED = "task fails"
    CANCELED = "task canceled"
    ENDLESS = "time-out, task never ends"
    LATE = "time-out, account comes later"
    ROLLED_BACK = "stack rolls back"


AT_CALLS = (Bad.KILLED, Bad.INTERRUPTED, Bad.INTERRUPTED_TWICE, Bad.LOST)
_MODES: Mapping[Bad, Mapping[str, Any]] = {
    Bad.FAILED: {"task_outcome": "fail"},
    Bad.CANCELED: {"task_outcome": "cancel"},
    Bad.ENDLESS: {"task_outcome": "never"},
    Bad.LATE: {"task_seconds": 90.0},
    Bad.ROLLED_BACK: {"stack_outcome": "roll_back"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeftoverCase(Case):
    """One `up` that ends badly, and the destroy after it."""

    bad: Bad
    point: Point | None = None
    """The call at which it happens; None: what the services do in the whole run."""

    @property
    def row(self) -> str:
        """The call."""
        return self.point.name if self.point else "up as a whole"

    @property
    def column(self) -> str:
        """How it ends."""
        return self.bad.value

    @property
    def idles(self) -> bool:
        """A deadline of the shortest wait, a minute, is waited for; twice where the task never ends."""
        return self.bad in {Bad.ENDLESS, Bad.LATE}

    def play(self, stages: Stages, /) -> Played:
        """End an `up` badly, recover where that is asked for, destroy, and look at what is left."""
        with stages.lent("up") as lent:
            lab = lent.lab
            lab.box.control.set_modes(**{"task_seconds": _TASK_SECONDS, **_MODES.get(self.bad, {})})
            if self.idles:
                lab.set({"linkTimeoutMinutes": "1"})
            ended = self._end_badly(lab)
            lab.box.world.faults.clear()
            is_cut_off = self.bad in {Bad.KILLED, Bad.INTERRUPTED_TWICE}
            recovered = recover(lab, seconds=_SECONDS) if is_cut_off or RECOVER in ended.output else None
            destroyed = run(lab, "destroy", seconds=_SECONDS)
            if destroyed.code == 0:
                # What is on its way comes within an hour.
                lab.control.advance(_HOUR)
                short, verdict = what_is_left(ending_of(lab)), "nothing left"
            else:
                verdict = "named, then nothing left"
                short = [] if names_what_is_left(destroyed) else ["it failed and names nothing"]
                lab.control.advance(3 * _HOUR)
                again = run(lab, "destroy", seconds=_SECONDS)
                short += [] if again.code == 0 else ["the next destroy failed"]
                short += what_is_left(ending_of(lab))
        output = "\n".join(
            f"--- exit code {one.code} after {one.seconds:.1f} s\n{one.output}"
            for one in (ended, recovered, destroyed)
            if one is not None
        )
        return Played(
            verdict=verdict,
            fell_short="; ".join(short),
            said=f"up {ended.code}, {'recover, ' if recovered else ''}destroy {destroyed.code}",
            details={"output": output} if short else {},
        )

    def _end_badly(self, lab: Lab) -> Finished:
        if self.point is None:
            return run(lab, "up", seconds=_SECONDS)
        if self.bad is Bad.LOST:
            point = self.point
            lab.box.world.faults.plan(
                PlannedFault(
                    service=point.service,
                    call=point.call,
                    nth=point.nth,
                    kind=FaultKind.RESET_AFTER,
                    count=_LOST_ANSWERS,
                )
            )
            return run(lab, "up", seconds=_SECONDS)
        return _cut_off(lab, self.point, self.bad)


def _cut_off(lab: Lab, point: Point, bad: Bad) -> Finished:
    """Start an `up` as a terminal does, and end it by a signal when the call was made."""
    began = time.monotonic()
    log = Path(lab.folder) / "up.log"
    with log.open("w") as file:
        started = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
            cwd=lab.folder,
            env=lab.command_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while started.poll() is None and time.monotonic() < began + _SECONDS:
        calls = [(entry.service, entry.call) for entry in lab.box.world.journal.entries()]
        if calls.count((point.service, point.call)) >= point.nth:
            break
        time.sleep(0.02)
    if bad is Bad.KILLED:
        started.kill()
    elif started.poll() is None:
        os.killpg(started.pid, signal.SIGINT)
        if bad is Bad.INTERRUPTED_TWICE:
            time.sleep(0.5)
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGINT)
    code = started.wait(timeout=_SECONDS)
    return Finished(code=code, output=log.read_text(), seconds=time.monotonic() - began)


def what_is_left(ending: Ending) -> list[str]:
    """What there still is of a link after a destroy that ended with 0."""
    left = [f"stack {stack}" for stack in ending.live_stacks]
    left += [f"record {record}" for record in ending.records]
    left += [f"{len(ending.state)} resources in the state"] if ending.state else []
    return left


def names_what_is_left(destroyed: Finished) -> bool:
    """Whether a destroy that failed says of which account or stack something is left."""
    return any(name in destroyed.output for name in (ACCOUNT, STACK_NAME)) and destroyed.code is not None


def leftover_cases(_options: argparse.Namespace | None = None) -> list[LeftoverCase]:
    """Each way to end at each distinct call of an `up`, and those that the services bring about."""
    points = [one for one in recorded_points() if one.operation == "up" and not one.is_repeated]
    at_calls = [LeftoverCase(bad=bad, point=point) for point in points for bad in AT_CALLS]
    return at_calls + [LeftoverCase(bad=bad) for bad in _MODES]


SWEEP = Sweep(
    name="leftovers",
    purpose="an `up` that ends badly at each of its steps, then `pulumi destroy`",
    cases=leftover_cases,
    legend="nothing left: the destroy ended with 0, and an hour later there is no record and no stack;\n"
    "named, then nothing left: it failed, named the account or the stack, and the next one left nothing",
)
