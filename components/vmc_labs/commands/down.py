"""`down` and `reap`: take labs down; what is going to happen is shown first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from vmc_labs.commands.up import act
from vmc_labs.fleet.plan import Step, plan_down, plan_reap
from vmc_labs.fleet.results import LabResult
from vmc_labs.fleet.session import FleetSession
from vmc_labs.fleet.status import FleetSnapshot
from vmc_labs.output.terminal import Output

Agree = Callable[[], bool]
"""Asks the person, after the plan was shown."""


def plan(session: FleetSession) -> list[Step]:
    """What `down` would do.

    Raises:
        CommandFailed: what is there could not be snapshot.
    """
    return plan_down(session.labs, session.fleet_reader.snapshot(session.labs, ask_service=False))


def plan_expired(session: FleetSession, *, now: datetime) -> list[Step]:
    """What `reap` would do: also with labs that the spec does not have any more.

    Raises:
        CommandFailed: what is there could not be snapshot.
    """
    unlisted_labs = session.unlisted_labs()
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=False)
    states = {**snapshot.states, **{lab.stack: state for lab, state in unlisted_labs}}
    labs = [*session.spec.labs, *(lab for lab, _ in unlisted_labs)]
    return plan_reap(labs, FleetSnapshot(states=states), now=now)


def run(
    session: FleetSession, steps: Sequence[Step], *, parallel: int | None, output: Output, agree: Agree
) -> list[LabResult] | None:
    """Show the plan, ask, and take the labs down; None where the person did not agree.

    Raises:
        RequestError: something is missing that every lab would fail on; nothing was touched.
    """
    output.plan(steps)
    if not any(step.verb for step in steps):
        return []
    session.ready_to_act()
    if not agree():
        return None
    return act(session, steps, parallel=parallel, output=output)
