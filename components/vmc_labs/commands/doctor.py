"""`doctor`: is everything there that an `up` needs? Nothing is touched."""

import dataclasses
import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.aws_reader import AwsReader
from vmc_account_link.cli.check_result import CheckResult, Verdict, passed, run_check
from vmc_account_link.cli.checks import check_identity, check_link
from vmc_account_link.link.ownership import LinkEvidence, decide_owner, find_account
from vmc_labs.fleet import sizing
from vmc_labs.fleet.session import FleetSession
from vmc_labs.spec.credentials import aws_access, vmc_settings
from vmc_labs.spec.model import LabSpec

_AT_A_TIME = 8

Accounts = dict[str, tuple[AccountRecord, ...]]
"""Organisation -> its connected accounts, as far as they could be asked for."""


def run(session: FleetSession) -> tuple[CheckResult, ...]:
    """Look at the backend, each organisation's token, and each lab's AWS credentials and account."""
    accounts: Accounts = {}
    first = [
        run_check("secrets", lambda: _secrets(session)),
        run_check("backend", lambda: _backend(session)),
        *(
            run_check(name, functools.partial(_organisation, name, session, lab, accounts))
            for name, lab in {f"organisation {lab.service.org_id}": lab for lab in session.labs}.items()
        ),
    ]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        labs = pool.map(lambda lab: run_check(f"lab {lab.name}", lambda: _lab(lab, accounts)), session.labs)
        return *first, *labs, run_check("this machine", lambda: _machine(session))


def _machine(session: FleetSession) -> CheckResult:
    width = sizing.parallel(requested=session.spec.parallel)
    return passed("this machine", f"{width} labs at a time; logs in {session.paths.logs}")


def _secrets(session: FleetSession) -> CheckResult:
    session.ready_to_act()
    return passed("secrets", "the tokens, and what encrypts the states, are set")


def _backend(session: FleetSession) -> CheckResult:
    count = len(session.fleet_reader.tagged(session.spec.event))
    return passed("backend", f"{session.backend}: {count} Pulumi stacks of this event")


def _organisation(name: str, session: FleetSession, lab: LabSpec, accounts: Accounts) -> CheckResult:
    with VmcClient(vmc_settings(lab.service, session.fleet_reader.environment)) as vmc:
        found = accounts[lab.service.org_id] = vmc.list_connected_accounts()
    return passed(name, f"{lab.service.vmc_url} takes the token; {len(found)} connected accounts")


def _lab(lab: LabSpec, accounts: Mapping[str, tuple[AccountRecord, ...]]) -> CheckResult:
    """Whose credentials the lab has, and whether its account can be linked."""
    caller = AwsReader(aws_access(lab)).caller()
    result = check_identity(caller, lab.aws_account_id)
    if result.verdict is Verdict.PASS and lab.service.org_id in accounts:
        record = find_account(accounts[lab.service.org_id], caller.account)
        result = check_link(
            caller.account,
            record,
            uses_existing=lab.settings.get("link") == "existing",
            stack_name=lab.stack_name,
            owns=record is not None
            and decide_owner(
                record, LinkEvidence(account_number=caller.account, stack_names=(lab.stack_name,))
            ).is_own,
        )
    return dataclasses.replace(result, name=f"lab {lab.name}")
