"""The dynamic resource that stands for a connected account which somebody else linked.

Identity: the organisation and the AWS account. It looks the record up and watches it; nothing here can make,
run or remove a link, so a destroy leaves everything as it is (ADR 0011).
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Resource,
    UpdateResult,
)

from vmc_account_link import resource_types
from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.errors import NotLinked
from vmc_account_link.link.ownership import stack_description
from vmc_account_link.provider import PREVIEW, AccountProvider, record_outputs

_IDENTITY = ("org_id", "account_number")


class ExistingAccountProvider(AccountProvider):
    """Look an account up and watch it. Pickled by reference into every state file: never moves."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse to adopt where this Pulumi stack made a link: the engine would delete its stack.

        `olds` are those of the link request then, under whose name this resource is declared as well.
        """
        failures = []
        if "stack_name" in olds:
            failures.append(
                CheckFailure(
                    "link",
                    f"this Pulumi stack made the link of AWS account {olds.get('account_number')}, and "
                    f'`existing` would delete its CloudFormation stack "{olds["stack_name"]}": nothing was '
                    "changed. Set vmc-account-link:link back to `create`; to give the link away without "
                    "touching it, see docs/how-to/existing-link.md",
                )
            )
        inputs = self.check_early(news, self._fetch_account) if not olds else news
        return CheckResult(inputs=inputs, failures=failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Look again where the last look did not show the account ACTIVE; another account is another one."""
        other = [key for key in _IDENTITY if isinstance(news.get(key), str) and news[key] != olds.get(key)]
        unknown = any(not isinstance(news.get(key), str) for key in _IDENTITY)
        was_active = olds.get("connected_account_state") == AccountState.ACTIVE
        return DiffResult(changes=bool(other) or unknown or not was_active, replaces=other)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Look the account up.

        Raises:
            NotLinked: it is not connected, or not ACTIVE.
            VmcError: the service could not be asked.
        """
        account = self._fetch_account(props)
        return CreateResult(id_=f"{props['org_id']}/{props['account_number']}", outs={**props, **account})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Look the account up again.

        Raises:
            VmcError: as `create`.
        """
        return UpdateResult(outs={**olds, **news, **self._fetch_account(news)})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Leave everything as it is: the link is somebody else's."""

    def _fetch_account(self, props: Mapping[str, Any]) -> dict[str, Any]:
        account = self.find_record(props)
        if account is None or account.state != AccountState.ACTIVE:
            raise _no_existing_link(props, account)
        return record_outputs(account)


def _no_existing_link(props: Mapping[str, Any], account: AccountRecord | None) -> NotLinked:
    action = f"use the existing link of AWS account {props['account_number']}"
    if account is None:
        return NotLinked(
            action,
            f"organisation {props['org_id']} has no connected account of that number",
            "Link it first (vmc-account-link:link `create`, here or in one other Pulumi stack), or check "
            "vmc:orgId and the AWS credentials.",
        )
    return NotLinked(
        action,
        f"connected account {account.id} is {account.state} (linked by CloudFormation "
        f"{stack_description(account)})",
        "Repair the link where it was made (change `relink` there, or run its template again), then "
        "run `pulumi up` again.",
    )


class ExistingAccount(Resource, module=resource_types.PACKAGE, name="ExistingAccount"):
    """An AWS account that the VMC organisation knows already."""

    connected_account_id: pulumi.Output[str]
    """The record's id, which SDDC creation asks for."""
    connected_account_state: pulumi.Output[str]
    """What the service said when it was last asked; ACTIVE after a successful update."""
    cf_stack_name: pulumi.Output[str | None]
    """The stack that the service knows as the maker of the link."""
    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""

    def __init__(
        self,
        name: str,
        *,
        org_id: str,
        account_number: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the existing account.

        Args:
            name: the resource's name.
            org_id: the VMC organisation.
            account_number: the AWS account, 12 digits.
            opts: resource options.
        """
        super().__init__(
            ExistingAccountProvider(),
            name,
            {
                "org_id": org_id,
                "account_number": account_number,
                **({PREVIEW: True} if pulumi.runtime.is_dry_run() else {}),
                # Outputs have to be named here to become attributes.
                "connected_account_id": None,
                "connected_account_state": None,
                "cf_stack_name": None,
            },
            opts,
        )
