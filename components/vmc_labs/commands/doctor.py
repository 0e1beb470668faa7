"""`doctor`: is everything there that an `up` needs? Nothing is touched."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.aws_reader import AwsReader
from vmc_account_link.errors import CommandFailed, VmcError
from vmc_account_link.link.ownership import find_account, was_created_by
from vmc_labs.fleet import sizing
from vmc_labs.fleet.session import FleetSession
from vmc_labs.spec.credentials import aws_access, vmc_settings
from vmc_labs.spec.model import LabSpec

_AT_A_TIME = 8


class Verdict(StrEnum):
    """How a check ended."""

    FINE = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    message: str
    """What was seen, and what to do where it is not fine."""


class _Wrong(Exception):
    """A check's text, where what was seen is not fine."""


def run(session: FleetSession) -> list[Check]:
    """Look at the backend, each organisation's token, and each lab's AWS credentials and account."""
    checks = [
        _check("secrets", lambda: _secrets(session)),
        _check("backend", lambda: _backend(session)),
    ]
    accounts: dict[str, tuple[AccountRecord, ...]] = {}
    checks += [
        _check(f"organisation {org_id}", functools.partial(_ask, session, lab, accounts))
        for org_id, lab in {lab.service.org_id: lab for lab in session.labs}.items()
    ]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        checks += pool.map(lambda lab: _check(f"lab {lab.name}", lambda: _lab(lab, accounts)), session.labs)
    return [*checks, _check("this machine", lambda: _machine(session))]


def _check(what: str, look: Callable[[], str]) -> Check:
    """A look's message, its warning, or why it failed."""
    try:
        return Check(what=what, verdict=Verdict.FINE, message=look())
    except _Wrong as warning:
        return Check(what=what, verdict=Verdict.WARNING, message=str(warning))
    except (CommandFailed, VmcError) as error:
        return Check(what=what, verdict=Verdict.BAD, message=str(error))


def _machine(session: FleetSession) -> str:
    width = sizing.parallel(requested=session.spec.parallel)
    return f"{width} labs at a time; logs in {session.paths.logs}"


def _secrets(session: FleetSession) -> str:
    session.ready_to_act()
    return "the tokens, and what encrypts the states, are set"


def _backend(session: FleetSession) -> str:
    return f"{session.backend}: {len(session.fleet_reader.tagged(session.spec.event))} stacks of this event"


def _ask(session: FleetSession, lab: LabSpec, accounts: dict[str, tuple[AccountRecord, ...]]) -> str:
    with VmcClient(vmc_settings(lab.service, session.fleet_reader.environment)) as vmc:
        accounts[lab.service.org_id] = vmc.list_connected_accounts()
    count = len(accounts[lab.service.org_id])
    return f"{lab.service.vmc_url} takes the token; {count} connected accounts"


def _lab(lab: LabSpec, accounts: Mapping[str, tuple[AccountRecord, ...]]) -> str:
    """Whose credentials the lab has, and whether its account can be linked.

    Raises:
        CommandFailed: they are no good, or another account's, or the account is linked by another stack.
        _Wrong: an `up` would work, but not as one might expect.
    """
    number = AwsReader(aws_access(lab)).caller().account
    if lab.aws_account_id and number != lab.aws_account_id:
        raise CommandFailed(
            f"the credentials are of AWS account {number}, awsAccountId is {lab.aws_account_id}"
        )
    if lab.service.org_id not in accounts:
        return f"AWS account {number}"
    record = find_account(accounts[lab.service.org_id], number)
    if lab.settings.get("link") == "existing":
        if record is None or record.state != AccountState.ACTIVE:
            raise CommandFailed(f"AWS account {number} is not linked: there is no link to use")
        return f"AWS account {number}, {record.state}"
    if record is None:
        return f"AWS account {number}, not linked yet"
    if was_created_by(record, [lab.stack_name]):
        return f"AWS account {number}, {record.state}"
    by = f'AWS account {number} is linked by another stack, "{record.cf_stack_name}"'
    if record.state == AccountState.ACTIVE:
        raise CommandFailed(f"{by}: use that link (link: existing), or unlink it where it was made")
    raise _Wrong(f"{by}, and is {record.state}")
