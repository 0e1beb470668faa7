"""One cell on the real engine: plan the fault, run, run again, look at the world."""

import dataclasses
import time

from sandbox.journal import Entry
from tests.support.lab import Lab
from tests.sweep.kinds import FIRST_REJECTED_SECONDS, Cell
from tests.sweep.stage import RECOVER, Stages, ending_of, leaks, recover, run, secrets_of
from tests.sweep.verdict import NOT_REACHED, Finished, Observation, Verdict, assess, error_lines

SECONDS = 100.0
"""For each command of a cell; more where the fault itself takes long."""
_IDLE_SECONDS = 220.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A cell's verdict and what it rests on."""

    cell: str
    point: str
    kind: str
    verdict: Verdict
    reason: str
    said: str
    """What the failed command said went wrong."""
    stacks_made: int
    seconds: float
    output: str = ""
    """The commands' output without secrets, where the cell fell short."""


def play(cell: Cell, stages: Stages) -> Result:
    """Play a cell, twice where its fault was missed: a poll can come too late."""
    result = _play_once(cell, stages)
    return _play_once(cell, stages) if result.reason == NOT_REACHED else result


def _play_once(cell: Cell, stages: Stages) -> Result:
    started = time.monotonic()
    lab = stages.linked() if cell.point.operation == "destroy" else stages.empty()
    verdict = Verdict.FELL_SHORT
    try:
        found, output = _describe_account(cell, lab)
        verdict, reason = assess(found)
        for name, secret in secrets_of(lab).items():
            output = output.replace(secret, f"[{name}]")
    finally:
        is_linked = cell.point.operation == "up" and verdict is not Verdict.FELL_SHORT
        (stages.keep if is_linked else stages.drop)(lab)
    return Result(
        cell=cell.name,
        point=cell.point.name,
        kind=cell.kind.name,
        verdict=verdict,
        reason=reason,
        said="; ".join(error_lines(found.first.output) if found.first.code else []),
        stacks_made=found.ending.stacks_made,
        seconds=round(time.monotonic() - started, 1),
        output=output if verdict is Verdict.FELL_SHORT else "",
    )


def _describe_account(cell: Cell, lab: Lab) -> tuple[Observation, str]:
    operation, box = cell.point.operation, lab.box
    links_before = len(box.control.links())
    box.control.clear_journal()
    seconds = _IDLE_SECONDS if cell.kind.idles else SECONDS
    if (fault := cell.fault()) is not None:
        box.world.faults.plan(fault)
    else:
        box.world.faults.refuse[cell.point.server](FIRST_REJECTED_SECONDS)
    started = time.monotonic()
    first = run(lab, operation, seconds=seconds)
    was_reached = _was_reached(cell, box.world.journal.entries(), started=started)
    box.world.faults.clear()
    if not box.wait_until_reachable():
        raise RuntimeError("a refusing server did not listen again")
    second = recovered = third = unchanged = None
    if first.code != 0:
        last = second = run(lab, operation, seconds=SECONDS)
        if second.code != 0 and RECOVER in second.output:
            recovered = recover(lab, seconds=SECONDS)
            last = third = run(lab, operation, seconds=SECONDS)
        if last.code == 0 and operation == "up":
            unchanged = run(lab, operation, "--expect-no-changes", seconds=SECONDS)
    commands = [done for done in (first, second, recovered, third, unchanged) if done is not None]
    output = "\n".join(
        f"--- exit code {done.code} after {done.seconds:.1f} s\n{done.output}" for done in commands
    )
    found = Observation(
        operation=operation,
        call=cell.point.call,
        was_reached=was_reached,
        first=first,
        second=second,
        recovered=recovered,
        third=third,
        unchanged=unchanged,
        ending=ending_of(lab, links_before=links_before),
        leaks=leaks(lab, output),
    )
    return found, output


def _was_reached(cell: Cell, entries: tuple[Entry, ...], *, started: float) -> bool:
    """Whether the fault took effect, by the journal.

    A refused connection leaves no trace: the port was closed before the call came, and what came next
    to that server, if anything did, came once it was open again.
    """
    if cell.kind.name != "refused":
        return any(entry.fault is not None for entry in entries)
    if cell.is_rejected_first:
        closed, seconds = started, FIRST_REJECTED_SECONDS
    else:
        at = [entry.monotonic for entry in entries if entry.fault is not None]
        if not at:
            return False
        fault = cell.fault()
        closed, seconds = at[0], (fault.seconds if fault else None) or 0.0
    servers = {"aws": {"aws"}, "vmware": {"vmc", "csp", "template"}}[cell.point.server]
    later = [entry.monotonic for entry in entries if entry.service in servers and entry.monotonic > closed]
    return not later or later[0] >= closed + seconds * 0.9


def record(operation: str, stages: Stages) -> tuple[tuple[str, str], ...]:
    """The calls of a clean `up`, or of the clean `destroy` after one.

    Raises:
        RuntimeError: the command failed.
    """
    lab = stages.linked() if operation == "destroy" else stages.empty()
    lab.box.control.clear_journal()
    done: Finished = run(lab, operation, seconds=SECONDS)
    entries = lab.box.world.journal.entries()
    is_linked = operation == "up" and done.code == 0
    (stages.keep if is_linked else stages.drop)(lab)
    if done.code != 0:
        raise RuntimeError(f"a clean {operation} failed:\n{done.output}")
    return tuple((entry.service, entry.call) for entry in entries)
