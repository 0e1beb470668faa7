"""`plan`: what `up` would do with each lab, and why; nothing is touched."""

from labs.credentials import vmc_settings
from labs.errors import RequestError
from labs.fleet_session import FleetSession
from labs.plan import Step, plan_up


def run(session: FleetSession, *, failed: bool = False) -> list[Step]:
    """Look and decide.

    Without a VMC token the states alone are looked at, not what the service says.

    Raises:
        LabsError, VmcError: what is there could not be seen.
    """
    seen = session.lookout.look(session.labs, ask_service=has_tokens(session))
    return plan_up(session.spec, seen, only=session.only, failed=failed)


def has_tokens(session: FleetSession) -> bool:
    """Whether the service can be asked about every lab."""
    try:
        for service in {lab.service for lab in session.labs}:
            vmc_settings(service, session.lookout.environment)
    except RequestError:
        return False
    return True
