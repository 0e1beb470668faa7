"""What the engine calls around the CloudFormation stack: a check before it, advice where it failed.

- Before the stack runs a link's template: can it be run still, and has no other stack linked the account? A
  link is requested only after such a check, but an update may stop between the request and the stack, and a
  stack that went away is made again from the link in the state. The service holds one link for each account,
  so running the template would take the account from whoever has it now; and one that has expired fails after
  minutes. Only the engine knows that it is about to create the stack, hence a hook of the engine's (ADR
  0016).
- Where the answer to CreateStack got lost, nobody knows whether the stack was made; the engine stores
  nothing. If it was, the next `up` finds the name taken, and a `destroy` passes it by. Nothing is repeated
  here and nothing taken into the state: that is `recover`'s business, which can compare the template (ADR
  0017).
- While a link is renewed, a stack whose update rolled back is updated again and not replaced (ADR 0015).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from vmc_account_link.api.client import VmcClient
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import LinkExpired
from vmc_account_link.internal_errors import internal_errors
from vmc_account_link.link.evidence import LinkEnd, find_owner
from vmc_account_link.link.ownership import LinkEvidence, find_account, refuse_another_stacks_link
from vmc_account_link.link.progress import REQUEST_ANOTHER_LINK
from vmc_account_link.settings import VmcSettings

_TEMPLATE = ("templateBody", "templateUrl")


class StackPrecheck:
    """What one run of the program knows: whether its link was requested in this very update."""

    def __init__(
        self,
        settings: VmcSettings,
        *,
        context: CallContext = CallContext(),  # noqa: B008 - frozen
        new_client: Callable[..., VmcClient] = VmcClient,
    ) -> None:
        """Take where to look; nothing is asked yet."""
        self._settings = settings
        self._context = context
        self._new_client = new_client
        self.secrets = settings.secrets
        """What no message may hold."""
        self._was_just_read = False

    def note_request(self) -> None:
        """A link was requested just now, after a look."""
        self._was_just_read = True

    def verify(self, known: LinkEvidence, end: LinkEnd | None) -> None:
        """Look whether the link may be run, unless that was just done.

        Args:
            known: of the link, by which a record is ours.
            end: when the link counts as expired; None where that is not known.

        Raises:
            AlreadyLinked: the account is another stack's, and ACTIVE.
            LinkExpired: by the service's clock.
            VmcError: the service could not be asked.
        """
        if self._was_just_read:
            return
        with self._new_client(self._settings, context=self._context) as vmc:
            account = find_account(vmc.list_connected_accounts(), known.account_number)
            refuse_another_stacks_link(account, find_owner(vmc, account, known))
            ahead_seconds = vmc.clock_ahead_seconds()
        if end is None:
            return
        now = self._context.now().timestamp() + ahead_seconds
        if now >= end.at.timestamp():
            raise LinkExpired(
                f"run the template that links AWS account {known.account_number}",
                end.why,
                f"Nothing was created: {REQUEST_ANOTHER_LINK} requests a new one.",
            )


def request_hooks(name: str, precheck: StackPrecheck) -> pulumi.ResourceHookBinding | None:
    """The hooks of the link request: it notes a link that is new."""
    if not _has_engine():
        return None

    async def note(args: pulumi.ResourceHookArgs) -> None:
        with internal_errors("note that the link is new"):
            if await _differ(args.old_outputs or {}, args.new_outputs or {}, ["template_url"]):
                precheck.note_request()

    hook = pulumi.ResourceHook(_unique(f"{name}-requested"), note)
    return pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])


def stack_hooks(
    name: str, precheck: StackPrecheck, link: pulumi.Output[tuple[LinkEvidence, LinkEnd | None]]
) -> pulumi.ResourceHookBinding | None:
    """The hooks of the stack: `precheck.verify` before its creation and its update to another template.

    And one says what to do where its making failed and the error does not say it.

    Args:
        name: the component's name.
        precheck: of this run.
        link: the arguments of `precheck.verify`.
    """
    if not _has_engine():
        return None

    async def verify(args: pulumi.ResourceHookArgs) -> None:
        with internal_errors("look whether the link may be run", precheck.secrets):
            known = await link.future()
            if known and await _differ(args.old_inputs or {}, args.new_inputs or {}, _TEMPLATE):
                # In a thread: the program's other resources go on meanwhile.
                await asyncio.to_thread(precheck.verify, *known)

    hook = pulumi.ResourceHook(_unique(f"{name}-link"), verify)
    return pulumi.ResourceHookBinding(
        before_create=[hook], before_update=[hook], on_error=[stack_error_hook(_unique(f"{name}-failed"))]
    )


_HOOKS: WeakKeyDictionary[pulumi.Resource, Counter[str]] = WeakKeyDictionary()
"""Run of a program, by its root resource -> how many hooks of each name it has."""


def _unique(name: str) -> str:
    """The name of a hook, which a program may have only once: two links of one name have two parents."""
    root = pulumi.runtime.get_root_resource()
    if root is None:
        return name
    used = _HOOKS.setdefault(root, Counter())
    used[name] += 1
    return name if used[name] == 1 else f"{name}-{used[name]}"


def _has_engine() -> bool:
    """Whether an engine is there to call them: the SDK's mocks, for unit tests of programs, know no hooks."""
    return isinstance(pulumi.runtime.settings.get_monitor(), ResourceMonitorStub)


async def _differ(olds: Mapping[str, Any], news: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether one of these values changes; secrets come as outputs."""
    for key in keys:
        old, new = [await pulumi.Output.from_input(values.get(key)).future() for values in (olds, news)]
        if old != new:
            return True
    return False


MAY_BE_THERE = "AWS may have created the CloudFormation stack all the same"
"""How the advice begins where nobody knows whether the stack was made."""
_TAKEN = "AlreadyExistsException"
_NAMELESS = "reading CloudFormation Stack ()"
"""How it begins where CreateStack was answered by a success with nothing in it: it goes on without an id, and
what AWS refuses then is another question."""
_ASKING = ("creating CloudFormation Stack", _NAMELESS)
"""How the AWS provider begins what went wrong with CreateStack itself, as opposed to what came after it."""
_REJECTED = re.compile(r"StatusCode: 4(?!08)\d\d|get identity:")
"""A 408 refuses nothing; without credentials AWS was not even asked."""


def stack_error_hook(name: str) -> pulumi.ErrorHook:
    """The error hook of a stack; its name is unique in the program."""
    return pulumi.ErrorHook(name, _say_what_to_do)


def was_rejected(error: str) -> bool:
    """Whether the AWS provider's message says that AWS did nothing: it refused, or could not be asked."""
    return _NAMELESS not in error and _REJECTED.search(error) is not None


def what_to_do(error: str, stack: str) -> str | None:
    """What to say to a stack's error; None where the error says it all.

    Args:
        error: the AWS provider's message.
        stack: the Pulumi stack's name.
    """
    recover = f"`vmc-account-link recover --stack {stack}`"
    if _TAKEN in error:
        return (
            "the name is taken by a CloudFormation stack that this Pulumi stack does not know. If an earlier "
            f"run was cut off or its answer got lost, it is ours: {recover} takes it in. If not, choose "
            "another vmc-account-link:stackName."
        )
    if any(begin in error for begin in _ASKING) and not was_rejected(error):
        return (
            f"{MAY_BE_THERE}: {recover} finds out and takes it in. Do that before "
            "the next `pulumi up` or `pulumi destroy`, which would know nothing of it."
        )
    return None


def _say_what_to_do(args: pulumi.ErrorHookArgs) -> bool:
    """Say it, and never ask the engine to try again."""
    with internal_errors("say what to do about the stack's failure"):
        said = what_to_do(args.errors[0] if args.errors else "", pulumi.get_stack())
        if said:
            pulumi.log.error(said)
    return False


def update_in_place_while_relinked(
    requested_at: pulumi.Output[str | None], renews: pulumi.Output[bool | None]
) -> list[pulumi.ResourceTransform] | None:
    """Update the stack in place where this very update has asked for a link that renews one.

    An update that rolled back leaves an error of initialisation as a failed create does, and a stack that is
    well: `#initerror` would replace it. Options can't be outputs, so they are changed when the request is
    known (ADR 0015).
    """
    if not _has_engine():
        return None  # No engine: the SDK's mocks, for unit tests of programs, know no transforms.
    declared_at = datetime.now(UTC).isoformat()

    async def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        # On a preview nothing is known of a link that is about to be requested.
        is_known = await requested_at.is_known() and await renews.is_known()
        if is_known and (not await renews.future() or (await requested_at.future() or "") < declared_at):
            return None
        args.opts.replace_on_changes = []
        return pulumi.ResourceTransformResult(args.props, args.opts)

    return [transform]
