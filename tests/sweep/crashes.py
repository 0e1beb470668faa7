"""The crash sweep: kill -9 at every call of `up` and `destroy` and at random moments, recover, run it again.

To add a crash, let `crash_cases` have one more `CrashCase`; to add a moment in a call's life, a `Moment`.
"""

import argparse
import contextlib
import dataclasses
import functools
import random
import subprocess
import time
from enum import StrEnum

from sandbox.faults import FaultKind, PlannedFault
from tests.support.lab import Lab
from tests.support.processes import kill
from tests.sweep.harness import Case, Played, Sweep
from tests.sweep.points import Point, recorded_points
from tests.sweep.stage import Stages, ending_of, recover, run
from tests.sweep.verdict import shortfalls
from vmc_account_link.link.progress import LIST_GRACE_SECONDS

_HOLD_SECONDS = 3.0
"""How long a request is on its way where the kill has to come before its effect."""
_COMMAND_SECONDS = 100.0
_RECOVER_SECONDS = 120.0
_TRIES = 5
"""Random moments of one case, of which some come too late."""
_WITH_EFFECT = frozenset(
    {"request-link", "cloudformation.CreateStack", "unlink", "cloudformation.DeleteStack"}
)


class Moment(StrEnum):
    """When in a call's life the kill comes."""

    LOST = "lost"
    """The request is on its way and never takes effect."""
    LATE = "late"
    """The request is on its way and takes effect once its sender is dead; for calls that have one."""
    AFTER = "after"
    """The request has taken effect; its answer may or may not have been received."""
    ANY = "any"
    """At random, whatever is under way."""


_FAULTS = {Moment.LOST: FaultKind.TIME_OUT, Moment.LATE: FaultKind.LATE}


class FellShort(Exception):
    """The end is not as without the crash; the text says how."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrashCase(Case):
    """One kill -9 of `pulumi`, and what a person does then."""

    operation: str
    """`up` or `destroy`."""
    everything: bool
    """The CLI and all that it started, or the CLI alone."""
    moment: Moment = Moment.ANY
    point: Point | None = None
    """The call at which it comes; None: at a random moment."""
    seed: int = 0
    """Of the random moment."""

    @property
    def row(self) -> str:
        """The call."""
        return self.point.name if self.point else f"{self.operation} at random"

    @property
    def column(self) -> str:
        """When, and what is killed."""
        return f"{self.moment} {'all' if self.everything else 'CLI'}"

    @property
    def name(self) -> str:
        """Row and column, and which of the random moments."""
        return f"{self.row}: {self.column}" + ("" if self.point else f" {self.seed}")

    @property
    def needs_link(self) -> bool:
        """A `destroy` needs something to destroy."""
        return self.operation == "destroy"

    def play(self, stages: Stages, /) -> Played:
        """Crash, recover, go on, and check; a random moment that came too late is drawn again."""
        if self.point:
            return self._play_once(stages, seconds=0.0)
        draw, usual = random.Random(self.seed), _usual_seconds(stages, self.operation)  # noqa: S311 - no secret
        for _ in range(_TRIES):
            # The later of two, as more than half of a quick `up` has passed before its first call.
            played = self._play_once(stages, seconds=usual * max(draw.random(), draw.random()))
            if played.fell_short or played.details["killed_after"]:
                break
        return played

    def _play_once(self, stages: Stages, *, seconds: float) -> Played:
        said, killed_after, short = "", "", ""
        with stages.lent(self.operation) as lent:
            lab = lent.lab
            links_before = len(lab.control.links())
            lab.box.control.clear_journal()
            try:
                killed_after = self._kill(lab, seconds)
                lab.box.world.faults.clear()
                if killed_after:
                    said = _recover(lab)
                    self._finish_and_check(lab, links_before, was_recovered="taken into" in said)
            except FellShort as reason:
                short = " ".join(str(reason).split())[-1500:]
            lent.ended_well = not short
        details = {"killed_after": killed_after, "recovered": said}
        return Played(verdict="ok" if killed_after else "too late", fell_short=short, details=details)

    def _kill(self, lab: Lab, seconds: float) -> str:
        """Start the command and kill it; the last call before that, or nothing where it had ended."""
        if self.point and self.moment in _FAULTS:
            lab.box.world.faults.plan(
                PlannedFault(
                    service=self.point.service,
                    call=self.point.call,
                    nth=self.point.nth,
                    kind=_FAULTS[self.moment],
                    seconds=_HOLD_SECONDS,
                )
            )
        started = lab.start(self.operation)
        if self.point:
            self._wait_for(self.point, lab, started)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(seconds)
        if started.poll() is not None:
            return ""
        kill(started, everything=self.everything)
        entries = lab.box.world.journal.entries()
        return f"{entries[-1].service} {entries[-1].call}" if entries else "-"

    def _wait_for(self, point: Point, lab: Lab, started: subprocess.Popen[str]) -> None:
        """Return at the call.

        Raises:
            FellShort: the command never came there.
        """
        deadline = time.monotonic() + _COMMAND_SECONDS
        world = lab.box.world
        while started.poll() is None and time.monotonic() < deadline:
            if self.moment in _FAULTS:
                if not world.faults.planned():
                    return  # the fault is used up: the call is being held
            else:
                calls = [(entry.service, entry.call) for entry in world.journal.entries()]
                if calls.count((point.service, point.call)) >= point.nth:
                    return
            time.sleep(0.02)
        if started.poll() is None:
            started.kill()
            started.wait()
        raise FellShort(f"{point.call} was never made")

    def _finish_and_check(self, lab: Lab, links_before: int, *, was_recovered: bool) -> None:
        """Run the command again; where a stack was recovered once more, which must find nothing to do.

        Raises:
            FellShort: something is not as without the crash.
        """
        if self.operation == "destroy":
            # Who deleted it was killed: that an account which is missing is not on its way to the list, only
            # these minutes can show. Nobody waits for them.
            lab.control.advance(LIST_GRACE_SECONDS)
        again = run(lab, self.operation, seconds=_COMMAND_SECONDS)
        if again.code != 0:
            raise FellShort(f"the next {self.operation} exited with {again.code}: {again.output}")
        ending = ending_of(lab, links_before=links_before)
        reasons = shortfalls(self.operation, ending)
        if self.operation == "up":
            if ending.stacks_made != 1:
                reasons.append(f"{ending.stacks_made} stacks made")
            if ending.links > 2:
                reasons.append(f"{ending.links} links requested")
            if was_recovered:
                unchanged = run(lab, "up", "--expect-no-changes", seconds=_COMMAND_SECONDS)
                if unchanged.code != 0:
                    reasons.append(f"the up after that had something to do: {unchanged.output}")
        if reasons:
            raise FellShort("; ".join(reasons))


def _recover(lab: Lab) -> str:
    """Run the command that the README names.

    Raises:
        FellShort: it failed.
    """
    done = recover(lab, seconds=_RECOVER_SECONDS)
    if done.code != 0:
        raise FellShort(f"recover exited with {done.code}: {done.output}")
    return done.output


@functools.cache
def _usual_seconds(stages: Stages, operation: str) -> float:
    """How long the clean command takes here, by one of it."""
    with stages.lent(operation) as lent:
        done = run(lent.lab, operation, seconds=_COMMAND_SECONDS)
        lent.ended_well = done.code == 0
    return done.seconds


def crash_cases(options: argparse.Namespace) -> list[CrashCase]:
    """Each distinct call of a clean run, by moment, by what is killed; and random moments.

    The same call again is another point only where something has been done since: a poll is not. Of the
    random moments, three are of `up` to one of `destroy`, half of them of the CLI alone.
    """
    at_calls = [
        CrashCase(operation=point.operation, point=point, moment=moment, everything=everything)
        for point in recorded_points()
        if not point.is_repeated
        for moment in (Moment.LOST, *([Moment.LATE] if point.call in _WITH_EFFECT else []), Moment.AFTER)
        for everything in (False, True)
    ]
    at_random = [
        CrashCase(operation="destroy" if seed % 4 == 3 else "up", everything=seed // 4 % 2 == 0, seed=seed)
        for seed in range(options.random)
    ]
    return at_calls + at_random


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--random", type=int, default=200, help="random moments (default 200)")


SWEEP = Sweep(
    name="crashes",
    purpose="kill -9 at every call and at random moments, then recover",
    cases=crash_cases,
    legend="lost: the request had no effect; late: it had one once its sender was dead; after: it had one;\n"
    "any: random moments; ok: `recover`, and the next one ended as without the crash; too late: no kill",
    add_options=_add_options,
)
