"""The dynamic resource that stands for the connection itself: it waits until the account is ACTIVE.

It comes after the connected account, which stands for the link from the moment that the CloudFormation stack
has run: a wait that fails, is interrupted or runs into its deadline leaves that one in the state, so that a
destroy unlinks (ADR 0003). What the service says of the account is kept here, and a refresh shows drift
(BROKEN, another stack's, gone). Deleting it does nothing.
"""

from collections.abc import Mapping
from typing import Any, Unpack

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from vmc_account_link import resource_types
from vmc_account_link.link.evidence import link_evidence
from vmc_account_link.link.ownership import OwnRecord, decide_owner
from vmc_account_link.link.wait import link_target, wait_until_linked
from vmc_account_link.provider import AccountProvider, LinkInputs, kept_record, record_outputs

_LINK = ("stack_id", "stack_name", "tracking_task")
"""The inputs of which another one means another run of a template."""


class ConnectionWaitProvider(AccountProvider):
    """Wait for an account, and watch it. Pickled by reference into every state file: never moves."""

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare what was asked for and what the last look at the service showed.

        An unknown `stack_id` of a resource that exists means that the stack is about to be replaced, and the
        account unlinked: what is kept of the connection goes first then.
        """
        if not isinstance(news.get("stack_id"), str):
            return DiffResult(changes=True, replaces=["stack_id"], delete_before_replace=True)
        another_deadline = news.get("link_timeout_minutes") != olds.get("link_timeout_minutes")
        return DiffResult(changes=another_deadline or _must_wait(olds, news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait until the account is ACTIVE by our link.

        Raises:
            LinkFailed: the service's task FAILED or was CANCELED.
            LinkTimedOut: `link_timeout_minutes` passed.
            VmcError: the service refused for good.
        """
        return CreateResult(
            id_=f"{props['org_id']}/{props['account_number']}", outs={**props, **self._wait(props)}
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again where a new link was run or the account is not as it should be; keep the outputs.

        Raises:
            VmcError: as `create`.
        """
        kept = {**olds, **news}
        if not _must_wait(olds, news):
            return UpdateResult(outs=kept)
        same_link = all(news.get(key) == olds.get(key) for key in _LINK)
        known = {"own_record": olds.get("own_record")} if same_link else {}
        return UpdateResult(outs={**kept, **self._wait({**news, **known})})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Forget what was seen: the connected account unlinks."""

    def _wait(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for the link; return what is kept of its record, now and to compare with later."""
        seconds = float(inputs["link_timeout_minutes"]) * 60
        with self.open_client() as vmc:
            account = wait_until_linked(
                vmc, link_target(inputs), timeout_seconds=seconds, context=self.context
            )
        return {**record_outputs(account), "own_record": OwnRecord.of(account).to_state()}


def _must_wait(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether a new link was run, or the last look did not show the account ACTIVE by our link."""
    if any(news.get(key) != olds.get(key) for key in _LINK):
        return True
    last_record = kept_record(olds)
    return not (last_record.is_active and decide_owner(last_record, link_evidence(olds)).is_own)


class ConnectionWait(Resource, module=resource_types.PACKAGE, name="ConnectionWait"):
    """The AWS account as the VMC organisation knows it, once it is connected."""

    connected_account_id: pulumi.Output[str]
    """The record's id, which SDDC creation asks for."""
    connected_account_state: pulumi.Output[str]
    """What the service said when it was last asked; ACTIVE after a successful update."""
    cf_stack_name: pulumi.Output[str | None]
    """The stack that the service knows as the maker of the link, as it writes it."""
    role_arns: pulumi.Output[list[str] | None]
    """The IAM roles that the service assumes, when it was last asked."""
    own_record: pulumi.Output[dict[str, Any] | None]
    """The record as it was when an update took it for our link; later looks are compared with it."""
    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""

    def __init__(
        self,
        name: str,
        *,
        opts: pulumi.ResourceOptions | None = None,
        **link: Unpack[LinkInputs],
    ) -> None:
        """Declare the wait.

        Args:
            name: the resource's name.
            opts: resource options.
            **link: see `LinkInputs`.
        """
        # Outputs have to be named here to become attributes.
        outputs = dict.fromkeys(
            ("connected_account_id", "connected_account_state", "cf_stack_name", "role_arns", "own_record")
        )
        super().__init__(ConnectionWaitProvider(), name, {**link, **outputs}, opts)
