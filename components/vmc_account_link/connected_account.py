"""The dynamic resource that stands for the link from the moment that its CloudFormation stack has run.

It is made right after the stack and waits for nothing: a link can become real from then on, whatever becomes
of the `up`. Deleting it unlinks the account, one that is still on its way too, and looks again that it is
gone; Pulumi does that before it deletes the stack, whose roles the link needs (ADR 0003).

Identity: the organisation and the AWS account.
"""

import math
from typing import Any, Unpack

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from vmc_account_link import resource_types
from vmc_account_link.link.ownership import identity_failures, same_organisation
from vmc_account_link.link.wait import link_target, unlink_until_gone
from vmc_account_link.provider import LinkInputs, ServiceProvider

_KEPT = ("stack_id", "stack_name", "tracking_task", "link_timeout_minutes", "unlink_on_destroy")
"""What a later `delete` needs; a change of it is written down. `previous_revision` changes with the task."""
_OF_THE_RECORD = frozenset({"connected_account_id", "connected_account_state", "cf_stack_name"})


class ConnectedAccountProvider(ServiceProvider):
    """Stand for a link, and unlink it. Pickled by reference into every state file: never moves."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Judge the inputs; unknown ones are judged when they are known."""
        failures = identity_failures(olds, news)
        minutes = news.get("link_timeout_minutes")
        if isinstance(minutes, int | float) and not (math.isfinite(minutes) and minutes >= 1):
            failures.append(CheckFailure("link_timeout_minutes", "a wait of at least 1 minute is needed"))
        return CheckResult(inputs=news, failures=failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare what is kept for the end.

        An unknown `stack_id` of a resource that exists means that the stack is about to be replaced; this
        one goes first then, so that the account is unlinked before its stack is deleted. Once a new stack
        is there its id is known, and nothing is unlinked.
        """
        if not isinstance(news.get("stack_id"), str):
            return DiffResult(changes=True, replaces=["stack_id"], delete_before_replace=True)
        return DiffResult(changes=any(news.get(key) != olds.get(key) for key in _KEPT))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Write down that a stack has run the link's template."""
        return CreateResult(id_=f"{props['org_id']}/{props['account_number']}", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Write down what changed."""
        return UpdateResult(outs=news)

    def read(self, _id: str, props: dict[str, Any]) -> ReadResult:
        """Return what is stored: as long as the stack is there, an account that is not listed may come.

        But not the record, which is kept here in a state from before the wait was a resource: nobody has
        looked at it.
        """
        return ReadResult(_id, {key: value for key, value in props.items() if key not in _OF_THE_RECORD})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Unlink the account, and look that it is gone; one that is still on its way is waited for.

        A record that another stack has taken over since is left alone: it is no longer our link.

        Raises:
            OwnerUnclear: there is a record, and nothing shows whether it is our link.
            Refused: SDDCs use the link.
            SettingsError: the settings are of another organisation.
            UnlinkTimedOut: the record did not come, or did not leave the list.
            VmcError: the service could not be asked.
        """
        if not props.get("unlink_on_destroy", True):
            self.context.emit_progress(
                f"AWS account {props['account_number']} stays linked (unlinkOnDestroy is false)"
            )
        else:
            same_organisation(self.settings, props)
            seconds = float(props["link_timeout_minutes"]) * 60
            with self.open_client() as vmc:
                unlink_until_gone(vmc, link_target(props), timeout_seconds=seconds, context=self.context)
        if isinstance(task := props.get("tracking_task"), str):
            self.context.memory.settled.add(task)


class ConnectedAccount(Resource, module=resource_types.PACKAGE, name="ConnectedAccount"):
    """The AWS account that a stack has linked, or is about to have linked."""

    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""

    def __init__(
        self,
        name: str,
        *,
        unlink_on_destroy: pulumi.Input[bool],
        opts: pulumi.ResourceOptions | None = None,
        **link: Unpack[LinkInputs],
    ) -> None:
        """Declare the connected account.

        Args:
            name: the resource's name.
            unlink_on_destroy: whether deleting this resource unlinks the account.
            opts: resource options.
            **link: see `LinkInputs`.
        """
        super().__init__(
            ConnectedAccountProvider(), name, {**link, "unlink_on_destroy": unlink_on_destroy}, opts
        )
