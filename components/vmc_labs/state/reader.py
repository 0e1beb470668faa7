"""What a stack's stored state says about its lab. Pure; see ADR 0009 for what is read from where."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vmc_account_link.recovery.pending import ACCOUNT_TYPE, LINK_TYPE, STACK_TYPE
from vmc_labs.spec.model import LabSpec

ADOPTED_TYPE = "pulumi-python:dynamic/vmc-account-link:ExistingAccount"
COMPONENT_TYPE = "vmc-account-link:index:AccountLink"
ACTIVE = "ACTIVE"
_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105 # nosec B105 - a mark of the engine
_LONGEST_TAG = 256
"""Characters; the limit of Pulumi Cloud, kept for all backends."""
_SCREEN = re.compile(r"[\x00-\x1f\x7f]+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """When a lab got where; UTC, None where it did not get there. Read from the state."""

    requested: datetime | None = None
    """The service answered with a link."""
    stack: datetime | None = None
    """CloudFormation finished the stack."""
    connected: datetime | None = None
    """The service said that the account is ACTIVE."""
    ready: datetime | None = None
    """The update ended with all of it recorded."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedLink:
    """A link that was asked for and whose account was never seen connected, so that a destroy leaves it."""

    org_id: str
    """The VMC organisation that was asked."""
    account_number: str
    """12 digits."""
    stack_name: str
    """CloudFormation's."""
    has_stack: bool
    """Whether the state knows the stack."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What is known of a lab whose stack exists."""

    stack: str
    tags: Mapping[str, str]
    phases: Phases
    outputs: Mapping[str, object]
    """Without secret ones."""
    has_pending: bool
    """A crash interrupted something, which `recover` has to find out about."""
    unfinished: UnfinishedLink | None
    is_linked: bool
    """The last look at the service, by the engine, showed the account ACTIVE; and nothing failed since."""
    resource_count: int
    org_id: str | None = None
    """The organisation of the link; None where none was asked for or looked up."""
    is_existing: bool = False
    """The link is another stack's: a destroy leaves it."""
    unlinks: bool = True
    """Whether a destroy unlinks the account, by the settings of the last `up`."""
    has_account: bool = False
    """The state holds the connected account."""
    stack_name: str | None = None
    """The CloudFormation stack that the state holds."""

    @property
    def error(self) -> str | None:
        """The line of the last failure, None after a success."""
        return self.tags.get("error")

    @property
    def expires(self) -> datetime | None:
        """When `reap` may take it down, UTC; None: never, or the tag is no moment."""
        try:
            moment = datetime.fromisoformat(self.tags["expires"])
        except (KeyError, ValueError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_state(stack: str, deployment: Mapping[str, Any], tags: Mapping[str, str]) -> LabState:
    """Read a deployment: the `deployment` of an export, or the `latest` of a checkpoint."""
    # What a replacement has left to be deleted (`delete`) is not the lab's any more.
    resources = [one for one in deployment.get("resources") or [] if not one.get("delete")]
    by_type = {resource["type"]: resource for resource in resources}
    root = by_type.get("pulumi:pulumi:Stack", {})
    outputs = {k: v for k, v in (root.get("outputs") or {}).items() if not _is_secret(v)}
    account = by_type.get(ACCOUNT_TYPE) or by_type.get(ADOPTED_TYPE) or {}
    known = account.get("outputs") or {}
    is_active = known.get("connected_account_state") == ACTIVE
    failed = any(resource.get("initErrors") for resource in resources)
    has_pending = bool(deployment.get("pending_operations"))
    return LabState(
        stack=stack,
        tags=tags,
        phases=Phases(
            requested=_moment(by_type.get(LINK_TYPE)),
            stack=_moment(by_type.get(STACK_TYPE)),
            connected=_moment(account) if is_active else None,
            ready=_parse((deployment.get("manifest") or {}).get("time")) if is_active else None,
        ),
        outputs=outputs,
        has_pending=has_pending,
        unfinished=_unfinished(by_type),
        is_linked=is_active and not failed and not has_pending,
        resource_count=len(resources),
        org_id=known.get("org_id") or (by_type.get(LINK_TYPE, {}).get("outputs") or {}).get("org_id"),
        is_existing=ADOPTED_TYPE in by_type,
        unlinks=known.get("unlink_on_destroy", _component(by_type).get("unlink_on_destroy")) is not False,
        has_account=ACCOUNT_TYPE in by_type,
        stack_name=(by_type.get(STACK_TYPE, {}).get("inputs") or {}).get("name"),
    )


def _component(by_type: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = by_type.get(COMPONENT_TYPE, {}).get("inputs") or {}
    return inputs


def settings_digest(lab: LabSpec) -> str:
    """A digest of all that an `up` of this lab depends on, for the tag `settings`."""
    told = {
        "org": lab.service.org_id,
        "profile": lab.credentials.profile,
        "role": lab.credentials.role_arn,
        "account": lab.aws_account_id,
        "settings": dict(lab.settings),
    }
    text = json.dumps(told, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def first_tags(event: str, lab: LabSpec, now: datetime) -> dict[str, str]:
    """The tags of a new stack. Few, as each costs a CLI process: the lab's name is in the stack's."""
    tags = {"event": event}
    if lab.owner:
        tags["owner"] = lab.owner
    if lab.ttl is not None:
        tags["expires"] = (now.astimezone(UTC) + lab.ttl).isoformat(timespec="seconds")
    return tags


def error_tag(error: str) -> str:
    """An error line as a tag's value."""
    text = _SCREEN.sub(" ", error).strip()
    return text if len(text) <= _LONGEST_TAG else text[: _LONGEST_TAG - 1] + "…"


def _unfinished(by_type: Mapping[str, Any]) -> UnfinishedLink | None:
    link = by_type.get(LINK_TYPE)
    if link is None or ACCOUNT_TYPE in by_type:
        return None
    outputs = link.get("outputs") or {}
    return UnfinishedLink(
        org_id=str(outputs.get("org_id")),
        account_number=str(outputs.get("account_number")),
        stack_name=str(outputs.get("stack_name")),
        has_stack=STACK_TYPE in by_type,
    )


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and _SECRET_MARK in value


def _moment(resource: Mapping[str, Any] | None) -> datetime | None:
    """When the engine last brought the resource about."""
    if not resource or resource.get("initErrors"):
        return None
    return _parse(resource.get("created") or resource.get("modified"))


def _parse(text: object) -> datetime | None:
    """A moment as Go writes it: nanoseconds, of which Python reads microseconds."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
