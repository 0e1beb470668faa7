"""`plan`: what `up` would do with each lab, and why; nothing is touched."""

from vmc_account_link.errors import RequestError
from vmc_labs.fleet.plan import Step, plan_up
from vmc_labs.fleet.session import FleetSession
from vmc_labs.spec.credentials import vmc_settings


def run(session: FleetSession, *, failed: bool = False) -> list[Step]:
    """Look and decide.

    Without a VMC token the states alone are looked at, not what the service says.

    Raises:
        CommandFailed, VmcError: what is there could not be snapshot.
    """
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=has_tokens(session))
    return plan_up(session.labs, snapshot, failed=failed)


def has_tokens(session: FleetSession) -> bool:
    """Whether the service can be asked about every lab."""
    try:
        for service in {lab.service for lab in session.labs}:
            vmc_settings(service, session.fleet_reader.environment)
    except RequestError:
        return False
    return True
