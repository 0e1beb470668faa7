"""Whose link is it: the organisation and AWS account of a resource, the CloudFormation stack of a record.

An organisation holds one record for each AWS account, which names the CloudFormation stack that made the
link.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.dynamic import CheckFailure

from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.errors import AlreadyLinked, SettingsError
from vmc_account_link.settings import VmcSettings

IDENTITY = ("org_id", "account_number")


def identity_failures(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[CheckFailure]:
    """The failures of a `check` whose organisation or AWS account differs from the one in the state."""
    text = {"org_id": "organisation", "account_number": "AWS account"}
    return [
        CheckFailure(
            key,
            f"this Pulumi stack holds a link of {text[key]} {olds[key]}, and it can't be moved: "
            "use the old settings and credentials, or another Pulumi stack",
        )
        for key in IDENTITY
        if isinstance(olds.get(key), str) and isinstance(news.get(key), str) and olds[key] != news[key]
    ]


def same_organisation(settings: VmcSettings, props: Mapping[str, Any]) -> None:
    """Make sure that the settings are those of the organisation in the state.

    A refresh or a destroy runs no program, so nobody has compared them; and an account that is missing from
    another organisation's list is not gone.

    Raises:
        SettingsError: they are of another organisation.
    """
    if settings.org_id != props["org_id"]:
        raise SettingsError(
            "vmc:orgId",
            f"this Pulumi stack holds a link of organisation {props['org_id']}, not {settings.org_id}",
            "Nothing was changed: set it back (vmc:orgId or ORG_ID).",
        )


def find_account(accounts: Sequence[AccountRecord], account_number: str) -> AccountRecord | None:
    """The live record of an AWS account; a DELETED one does not count, an ACTIVE one goes first."""
    live = [a for a in accounts if a.account_number == account_number and a.state != AccountState.DELETED]
    live.sort(key=lambda account: account.state != AccountState.ACTIVE)
    return live[0] if live else None


def was_created_by(account: AccountRecord | None, stack_names: Sequence[str]) -> bool:
    """Whether the record says that one of our stacks made the link."""
    return account is not None and account.cf_stack_name in stack_names


def refuse_another_stacks_link(account: AccountRecord | None, stack_names: Sequence[str]) -> None:
    """Make sure that an account's live link is not another stack's.

    Args:
        account: its record, just read; None where it has none.
        stack_names: the stacks that are ours.

    Raises:
        AlreadyLinked: it is, and ACTIVE.
    """
    if account is None or account.state != AccountState.ACTIVE or was_created_by(account, stack_names):
        return
    raise AlreadyLinked(
        f"link AWS account {account.account_number}",
        f'CloudFormation stack "{account.cf_stack_name}" linked it already (connected account {account.id})',
        "Nothing was created: either use that link (vmc-account-link:link `existing`), or unlink the account "
        "where it was linked and run `pulumi up` again (an organisation holds one link for each account).",
    )
