"""What every contender must leave behind, looked at after each run: the same for all of them."""

from collections.abc import Sequence

from bench.cloud import Account, Cloud, stack_names
from bench.measure import CommandFailed

STACK_NAME = "SDDC-Account-Link"


def must_be_linked(cloud: Cloud, accounts: Sequence[Account], *, links_requested: int | None = None) -> None:
    """Each account is linked once: one live stack, one ACTIVE record of it, one link asked for.

    Args:
        cloud: where to look.
        accounts: all that are linked.
        links_requested: how many links the journal shows to have been asked for; None: one for each account.

    Raises:
        CommandFailed: one is not.
    """
    records = {one.account_number: one for one in cloud.control.connected_accounts()}
    problems = []
    for account in accounts:
        stacks = stack_names(cloud.cloudformation(account))
        if list(stacks) != [(STACK_NAME, "CREATE_COMPLETE")]:
            problems.append(f"{account.number}: stacks {stacks}")
        record = records.pop(account.number, None)
        if record is None or record.state != "ACTIVE" or record.cf_stack_name != STACK_NAME:
            problems.append(f"{account.number}: record {record}")
    problems += [f"{number}: nobody asked for this link" for number in records]
    requested = cloud.requests()["vmc request-link"]
    expected = len(accounts) if links_requested is None else links_requested
    if requested != expected:
        problems.append(f"{requested} links were asked for, not {expected}")
    _raise_for(problems)


def must_be_gone(cloud: Cloud, accounts: Sequence[Account]) -> None:
    """No account has a stack or a record left.

    Raises:
        CommandFailed: one has.
    """
    records = {one.account_number for one in cloud.control.connected_accounts()}
    problems = [f"{account.number}: still linked" for account in accounts if account.number in records]
    problems += [
        f"{account.number}: stacks {stacks}"
        for account in accounts
        if (stacks := stack_names(cloud.cloudformation(account)))
    ]
    _raise_for(problems)


def _raise_for(problems: Sequence[str]) -> None:
    if problems:
        raise CommandFailed("the end state is wrong: " + "; ".join(problems[:5]))
