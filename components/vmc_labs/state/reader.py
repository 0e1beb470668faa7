"""What a stack's stored state says about its lab. Pure; see ADR 0009 for what is read from where."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vmc_account_link import resource_types
from vmc_account_link.link.evidence import link_evidence
from vmc_account_link.link.ownership import LinkEvidence, OwnRecord
from vmc_account_link.pulumi_state import PulumiState, Resource, read_deployment
from vmc_labs.spec.model import LabSpec

ACTIVE = "ACTIVE"
SETTINGS = "settings_digest"
"""The output with the digest of the settings of the last successful `up`; a failed one leaves it as it was, a
plain `pulumi up` takes it away. A tag would cost a CLI process."""
CHANGING = "changing"
"""The tag of a lab whose settings are being changed: until an `up` succeeds, the output is the old ones'."""
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
    known: LinkEvidence
    """By which a record is this link's."""
    has_stack: bool
    """Whether the state knows the stack."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What is known of a lab whose stack exists."""

    stack: str
    tags: Mapping[str, str]
    phases: Phases
    outputs: Mapping[str, object]
    """Without secret ones, and without the digest."""
    has_pending: bool
    """A crash interrupted something, which `recover` has to find out about."""
    unfinished: UnfinishedLink | None
    is_linked: bool
    """The last look at the service, by the engine, showed the account ACTIVE; and nothing failed since."""
    resource_count: int
    settings: str | None = None
    """The digest of the settings that all resources have; None where that is not certain."""
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
    own_record: OwnRecord | None = None
    """The service's record, as it was when an `up` took it for the lab's link."""

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
    state = read_deployment(deployment)
    root, component = state.first(resource_types.ROOT), state.first(resource_types.ACCOUNT_LINK)
    link, cf_stack = state.first(resource_types.LINK_REQUEST), state.first(resource_types.STACK)
    outputs = dict(root.outputs) if root else {}
    settings = outputs.pop(SETTINGS, None)
    connected = state.first(resource_types.CONNECTED_ACCOUNT)
    existing = state.first(resource_types.EXISTING_ACCOUNT)
    # The connected account itself knows the record only in a state from before the wait was a resource.
    account = state.first(resource_types.CONNECTION_WAIT) or connected or existing
    known = {**(connected.outputs if connected else {}), **(account.outputs if account else {})}
    is_active = known.get("connected_account_state") == ACTIVE
    failed = any(resource.has_failed for resource in state.resources)
    return LabState(
        stack=stack,
        tags=tags,
        phases=Phases(
            requested=_moment(link),
            stack=_moment(cf_stack),
            connected=_moment(account) if is_active else None,
            ready=state.written if is_active else None,
        ),
        outputs=outputs,
        settings=settings if isinstance(settings, str) and CHANGING not in tags else None,
        has_pending=bool(state.pending),
        unfinished=_unfinished(state),
        is_linked=is_active and not failed and not state.pending,
        resource_count=len(state.resources),
        org_id=known.get("org_id") or (link.outputs.get("org_id") if link else None),
        is_existing=existing is not None,
        unlinks=known.get("unlink_on_destroy", component and component.inputs.get("unlink_on_destroy"))
        is not False,
        has_account=connected is not None,
        stack_name=cf_stack.inputs.get("name") if cf_stack else None,
        own_record=OwnRecord.from_state(known.get("own_record")),
    )


def settings_digest(lab: LabSpec) -> str:
    """A digest of all that an `up` of this lab depends on, for the output of its Pulumi stack."""
    inputs = {
        "org": lab.service.org_id,
        "profile": lab.credentials.profile,
        "role": lab.credentials.role_arn,
        "account": lab.aws_account_id,
        "settings": dict(lab.settings),
    }
    text = json.dumps(inputs, sort_keys=True, default=list)
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


def _unfinished(state: PulumiState) -> UnfinishedLink | None:
    link = state.first(resource_types.LINK_REQUEST)
    if link is None or "stack_name" not in link.outputs or state.first(resource_types.CONNECTED_ACCOUNT):
        return None
    return UnfinishedLink(
        org_id=str(link.outputs.get("org_id")),
        known=link_evidence(link.outputs),
        has_stack=state.first(resource_types.STACK) is not None,
    )


def _moment(resource: Resource | None) -> datetime | None:
    """When the engine last brought the resource about."""
    return None if resource is None or resource.has_failed else resource.created or resource.modified
