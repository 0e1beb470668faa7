"""What is known of a link: what our resources keep of it, and its task where that has to decide."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task, parse_moment
from vmc_account_link.errors import NotFound
from vmc_account_link.link.ownership import (
    KNOWN_ROLE_IDS,
    LinkEvidence,
    Owner,
    Ownership,
    OwnRecord,
    decide_owner,
)

EVIDENCE = (
    "account_number",
    "stack_name",
    "stack_names",
    "role_ids",
    "revision_at_request",
    "previous_revision",
    "tracking_task",
)
"""The properties of a link request out of which `link_evidence` is read."""

END = ("expiration_date", "requested_at", "clock_ahead_seconds")
"""The properties of a link request out of which `link_end` is read."""
_LONGEST_LIFE = timedelta(days=1)
"""Of a link whose answer names no end, as answers did in 2019. Too long a guess costs waiting only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnd:
    """When a link counts as expired."""

    at: datetime
    """By the service's clock."""
    is_named: bool = True
    """Whether the service said so."""

    @property
    def why(self) -> str:
        """As a message says it of a link that has expired."""
        if self.is_named:
            return f"its link expired at {self.at.isoformat()}"
        return "its link is more than a day old, and the service did not say when it expires"


def link_end(props: Mapping[str, Any]) -> LinkEnd | None:
    """When the link of a request counts as expired; None: the state of an earlier version does not say."""
    expires, requested_at = props.get("expiration_date"), props.get("requested_at")
    if isinstance(expires, str):
        return LinkEnd(at=parse_moment(expires))
    if not isinstance(requested_at, str):
        return None
    ahead = timedelta(seconds=float(props.get("clock_ahead_seconds") or 0))
    return LinkEnd(at=parse_moment(requested_at) + ahead + _LONGEST_LIFE, is_named=False)


def link_evidence(props: Mapping[str, Any], *, stack_names: Sequence[str] = ()) -> LinkEvidence:
    """What a link request or a connected account keeps of its link.

    Args:
        props: its inputs and outputs.
        stack_names: the stacks that are ours; empty: as kept.
    """
    kept = props.get("stack_names") or [props["stack_name"]]
    return LinkEvidence(
        account_number=props["account_number"],
        stack_names=tuple(stack_names or kept),
        role_ids=tuple(props.get("role_ids") or KNOWN_ROLE_IDS),
        was_requested=True,
        revision_at_request=props.get("revision_at_request"),
        previous_revision=props.get("previous_revision"),
        tracking_task=props.get("tracking_task"),
        own_record=OwnRecord.from_state(props.get("own_record")),
    )


def find_task(vmc: VmcClient, task_id: Any) -> Task | None:
    """A link's task; None where the service gave none, or does not know it.

    Raises:
        VmcError: the service could not be asked.
    """
    if not isinstance(task_id, str):
        return None
    try:
        return vmc.get_task(task_id)
    except NotFound:
        return None


def find_owner(vmc: VmcClient, account: AccountRecord | None, known: LinkEvidence) -> Ownership | None:
    """Whose a record is; the link's task is asked for only where the record does not say it. None: no record.

    Raises:
        VmcError: the service could not be asked.
    """
    if account is None:
        return None
    ownership = decide_owner(account, known)
    if ownership.owner is Owner.UNCLEAR and known.was_requested and known.own_record is None:
        ownership = decide_owner(account, known.with_task(find_task(vmc, known.tracking_task)))
    return ownership
