"""The one reader of a Pulumi state: an export's or a checkpoint's deployment -> typed resources. Pure."""

import contextlib
import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vmc_account_link.errors import SecretText
from vmc_account_link.resource_types import AWS_PROVIDER, STACK

_SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105 # nosec B105 - a mark of the engine


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource, as the engine stored it."""

    urn: str
    type: str
    id: str
    """Empty for a component, and for what was never made."""
    parent: str
    """URN; empty for the root."""
    provider: str
    """The `reference` of its provider; empty where it names none."""
    inputs: Mapping[str, Any] = dataclasses.field(repr=False)
    """A secret that is in plaintext is a `SecretText`; one that is encrypted is left out."""
    outputs: Mapping[str, Any] = dataclasses.field(repr=False)
    """As `inputs`."""
    created: datetime | None
    modified: datetime | None
    has_failed: bool
    """It exists, and its last creation or update failed (`initErrors`)."""
    awaits_replacement: bool
    """It was deleted, and its successor is not made yet."""
    stored: Mapping[str, Any] = dataclasses.field(repr=False)
    """All of it as stored, secrets included."""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Resource":
        """Read a resource of a deployment, or of a pending operation."""
        return cls(
            urn=str(stored.get("urn", "")),
            type=str(stored.get("type", "")),
            id=str(stored.get("id") or ""),
            parent=str(stored.get("parent") or ""),
            provider=str(stored.get("provider") or ""),
            inputs=_readable(stored.get("inputs")),
            outputs=_readable(stored.get("outputs")),
            created=parse_engine_time(stored.get("created")),
            modified=parse_engine_time(stored.get("modified")),
            has_failed=bool(stored.get("initErrors")),
            awaits_replacement=bool(stored.get("pendingReplacement")),
            stored=stored,
        )

    @property
    def name(self) -> str:
        """The last part of the URN."""
        return self.urn.rpartition("::")[2]

    @property
    def reference(self) -> str:
        """As the resources of a provider name it."""
        return f"{self.urn}::{self.id}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PendingOperation:
    """What a killed engine had begun."""

    kind: str
    """The engine's word: creating, updating, deleting, …"""
    resource: Resource


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PulumiState:
    """A Pulumi stack's state."""

    resources: tuple[Resource, ...]
    """Without those that a replacement has yet to delete: their successor has the same URN."""
    pending: tuple[PendingOperation, ...]
    """Oldest first."""
    written: datetime | None

    def of_type(self, kind: str) -> tuple[Resource, ...]:
        """All resources of a type (`resource_types`)."""
        return tuple(one for one in self.resources if one.type == kind)

    def first(self, kind: str) -> Resource | None:
        """The first resource of a type; None where there is none."""
        return next(iter(self.of_type(kind)), None)

    def aws_provider(self, component: str) -> Resource | None:
        """The AWS provider of a link's stack, by the URN of its component; None where it can't be known.

        That is the one of its stack, if that is there; else the component's own, which stands beside it (in a
        state of an earlier version below it); else the only one, which the program has handed over.
        """
        providers = self.of_type(AWS_PROVIDER)
        stack = next((one for one in self.of_type(STACK) if one.parent == component), None)
        if stack is not None:
            return next((one for one in providers if one.reference == stack.provider), None)
        parents = {component, next((one.parent for one in self.resources if one.urn == component), "")}
        name = f"{component.rpartition('::')[2]}-aws"
        own = next((one for one in providers if one.name == name and one.parent in parents), None)
        return own or (providers[0] if len(providers) == 1 else None)

    def creations(self, kind: str) -> tuple[Resource, ...]:
        """The resources of a type whose creation is pending."""
        created = (one.resource for one in self.pending if one.kind == "creating")
        return tuple(one for one in created if one.type == kind)


def read_deployment(deployment: Mapping[str, Any]) -> PulumiState:
    """Read the `deployment` of an export, or the `latest` of a checkpoint."""
    return PulumiState(
        resources=tuple(
            Resource.read(one) for one in deployment.get("resources") or [] if not one.get("delete")
        ),
        pending=tuple(
            PendingOperation(kind=one["type"], resource=Resource.read(one["resource"]))
            for one in deployment.get("pending_operations") or []
        ),
        written=parse_engine_time((deployment.get("manifest") or {}).get("time")),
    )


def parse_export(text: str) -> dict[str, Any]:
    """What `stack export` has printed; its deployment is null where nothing was ever done."""
    state: dict[str, Any] = json.loads(text)
    return {**state, "deployment": state["deployment"] or {}}


def parse_engine_time(text: object) -> datetime | None:
    """A moment as Go writes it: nanoseconds, of which Python reads microseconds; None where it is none."""
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)) if isinstance(text, str) else None
    return None


def _readable(values: Mapping[str, Any] | None) -> dict[str, Any]:
    readable = {}
    for key, value in (values or {}).items():
        if not (isinstance(value, Mapping) and _SECRET_KEY in value):
            readable[key] = value
        elif "plaintext" in value:
            secret = json.loads(value["plaintext"])
            readable[key] = SecretText(secret) if isinstance(secret, str) else secret
    return readable
