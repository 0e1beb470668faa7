"""The dynamic resource that stands for the connected account: it waits, watches, and unlinks.

Identity: the organisation and the AWS account; the record's id is an output, because running a new link
may change it. A refresh shows drift (BROKEN, another stack's, gone). Deleting unlinks the account and looks
again that it is gone; Pulumi does that before it deletes the stack, whose roles the link needs.
"""

import math
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
from vmc_account_link.link.ownership import identity_failures, same_organisation
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.wait import unlink_until_gone, wait_until_linked
from vmc_account_link.provider import AccountProvider, record_outputs


class ConnectedAccountProvider(AccountProvider):
    """Wait for, watch and unlink an account. Pickled by reference into every state file: never moves."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Judge the inputs; unknown ones are judged when they are known."""
        failures = identity_failures(olds, news)
        minutes = news.get("link_timeout_minutes")
        if isinstance(minutes, int | float) and not (math.isfinite(minutes) and minutes >= 1):
            failures.append(CheckFailure("link_timeout_minutes", "a wait of at least 1 minute is needed"))
        return CheckResult(inputs=news, failures=failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare what was asked for and what the last look at the service showed.

        An unknown `stack_id` of a resource that exists means that the stack is about to be replaced; this
        one goes first then, so that the account is unlinked before its stack is deleted. Once a new stack
        is there its id is known: the link is waited for again and nothing is unlinked.
        """
        if not isinstance(news.get("stack_id"), str):
            return DiffResult(changes=True, replaces=["stack_id"], delete_before_replace=True)
        settings = ("link_timeout_minutes", "unlink_on_destroy")
        changed = any(news.get(key) != olds.get(key) for key in settings)
        return DiffResult(changes=changed or _must_wait(olds, news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait until the account is ACTIVE under our stack's name.

        Raises:
            LinkFailed: the service's task FAILED or was CANCELED.
            LinkTimedOut: `link_timeout_minutes` passed.
            VmcError: the service refused for good.
        """
        account = self._wait(props)
        return CreateResult(
            id_=f"{props['org_id']}/{props['account_number']}", outs={**props, **record_outputs(account)}
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again where a new link was run or the account is not as it should be; keep the outputs.

        Raises:
            VmcError: as `create`.
        """
        kept = {**olds, **news}
        if not _must_wait(olds, news):
            return UpdateResult(outs=kept)
        return UpdateResult(outs={**kept, **record_outputs(self._wait(news))})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Unlink the account, and look that it is gone.

        A record that another stack has taken over since is left alone: it is no longer our link.

        Raises:
            Refused: SDDCs use the link.
            SettingsError: the settings are of another organisation.
            UnlinkTimedOut: the record did not leave the list.
            VmcError: the service could not be asked.
        """
        if not props.get("unlink_on_destroy", True):
            self.context.emit_progress(
                f"AWS account {props['account_number']} stays linked (unlinkOnDestroy is false)"
            )
            return
        same_organisation(self.settings, props)
        with self.open_client() as vmc:
            unlink_until_gone(vmc, props["account_number"], props["stack_name"], context=self.context)

    def _wait(self, inputs: Mapping[str, Any]) -> AccountRecord:
        target = LinkTarget(
            account_number=inputs["account_number"],
            stack_name=inputs["stack_name"],
            tracking_task=inputs.get("tracking_task"),
            previous_revision=inputs.get("previous_revision"),
        )
        with self.open_client() as vmc:
            return wait_until_linked(
                vmc,
                target,
                timeout_seconds=float(inputs["link_timeout_minutes"]) * 60,
                context=self.context,
            )


def _must_wait(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether a new link was run, or the last look did not show the account ACTIVE under our stack's name."""
    keys = ("stack_id", "stack_name", "tracking_task")
    return (
        any(news.get(key) != olds.get(key) for key in keys)
        or olds.get("connected_account_state") != AccountState.ACTIVE
        or olds.get("cf_stack_name") != news.get("stack_name")
    )


class ConnectedAccount(Resource, module=resource_types.PACKAGE, name="ConnectedAccount"):
    """The AWS account as the VMC organisation knows it."""

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
        stack_name: pulumi.Input[str],
        stack_id: pulumi.Input[str],
        tracking_task: pulumi.Input[str | None],
        previous_revision: pulumi.Input[str | None] = None,
        link_timeout_minutes: pulumi.Input[int],
        unlink_on_destroy: pulumi.Input[bool],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connected account.

        Args:
            name: the resource's name.
            org_id: the VMC organisation.
            account_number: the AWS account, 12 digits.
            stack_name: the CloudFormation stack that ran the link's template.
            stack_id: that stack's id; the wait starts when it is there.
            tracking_task: id of the service's task.
            previous_revision: of the record that the link is to renew (`LinkRequest.previous_revision`).
            link_timeout_minutes: the deadline of the wait, at least 1.
            unlink_on_destroy: whether deleting this resource unlinks the account.
            opts: resource options.
        """
        super().__init__(
            ConnectedAccountProvider(),
            name,
            {
                "org_id": org_id,
                "account_number": account_number,
                "stack_name": stack_name,
                "stack_id": stack_id,
                "tracking_task": tracking_task,
                "previous_revision": previous_revision,
                "link_timeout_minutes": link_timeout_minutes,
                "unlink_on_destroy": unlink_on_destroy,
                # Outputs have to be named here to become attributes.
                "connected_account_id": None,
                "connected_account_state": None,
                "cf_stack_name": None,
            },
            opts,
        )
