"""Pending operations: (state, what was found in the clouds) -> repaired state and reasons. Pure.

The engine writes an operation down before it calls a provider and strikes it out afterwards; a killed engine
leaves it. On the next `up` it warns about a pending creation and creates again; `stack import` drops it.
"""

import contextlib
import copy
import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.recovery.cloudformation import FoundStack

STACK_TYPE = "aws:cloudformation/stack:Stack"
LINK_TYPE = "pulumi-python:dynamic/vmc-account-link:LinkRequest"
PROVIDER_TYPE = "pulumi:providers:aws"
ACCOUNT_TYPE = "pulumi-python:dynamic/vmc-account-link:ConnectedAccount"

_ALIVE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})

State = Mapping[str, Any]


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


def operations(state: State) -> list[dict[str, Any]]:
    """The pending operations, oldest first."""
    return list(state["deployment"].get("pending_operations") or [])


def pending_stacks(secrets: State) -> tuple[PendingStack, ...]:
    """The CloudFormation stacks that have to be looked for: under way, or unknown to the state.

    Args:
        secrets: the state in plaintext: a provider's credentials may be among its secrets.
    """
    providers = {_reference(r): r for r in _resources(secrets) if r["type"] == PROVIDER_TYPE}
    accounts = {
        r.get("parent"): r.get("outputs", {}).get("account_number")
        for r in _resources(secrets)
        if r["type"] == LINK_TYPE
    }
    created = [*_pending_creations(secrets, STACK_TYPE), *_unrecorded(secrets, secrets)]
    changed = [
        o["resource"]
        for o in operations(secrets)
        if o["resource"]["type"] == STACK_TYPE and o["type"] in {"updating", "deleting"}
    ]
    return tuple(
        PendingStack(
            urn=resource["urn"],
            name=resource["inputs"]["name"] if resource in created else resource["id"],
            access=AwsAccess.from_inputs(_inputs(providers.get(resource.get("provider", ""), {}))),
            account_number=_plain(accounts.get(resource.get("parent"))),
            is_creation=resource in created,
        )
        for resource in [*created, *changed]
    )


def repair(state: State, secrets: State, found: Mapping[str, FoundStack | None]) -> Repair:
    """Take what exists into the state, drop the rest.

    Args:
        state: as exported, secrets encrypted; not changed.
        secrets: the same in plaintext, to compare templates with.
        found: URN of a pending stack -> what CloudFormation has of that name.
    """
    repaired = copy.deepcopy(dict(state))
    deployment = repaired["deployment"]
    deployment["pending_operations"] = []
    resources = deployment.setdefault("resources", [])
    lines = []
    for operation in operations(state):
        resource, kind = operation["resource"], operation["type"]
        stack = found.get(resource["urn"]) if kind == "creating" else None
        if stack is None:
            lines.append(f"{_name(resource)}: {_dropped(resource, kind, found.get(resource['urn']))}")
        elif why := _why_not_ours(stack, resource["urn"], state, secrets):
            lines.append(f"{_name(resource)}: {_left_alone(stack, why)}")
        elif resource["urn"] in _known(resources):
            lines.append(f"{_name(resource)}: the state has it already; nothing was taken in")
        else:
            _put(resources, _adopted(resource, stack))
            alive = stack.status in _ALIVE
            lines.append(
                f"{_name(resource)}: taken into the state, {stack.status}"
                + ("" if alive else "; the next `pulumi up` makes it anew")
            )
    notes = []
    for resource in _unrecorded(state, secrets):
        stack = found.get(resource["urn"])
        if stack is None:
            continue
        if why := _why_not_ours(stack, resource["urn"], state, secrets):
            notes.append(f"{_name(resource)}: {_left_alone(stack, why)}")
        else:
            _put(resources, _adopted(_with_tags(resource, stack, resources), stack))
            lines.append(f"{_name(resource)}: made without the state knowing; taken into it, {stack.status}")
    return Repair(state=repaired, lines=tuple(lines), notes=tuple(notes))


def _unrecorded(state: State, secrets: State) -> list[dict[str, Any]]:
    """The stacks of links that have none, neither made nor under way, as the engine would have stored them.

    Only in plaintext can be seen whether a link's template goes inline: else it is empty, and yet a secret.

    CloudFormation may have made one all the same: when its answer was lost, the provider reports a failure
    and the engine stores nothing; every later `up` then fails because the name is taken.
    """
    resources = _resources(state)
    inline = {r["urn"] for r in _resources(secrets) if _plain(r.get("outputs", {}).get("template_body"))}
    known = _known(resources) | {r["urn"] for r in _pending_creations(state, STACK_TYPE)}
    stacks = []
    for link in (r for r in resources if r["type"] == LINK_TYPE):
        urn = link["urn"].replace(LINK_TYPE, STACK_TYPE).removesuffix("-request") + "-stack"
        parent, outputs = link.get("parent"), link.get("outputs", {})
        provider = _provider_of(parent, resources)
        if urn in known or provider is None or not outputs.get("stack_name"):
            continue
        source = (
            {"templateBody": "template_body"} if link["urn"] in inline else {"templateUrl": "template_url"}
        )
        inputs = {
            "__defaults": [],
            "name": outputs.get("stack_name"),
            "region": provider.get("inputs", {}).get("region"),
            "capabilities": ["CAPABILITY_IAM"],
            "onFailure": "DELETE",
            **{argument: outputs.get(output) for argument, output in source.items()},
        }
        stacks.append(
            {
                "urn": urn,
                "custom": True,
                "type": STACK_TYPE,
                "inputs": inputs,
                "parent": parent,
                "provider": _reference(provider),
                "dependencies": [link["urn"]],
                "propertyDependencies": {argument: [link["urn"]] for argument in source},
            }
        )
    return stacks


def _with_tags(
    resource: Mapping[str, Any], stack: FoundStack, resources: list[dict[str, Any]]
) -> dict[str, Any]:
    """An unrecorded stack with the tags that it has, as the AWS provider's Check would have written them."""
    provider = next(
        r for r in resources if r["type"] == PROVIDER_TYPE and _reference(r) == resource["provider"]
    )
    default = json.loads(_inputs(provider).get("defaultTags") or "{}").get("tags") or {}
    own = {key: value for key, value in stack.tags.items() if default.get(key) != value}
    inputs = {**resource["inputs"], "tagsAll": dict(stack.tags), **({"tags": own} if own else {})}
    return {**resource, "inputs": inputs}


def _adopted(resource: Mapping[str, Any], stack: FoundStack) -> dict[str, Any]:
    """The resource as if its creation had been heard; a failed one with its error, as the engine does.

    The outputs are what the AWS provider compares with the inputs: where one is missing it sees a change, and
    sends an update with the template's URL, which may have expired (ADR 0017).
    """
    inputs = resource.get("inputs", {})
    outputs = {"parameters": {}, "outputs": {}, **inputs, "id": stack.id}
    outputs.pop("__defaults", None)
    adopted = {**resource, "id": stack.id, "outputs": outputs}
    if stack.status not in _ALIVE:
        adopted["initErrors"] = [f"stack status ({stack.status}): {stack.reason}"]
    return adopted


def _why_not_ours(stack: FoundStack, urn: str, state: State, secrets: State) -> str | None:
    """Why a stack is not this link's; None where it is: it runs the very template, which holds the link's id.

    By URL the template is not known here; then a stack that is older than the link is not its.
    """
    creations = [*_pending_creations(secrets, STACK_TYPE), *_unrecorded(secrets, secrets)]
    sent = next((_plain(r["inputs"].get("templateBody")) for r in creations if r["urn"] == urn), None)
    if sent:
        return None if _same_template(sent, stack.template) else "it runs another template than the link's"
    links = [r for r in _resources(state) if r["type"] == LINK_TYPE and "modified" in r]
    if links and stack.created.timestamp() >= max(map(_asked_at, links)) - 1:
        return None
    return f"it was made {stack.created:%Y-%m-%d %H:%M} UTC, before the link was asked for"


def _left_alone(stack: FoundStack, why: str) -> str:
    return (
        f"CloudFormation stack {stack.id} has the name and is not this link's: {why}. It was left alone, and "
        "the next `pulumi up` will say that the name is taken: delete it if nobody needs it, or choose "
        "another vmc-account-link:stackName"
    )


def _asked_at(link: Mapping[str, Any]) -> float:
    """When a link was asked for, by the service's clock: this machine's may be hours off."""
    moment = datetime.fromisoformat(link["modified"][:19] + "+00:00").timestamp()
    return moment + float(link.get("outputs", {}).get("clock_ahead_seconds") or 0.0)


def _provider_of(parent: str | None, resources: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The AWS provider of a link's stack: the component's own, or the one that it was handed."""
    providers = [r for r in resources if r["type"] == PROVIDER_TYPE]
    own = [r for r in providers if r.get("parent") == parent]
    return own[0] if own else providers[0] if len(providers) == 1 else None


def _inputs(provider: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's inputs, its secrets as plain text."""
    return {
        key: _plain(value) if isinstance(value, dict) else value
        for key, value in provider.get("inputs", {}).items()
    }


def _plain(value: Any) -> str | None:
    """Text of a state exported in plaintext, where a secret is an object with its JSON."""
    if isinstance(value, dict):
        value = json.loads(value.get("plaintext", "null"))
    return value if isinstance(value, str) else None


def _same_template(sent: str, kept: object) -> bool:
    """Whether CloudFormation has what was sent; the SDK hands a JSON template over parsed."""
    if isinstance(kept, str):
        return sent.strip() == kept.strip()
    with contextlib.suppress(ValueError):
        return bool(json.loads(sent) == kept)
    return False


def _dropped(resource: Mapping[str, Any], kind: str, stack: FoundStack | None) -> str:
    if kind != "creating":
        seen = f"; CloudFormation says {stack.status}" if stack else ""
        return f"{kind} was interrupted{seen}; the next run does it again, which is harmless"
    return {
        STACK_TYPE: "no such CloudFormation stack exists; the next `pulumi up` creates it",
        LINK_TYPE: "a link that nobody used expires by itself; the next `pulumi up` asks for one",
        ACCOUNT_TYPE: "nothing was made; the next `pulumi up` goes on waiting",
    }.get(resource["type"], "nothing outside the state belongs to it; the next `pulumi up` declares it")


def _pending_creations(state: State, typ: str) -> list[dict[str, Any]]:
    return [
        o["resource"] for o in operations(state) if o["type"] == "creating" and o["resource"]["type"] == typ
    ]


def _resources(state: State) -> list[dict[str, Any]]:
    """The resources, without those that a replacement has yet to delete: their successor has the same URN."""
    return [r for r in state["deployment"].get("resources") or [] if not r.get("delete")]


def _known(resources: list[dict[str, Any]]) -> set[str]:
    """The URNs of what exists, without what was deleted to be made anew and what is yet to be deleted."""
    return {r["urn"] for r in resources if not (r.get("delete") or r.get("pendingReplacement"))}


def _put(resources: list[dict[str, Any]], adopted: dict[str, Any]) -> None:
    """Put a resource into a state, in the place of one that was deleted to be made anew."""
    resources[:] = [r for r in resources if not (r["urn"] == adopted["urn"] and r.get("pendingReplacement"))]
    resources.append(adopted)


def _reference(provider: Mapping[str, Any]) -> str:
    return f"{provider['urn']}::{provider.get('id', '')}"


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]
