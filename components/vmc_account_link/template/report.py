"""What a template would make, before it is given rights on IAM; and whether a policy agrees. Pure."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vmc_account_link.errors import TemplateRejected, url_origin
from vmc_account_link.template.iam import (
    OWN_ACCOUNT,
    SERVICE,
    Permission,
    Trust,
    account_of,
    as_list,
    permissions,
    trusted_principals,
)
from vmc_account_link.template.intrinsics import (
    Resource,
    TemplateTooComplex,
    is_known,
    opaque_constructs,
    resolve_resources,
)
from vmc_account_link.template.source import parse

_ACTION = "inspect the link's template"
_URL = re.compile(r"https?://[^\s\"'<>\\)\]},;]+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role."""

    logical_id: str
    trusts: tuple[Trust, ...]
    managed_policies: tuple[str, ...]
    """ARNs."""
    permissions: tuple[Permission, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function."""

    logical_id: str
    code: str
    """`inline`, or where it comes from: that code is not seen."""
    urls: tuple[str, ...]
    """Those written in its inline code; an address that the code composes does not show."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomResource:
    """A resource that code of the template's author makes: it runs while the stack is made."""

    logical_id: str
    type: str
    service_token: str
    """The ARN that is called."""
    calls: str | None
    """The function of this template behind `service_token`; None where it is not one of these."""
    urls: tuple[str, ...]
    """Those in its properties."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReport:
    """What a template would make."""

    resources: Mapping[str, tuple[str, ...]]
    """Type -> logical ids, both sorted."""
    roles: tuple[Role, ...]
    trusts: tuple[Trust, ...]
    """Of every resource, the roles' included."""
    functions: tuple[Function, ...]
    custom_resources: tuple[CustomResource, ...]
    conditional: Mapping[str, str]
    """Logical id -> the condition on which it depends whether the resource is made."""
    opaque: tuple[str, ...]
    """What adds resources that the template's text does not show."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePolicy:
    """What a template may make; None does not limit."""

    resource_types: frozenset[str] | None = None
    """Such as `AWS::IAM::Role`; `Custom::*` for all of that beginning."""
    trusted_accounts: frozenset[str] | None = None
    """12 digits each. The account itself and AWS's services are trusted anyway."""


def inspect_template(text: str) -> TemplateReport:
    """Say what a template would make.

    Args:
        text: JSON or YAML.

    Raises:
        TemplateRejected: it is neither, has no resources, or expands beyond all measure.
    """
    template = parse(text, _ACTION)
    if not isinstance(template.get("Resources"), Mapping):
        raise TemplateRejected(_ACTION, "it has no Resources", "Nothing was created; run `pulumi up` again.")
    try:
        made = resolve_resources(template)
    except TemplateTooComplex as error:
        raise TemplateRejected(_ACTION, str(error), "Do not run this template; tell VMware.") from None
    ids_by_type: dict[str, list[str]] = {}
    for resource in made:
        ids_by_type.setdefault(resource.type, []).append(resource.logical_id)
    functions = tuple(_function(resource) for resource in made if resource.type == "AWS::Lambda::Function")
    names = {function.logical_id for function in functions}
    return TemplateReport(
        resources={kind: tuple(sorted(ids)) for kind, ids in sorted(ids_by_type.items())},
        roles=tuple(_role(resource, made) for resource in made if resource.type == "AWS::IAM::Role"),
        trusts=tuple(trust for resource in made for trust in _trusts(resource)),
        functions=functions,
        custom_resources=tuple(_custom(resource, names) for resource in made if is_custom(resource.type)),
        conditional={resource.logical_id: resource.when for resource in made if resource.when is not None},
        opaque=opaque_constructs(template),
    )


def violations(report: TemplateReport, policy: TemplatePolicy) -> tuple[str, ...]:
    """Say what of a template the policy does not allow, a line each; what is not known is not allowed."""
    limits = policy.resource_types is not None or policy.trusted_accounts is not None
    found = [f"{part}: what it adds can't be seen" for part in report.opaque] if limits else []
    if policy.resource_types is not None:
        found += [
            f"{', '.join(ids)}: type {kind} is not allowed"
            for kind, ids in report.resources.items()
            if not _allows_type(policy.resource_types, kind)
        ]
    if policy.trusted_accounts is not None:
        trusted = policy.trusted_accounts | {OWN_ACCOUNT}
        found += [
            f"{trust.logical_id}: {_why_not(trust)}"
            for trust in report.trusts
            if not _is_trusted(trust, trusted)
        ]
        found += [
            f"{custom.logical_id}: it calls {custom.service_token}, which no trusted account is known to own"
            for custom in report.custom_resources
            if custom.calls is None and account_of(custom.service_token) not in trusted
        ]
    return tuple(dict.fromkeys(found))


def summary(report: TemplateReport) -> tuple[str, ...]:
    """The report in a few lines."""
    kinds = ", ".join(f"{len(ids)} {kind}" for kind, ids in report.resources.items())
    lines = [f"the template makes {kinds}"]
    for trust in dict.fromkeys(format_principal(trust) for trust in report.trusts if trust.kind != "Service"):
        ids = [t.logical_id for t in report.trusts if t.kind != "Service" and format_principal(t) == trust]
        lines.append(f"{trust} may use {', '.join(dict.fromkeys(ids))}")
    for custom in report.custom_resources:
        urls = _urls_of(custom, report.functions)
        lines.append(
            f"{custom.logical_id} ({custom.type}) runs {custom.calls or custom.service_token}"
            + (f", which names {', '.join(urls)}" if urls else "")
        )
    lines += [f"{part} adds what can't be seen" for part in report.opaque]
    return tuple(lines)


def is_custom(kind: str) -> bool:
    """Whether resources of this type are made by code of the template's author."""
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


def format_principal(trust: Trust) -> str:
    """A principal in words."""
    who = trust.principal if trust.kind == "AWS" else f"{trust.kind} {trust.principal}"
    return f"{who} (external id {', '.join(trust.external_ids)})" if trust.external_ids else who


def _allows_type(allowed: frozenset[str], kind: str) -> bool:
    return kind in allowed or any(
        entry.endswith("::*") and kind.startswith(entry[:-1]) and is_known(kind) for entry in allowed
    )


def _is_trusted(trust: Trust, trusted: frozenset[str]) -> bool:
    if trust.kind == "Service":
        return SERVICE.fullmatch(trust.principal) is not None
    return trust.account in trusted


def _why_not(trust: Trust) -> str:
    if not is_known(trust.principal) and trust.account is None:
        return f"whom it trusts is not known ({trust.principal})"
    return f"it may be assumed by {format_principal(trust)}, which is not trusted"


def _urls_of(custom: CustomResource, functions: Sequence[Function]) -> tuple[str, ...]:
    own = [url for function in functions if function.logical_id == custom.calls for url in function.urls]
    return tuple(dict.fromkeys((*custom.urls, *own)))


def _role(resource: Resource, made: Sequence[Resource]) -> Role:
    properties = resource.properties
    attached = [
        other
        for other in made
        if other.type in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}
        and _names_role(other.properties, resource.logical_id)
    ]
    inline = [*as_list(properties.get("Policies")), *(other.properties for other in attached)]
    return Role(
        logical_id=resource.logical_id,
        trusts=_trusts(resource),
        managed_policies=tuple(str(arn) for arn in as_list(properties.get("ManagedPolicyArns"))),
        permissions=tuple(permission for policy in inline for permission in permissions(policy)),
    )


def _names_role(properties: Mapping[str, Any], logical_id: str) -> bool:
    names = [*as_list(properties.get("Roles")), properties.get("RoleName")]
    return f"${{{logical_id}}}" in names


def _trusts(resource: Resource) -> tuple[Trust, ...]:
    found = list(trusted_principals(resource.logical_id, resource.properties))
    if (
        resource.type == "AWS::IAM::Role"
        and "AssumeRolePolicyDocument" not in resource.properties
        and not found
    ):
        found.append(
            Trust(logical_id=resource.logical_id, kind="AWS", principal="${AssumeRolePolicyDocument}")
        )
    if resource.type == "AWS::Lambda::Permission":
        principal = str(resource.properties.get("Principal", "${Principal}"))
        kind = "Service" if SERVICE.fullmatch(principal) else "AWS"
        found.append(Trust(logical_id=resource.logical_id, kind=kind, principal=principal))
    return tuple(dict.fromkeys(found))


def _function(resource: Resource) -> Function:
    code = resource.properties.get("Code")
    code = code if isinstance(code, Mapping) else {"from": code}
    if isinstance(text := code.get("ZipFile"), str):
        return Function(logical_id=resource.logical_id, code="inline", urls=_urls(text))
    where = ", ".join(f"{key} {value}" for key, value in code.items())
    return Function(logical_id=resource.logical_id, code=where, urls=())


def _custom(resource: Resource, functions: set[str]) -> CustomResource:
    token = str(resource.properties.get("ServiceToken", "${ServiceToken}"))
    named = re.fullmatch(r"\$\{(\w+)(\.Arn)?\}", token)
    return CustomResource(
        logical_id=resource.logical_id,
        type=resource.type,
        service_token=token,
        calls=named[1] if named and named[1] in functions else None,
        urls=_urls(json.dumps(resource.properties, default=str)),
    )


def _urls(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(url_origin(url) for url in _URL.findall(text)))
