"""`recover SPEC`: what a crash has left of any of a fleet's labs, put right."""

from collections.abc import Sequence

from vmc_labs.commands.up import act
from vmc_labs.fleet.plan import plan_recover
from vmc_labs.fleet.results import LabResult
from vmc_labs.fleet.session import FleetSession
from vmc_labs.output.terminal import Output


def run(
    session: FleetSession, *, parallel: int | None, lost_hosts: Sequence[str], force: bool, output: Output
) -> list[LabResult]:
    """Recover the labs that a crash may have left something of.

    Raises:
        RequestError: something is missing that every lab would fail on; nothing was touched.
        CommandFailed: what is there could not be snapshot; nothing was touched.
    """
    session.ready_to_act()
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=False)
    steps = plan_recover(session.labs, snapshot, session.fleet_reader.locked(session.labs))
    output.plan(steps)
    return act(session, steps, parallel=parallel, output=output, lost_hosts=lost_hosts, force=force)
