"""Before the stack runs a link's template: can it be run still, and has no other stack linked the account?

A link is minted only after such a look, but an update may stop between the minting and the stack, and a
stack that went away is made anew from the link in the state. The service holds one link for each account, so
running the template would take the account from whoever has it now; and one that has expired fails after
minutes. Only the engine knows that it is about to create the stack, hence a hook of the engine's. ADR 0016.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from vmc_account_link.client import VmcClient
from vmc_account_link.errors import LinkExpired
from vmc_account_link.internal_errors import internal_errors
from vmc_account_link.link_request import refuse_another_stacks_link
from vmc_account_link.models import parse_moment
from vmc_account_link.progress import REQUEST_ANOTHER_LINK, find_account
from vmc_account_link.settings import VmcSettings
from vmc_account_link.stack_errors import stack_error_hook

_TEMPLATE = ("templateBody", "templateUrl")


class LinkWatch:
    """What one run of the program knows: whether its link was minted in this very update."""

    def __init__(self, settings: VmcSettings) -> None:
        """Take where to look; nothing is asked yet."""
        self._settings = settings
        self.secrets = settings.secrets
        """What no message may hold."""
        self._has_just_looked = False

    def note_minting(self) -> None:
        """A link was minted just now, after a look."""
        self._has_just_looked = True

    def look(self, account_number: str, stack_names: Sequence[str], expiration_date: str | None) -> None:
        """Look whether the link may be run, unless that was just done.

        Args:
            account_number: the AWS account, 12 digits.
            stack_names: the stacks that are ours.
            expiration_date: the link's, ISO 8601; None where the service told none.

        Raises:
            AlreadyLinked: the account is another stack's, and ACTIVE.
            LinkExpired: by the service's clock.
            VmcError: the service could not be asked.
        """
        if self._has_just_looked:
            return
        with VmcClient(self._settings) as vmc:
            account = find_account(vmc.list_connected_accounts(), account_number)
            refuse_another_stacks_link(account, stack_names)
            ahead_seconds = vmc.clock_ahead_seconds()
        if expiration_date is None:
            return
        now = datetime.now(UTC).timestamp() + ahead_seconds
        if now >= parse_moment(expiration_date).timestamp():
            raise LinkExpired(
                f"run the template that links AWS account {account_number}",
                f"its link expired at {expiration_date}",
                f"Nothing was created: {REQUEST_ANOTHER_LINK} asks for a new link.",
            )


def request_hooks(name: str, watch: LinkWatch) -> pulumi.ResourceHookBinding | None:
    """The hooks of the link request: it notes a link that is new."""
    if not _has_hooks():
        return None

    async def note(args: pulumi.ResourceHookArgs) -> None:
        with internal_errors("note that the link is new"):
            if await _differ(args.old_outputs or {}, args.new_outputs or {}, ["template_url"]):
                watch.note_minting()

    hook = pulumi.ResourceHook(f"{name}-minted", note)
    return pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])


def stack_hooks(
    name: str, watch: LinkWatch, link: pulumi.Output[tuple[str, list[str], str | None]]
) -> pulumi.ResourceHookBinding | None:
    """The hooks of the stack: they fail its creation, and its update to another template, by `watch.look`.

    And one says what to do where its making failed and the error does not say it.

    Args:
        name: the component's name.
        watch: of this run.
        link: the arguments of `watch.look`.
    """
    if not _has_hooks():
        return None

    async def look(args: pulumi.ResourceHookArgs) -> None:
        with internal_errors("look whether the link may be run", watch.secrets):
            known = await link.future()
            if known and await _differ(args.old_inputs or {}, args.new_inputs or {}, _TEMPLATE):
                # In a thread: the program's other resources go on meanwhile.
                await asyncio.to_thread(watch.look, *known)

    hook = pulumi.ResourceHook(f"{name}-link", look)
    return pulumi.ResourceHookBinding(
        before_create=[hook], before_update=[hook], on_error=[stack_error_hook(f"{name}-failed")]
    )


def _has_hooks() -> bool:
    """Whether an engine is there to call them: the SDK's mocks, for unit tests of programs, know no hooks."""
    return isinstance(pulumi.runtime.settings.get_monitor(), ResourceMonitorStub)


async def _differ(olds: Mapping[str, Any], news: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether one of these values changes; secrets come as outputs."""
    for key in keys:
        old, new = [await pulumi.Output.from_input(values.get(key)).future() for values in (olds, news)]
        if old != new:
            return True
    return False
