"""`recover SPEC`: what a crash has left of any of a fleet's labs, put right."""

from collections.abc import Sequence

from labs.commands.up import act
from labs.fleet_session import FleetSession
from labs.output import Output
from labs.plan import plan_recover, to_do
from labs.results import LabResult, Verb


def run(
    session: FleetSession, *, parallel: int | None, lost_hosts: Sequence[str], force: bool, output: Output
) -> list[LabResult]:
    """Recover the labs that a crash may have left something of.

    Raises:
        RequestError: something is missing that every lab would fail on; nothing was touched.
        LabsError: what is there could not be seen; nothing was touched.
    """
    session.ready_to_act()
    seen = session.lookout.look(session.labs, ask_service=False)
    steps = plan_recover(session.labs, seen, session.lookout.locked(session.labs))
    output.plan(steps)
    return act(
        session,
        to_do(steps),
        Verb.RECOVER,
        parallel=parallel,
        output=output,
        lost_hosts=lost_hosts,
        force=force,
    )
