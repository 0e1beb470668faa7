"""What the statements of IAM policies say: who is let in, and what is permitted. Pure."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from vmc_account_link.template.intrinsics import is_known

_FIELD = r"(?:\$\{AWS::(?:Partition|Region|URLSuffix)\}|[^:$]*)"
_ARN = re.compile(
    rf"arn:{_FIELD}:{_FIELD}:{_FIELD}:(?P<account>\d{{12}}|\$\{{AWS::AccountId\}}|):.+", re.DOTALL
)
_ACCOUNT = re.compile(r"\d{12}")
OWN_ACCOUNT = "${AWS::AccountId}"
"""How a template names the account that it runs in."""
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_HOLD_STATEMENTS = ("Policies", "PolicyDocument", "Properties", "Statement")
"""Ends of the keys below which policy statements stand."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who is let in: a principal of a statement that allows."""

    logical_id: str
    """The resource that lets it in."""
    kind: str
    """`AWS`, `Service`, `Federated`, …, as the statement says; `NotPrincipal` for everybody but."""
    principal: str
    """Its ARN, number or name; `${…}` where it is not known."""
    external_ids: tuple[str, ...] = ()
    """One of them has to be given; empty where none is asked for."""

    @property
    def account(self) -> str | None:
        """Its AWS account: 12 digits, `OWN_ACCOUNT`, or None where that can't be told."""
        return account_of(self.principal) if self.kind == "AWS" else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """An inline statement."""

    effect: str
    actions: tuple[str, ...]
    """With `not ` before each where the statement says NotAction."""
    resources: tuple[str, ...]
    """With `not ` before each where the statement says NotResource."""


def account_of(principal: str) -> str | None:
    """The account of an ARN or a bare number: 12 digits, `OWN_ACCOUNT`, or None where it can't be told."""
    if _ACCOUNT.fullmatch(principal) or principal == OWN_ACCOUNT:
        return principal
    arn = _ARN.fullmatch(principal)
    return (arn["account"] or None) if arn else None


def permissions(policy: Any) -> Iterator[Permission]:
    """The statements of an inline policy, or of a policy resource's properties."""
    document = policy.get("PolicyDocument") if isinstance(policy, Mapping) else policy
    for statement in as_list(document.get("Statement") if isinstance(document, Mapping) else document):
        if isinstance(statement, Mapping):
            yield Permission(
                effect=str(statement.get("Effect")),
                actions=_either(statement, "Action"),
                resources=_either(statement, "Resource"),
            )
        elif statement is not None:
            yield Permission(effect="Allow", actions=(str(statement),), resources=(str(statement),))


def _either(statement: Mapping[str, Any], key: str) -> tuple[str, ...]:
    plain = tuple(str(entry) for entry in as_list(statement.get(key)))
    return plain + tuple(f"not {entry}" for entry in as_list(statement.get(f"Not{key}")))


def trusted_principals(logical_id: str, node: Any) -> Iterator[Trust]:
    """The principals of all allowing statements below `node`, and one unknown for each unknown policy."""
    if isinstance(node, list):
        for child in node:
            yield from trusted_principals(logical_id, child)
    elif isinstance(node, Mapping):
        if "Effect" in node and node["Effect"] != "Deny":
            yield from _principals(logical_id, node)
        for key, child in node.items():
            below = _from_text(child) if key.endswith(_HOLD_STATEMENTS) else child
            if key.endswith(_HOLD_STATEMENTS):
                for text in as_list(below):
                    if isinstance(text, str) and not is_known(text):
                        yield Trust(logical_id=logical_id, kind="AWS", principal=text)
            yield from trusted_principals(logical_id, below)


def _from_text(document: Any) -> Any:
    """A policy that stands in a property as JSON text, parsed."""
    try:
        return json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return document


def _principals(logical_id: str, statement: Mapping[str, Any]) -> Iterator[Trust]:
    external_ids = _external_ids(statement.get("Condition"))
    if "NotPrincipal" in statement:
        everybody = f"everybody but {json.dumps(statement['NotPrincipal'], default=str)}"
        yield Trust(logical_id=logical_id, kind="NotPrincipal", principal=everybody)
    principal = statement.get("Principal")
    by_kind = principal if isinstance(principal, Mapping) else {"AWS": principal}
    for kind, principals in by_kind.items():
        for name in as_list(principals):
            yield Trust(logical_id=logical_id, kind=kind, principal=str(name), external_ids=external_ids)


def _external_ids(condition: Any) -> tuple[str, ...]:
    equals = condition.get("StringEquals") if isinstance(condition, Mapping) else None
    pairs = equals.items() if isinstance(equals, Mapping) else ()
    return tuple(str(v) for key, values in pairs if key.lower() == "sts:externalid" for v in as_list(values))


def as_list(value: Any) -> list[Any]:
    """A list where the policy language takes one thing or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
