"""Pending operations: (state, what was found in the clouds) -> repaired state and reasons. Pure.

The engine writes an operation down before it calls a provider and strikes it out afterwards; a killed engine
leaves it. On the next `up` it warns about a pending creation and creates again; `stack import` drops it.
"""

import copy
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.pulumi_state import PulumiState, Resource, read_deployment
from vmc_account_link.recovery.cloudformation import FoundStack, same_template
from vmc_account_link.resource_types import AWS_PROVIDER, CONNECTION_WAIT, LINK_REQUEST, STACK

_ALIVE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})

Export = Mapping[str, Any]
"""A state as `stack export` prints it, for the engine takes back no other."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PendingStack:
    """A CloudFormation stack with which something was under way."""

    urn: str
    name: str
    access: AwsAccess
    """Where its provider makes it, and as whom."""
    account_number: str | None
    """The AWS account of its link, 12 digits; None where the state does not say."""
    is_creation: bool
    """Whether it may or may not exist; else the state knows it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A repaired state and what was done, a line for each operation."""

    state: dict[str, Any]
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What was found, is nothing to change, and the person has to know."""


def pending_stacks(export: Export) -> tuple[PendingStack, ...]:
    """The CloudFormation stacks that have to be looked for: under way, or unknown to the state.

    Args:
        export: the state in plaintext: a provider's credentials may be among its secrets.
    """
    state = read_deployment(export["deployment"])
    providers = {one.reference: one.inputs for one in state.of_type(AWS_PROVIDER)}
    accounts = {link.parent: link.outputs.get("account_number") for link in state.of_type(LINK_REQUEST)}
    created = [*state.creations(STACK), *_unrecorded(state, state)]
    changed = [
        one.resource
        for one in state.pending
        if one.resource.type == STACK and one.kind in {"updating", "deleting"}
    ]
    return tuple(
        PendingStack(
            urn=stack.urn,
            name=stack.inputs["name"] if stack in created else stack.id,
            access=AwsAccess.from_inputs(providers.get(stack.provider, {})),
            account_number=accounts.get(stack.parent),
            is_creation=stack in created,
        )
        for stack in [*created, *changed]
    )


def repair(export: Export, plaintext: Export, found: Mapping[str, FoundStack | None]) -> Repair:
    """Take what exists into the state, drop the rest.

    Args:
        export: the state, its secrets encrypted; not changed.
        plaintext: the same with its secrets in plaintext, to compare templates with.
        found: URN of a pending stack -> what CloudFormation has of that name.
    """
    state, plain = read_deployment(export["deployment"]), read_deployment(plaintext["deployment"])
    repaired = copy.deepcopy(dict(export))
    deployment = repaired["deployment"]
    deployment["pending_operations"] = []
    resources = deployment.setdefault("resources", [])
    lines, taken_in = [], set[str]()
    for operation in state.pending:
        resource, kind = operation.resource, operation.kind
        stack = found.get(resource.urn) if kind == "creating" else None
        if stack is None:
            lines.append(f"{resource.name}: {_dropped(resource, kind, found.get(resource.urn))}")
        elif why := _why_not_owned(stack, resource.urn, plain):
            lines.append(f"{resource.name}: {_left_alone(stack, why)}")
        elif resource.urn in _known(state) | taken_in:
            lines.append(f"{resource.name}: the Pulumi state has it already")
        else:
            _put(resources, _recorded(resource.stored, stack))
            taken_in.add(resource.urn)
            alive = stack.status in _ALIVE
            lines.append(
                f"{resource.name}: taken into the Pulumi state, {stack.status}"
                + ("" if alive else "; the next `pulumi up` creates it again")
            )
    notes = []
    for resource in _unrecorded(state, plain):
        stack = found.get(resource.urn)
        if stack is None:
            continue
        if why := _why_not_owned(stack, resource.urn, plain):
            notes.append(f"{resource.name}: {_left_alone(stack, why)}")
        else:
            _put(resources, _recorded(_with_tags(resource, stack, state), stack))
            lines.append(f"{resource.name}: the Pulumi state did not know it; taken into it, {stack.status}")
    return Repair(state=repaired, lines=tuple(lines), notes=tuple(notes))


def _unrecorded(state: PulumiState, plain: PulumiState) -> list[Resource]:
    """The stacks of links that have none, neither made nor under way, as the engine would have stored them.

    Only in plaintext can be seen whether a link's template goes inline: else it is empty, and yet a secret.

    CloudFormation may have made one all the same: when its answer was lost, the provider reports a failure
    and the engine stores nothing; every later `up` then fails because the name is taken.
    """
    inline = {link.urn for link in plain.of_type(LINK_REQUEST) if link.outputs.get("template_body")}
    known = _known(state) | {stack.urn for stack in state.creations(STACK)}
    stacks = []
    for link in state.of_type(LINK_REQUEST):
        urn = link.urn.replace(LINK_REQUEST, STACK).removesuffix("-request") + "-stack"
        provider = state.aws_provider(link.parent)
        if urn in known or provider is None or not link.outputs.get("stack_name"):
            continue
        source = {"templateBody": "template_body"} if link.urn in inline else {"templateUrl": "template_url"}
        outputs = link.stored["outputs"]
        inputs = {
            "__defaults": [],
            "name": outputs.get("stack_name"),
            "region": provider.stored.get("inputs", {}).get("region"),
            "capabilities": ["CAPABILITY_IAM"],
            "onFailure": "DELETE",
            **{argument: outputs.get(output) for argument, output in source.items()},
        }
        stored = {
            "urn": urn,
            "custom": True,
            "type": STACK,
            "inputs": inputs,
            "parent": link.parent or None,
            "provider": provider.reference,
            "dependencies": [link.urn],
            "propertyDependencies": {argument: [link.urn] for argument in source},
        }
        stacks.append(Resource.read(stored))
    return stacks


def _with_tags(resource: Resource, stack: FoundStack, state: PulumiState) -> dict[str, Any]:
    """An unrecorded stack with the tags that it has, as the AWS provider's Check would have written them."""
    stored = resource.stored
    provider = next(one for one in state.of_type(AWS_PROVIDER) if one.reference == resource.provider)
    default = json.loads(provider.inputs.get("defaultTags") or "{}").get("tags") or {}
    own = {key: value for key, value in stack.tags.items() if default.get(key) != value}
    inputs = {**stored["inputs"], "tagsAll": dict(stack.tags), **({"tags": own} if own else {})}
    return {**stored, "inputs": inputs}


def _recorded(resource: Mapping[str, Any], stack: FoundStack) -> dict[str, Any]:
    """The resource as if its creation had been heard; a failed one with its error, as the engine does.

    The outputs are what the AWS provider compares with the inputs: where one is missing it sees a change, and
    sends an update with the template's URL, which may have expired (ADR 0017).
    """
    outputs = {"parameters": {}, "outputs": {}, **resource["inputs"], "id": stack.id}
    outputs.pop("__defaults", None)
    recorded = {**resource, "id": stack.id, "outputs": outputs}
    if stack.status not in _ALIVE:
        recorded["initErrors"] = [f"stack status ({stack.status}): {stack.reason}"]
    return recorded


def _why_not_owned(stack: FoundStack, urn: str, plain: PulumiState) -> str | None:
    """Why a stack is not this link's; None where it is: it runs the very template, which holds the link's id.

    By URL the template is not known here; then a stack that is older than the link is not its.
    """
    creations = [*plain.creations(STACK), *_unrecorded(plain, plain)]
    sent = next((one.inputs.get("templateBody") for one in creations if one.urn == urn), None)
    if sent:
        return None if same_template(sent, stack.template) else "it runs another template than the link's"
    requested = [at for link in plain.of_type(LINK_REQUEST) if (at := _requested_at(link)) is not None]
    if requested and stack.created.timestamp() >= max(requested) - 1:
        return None
    return f"it was made {stack.created:%Y-%m-%d %H:%M} UTC, before the link was requested"


def _left_alone(stack: FoundStack, why: str) -> str:
    return (
        f"CloudFormation stack {stack.id} has the name and is not this link's: {why}. It was left alone, and "
        "the next `pulumi up` will say that the name is taken: delete it if nobody needs it, or choose "
        "another vmc-account-link:stackName"
    )


def _requested_at(link: Resource) -> float | None:
    """When a link was asked for, by the service's clock: this machine's may be hours off."""
    if link.modified is None:
        return None
    return link.modified.timestamp() + float(link.outputs.get("clock_ahead_seconds") or 0.0)


def _dropped(resource: Resource, kind: str, stack: FoundStack | None) -> str:
    if kind != "creating":
        status = f"; CloudFormation says {stack.status}" if stack else ""
        return f"{kind} was interrupted{status}; the next run does it again, which is harmless"
    return {
        STACK: "no such CloudFormation stack exists; the next `pulumi up` creates it",
        LINK_REQUEST: "a link that nobody used expires by itself; the next `pulumi up` requests one",
        CONNECTION_WAIT: "nothing was made; the next `pulumi up` goes on waiting",
    }.get(resource.type, "nothing outside the state belongs to it; the next `pulumi up` declares it")


def _known(state: PulumiState) -> set[str]:
    """The URNs of what exists, without what was deleted to be made anew."""
    return {one.urn for one in state.resources if not one.awaits_replacement}


def _put(resources: list[dict[str, Any]], recorded: dict[str, Any]) -> None:
    """Put a resource into a state, in the place of one that was deleted to be made anew."""
    resources[:] = [r for r in resources if not (r["urn"] == recorded["urn"] and r.get("pendingReplacement"))]
    resources.append(recorded)
