"""What is known of a link: what our resources keep of it, and its task where that has to decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task
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
