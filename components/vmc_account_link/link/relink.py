"""When is another link requested, and when not? ADR 0015."""

import math
import shlex
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, AccountState, TaskStatus, parse_moment
from vmc_account_link.errors import LinkInUse
from vmc_account_link.link.evidence import find_task, link_end, link_evidence
from vmc_account_link.link.ownership import Owner, decide_owner, find_account, same_organisation
from vmc_account_link.link.progress import template_was_run
from vmc_account_link.settings import VmcSettings

NEEDS_NEW_LINK = ("stack_name",)
"""A link is run once, by one stack."""


class RelinkReason(Enum):
    """Why another link is to be requested."""

    REQUESTED = auto()
    """The person changed `relink`, or something that a link is made for."""
    TEMPLATE_NOT_RUN = auto()
    """The service has not seen the last one run, which was to renew a record."""
    EXPIRED = auto()
    """The last one has expired, and the account is not connected by it."""


def relink_reason(
    vmc: VmcClient, settings: VmcSettings, olds: Mapping[str, Any], news: Mapping[str, Any], now: datetime
) -> RelinkReason | None:
    """Why another link is to be requested; None: the last one is good, or has done its work.

    The service is asked only where the last link was to renew a record, or seems to have expired.

    Args:
        vmc: the service.
        settings: they have to be those of the organisation in the state.
        olds: what is stored of the last link.
        news: the inputs now.
        now: this machine's clock.

    Raises:
        SettingsError: the settings are of another organisation.
        VmcError: the service could not be asked.
    """
    if needs_new_link(olds, news):
        return RelinkReason.REQUESTED
    previous_revision = olds.get("previous_revision")
    has_to_renew = bool(olds.get("renews"))
    expired_for = _expired_for_seconds(olds, now)
    # Our clock may be hours off in either direction, and another one than the link was requested by: it and
    # what was known of the service's then only say whether it is time to ask; the service's own clock
    # decides.
    seems_expired = max(expired_for, expired_for + float(olds.get("clock_ahead_seconds") or 0)) >= 0
    if not has_to_renew and not seems_expired and not _was_set_back(olds, now):
        return None
    same_organisation(settings, olds)
    account = find_account(vmc.list_connected_accounts(), olds["account_number"])
    # A record that was there before, as after a destroy that did not unlink, is not this link's doing.
    has_run = previous_revision is None or template_was_run(
        find_task(vmc, olds.get("tracking_task")), account, previous_revision
    )
    if has_to_renew and not has_run:
        return RelinkReason.TEMPLATE_NOT_RUN
    expired = expired_for + vmc.clock_ahead_seconds() >= 0
    is_expired = expired and not (has_run and _is_connected(account, olds))
    return RelinkReason.EXPIRED if is_expired else None


def _is_connected(account: AccountRecord | None, olds: Mapping[str, Any]) -> bool:
    """Whether the account is ACTIVE, and not by another's link: one that can't be told is not made again."""
    if account is None or not account.is_active:
        return False
    known = link_evidence(olds, stack_names=[olds["stack_name"]])
    return decide_owner(account, known).owner is not Owner.ANOTHER


def owned_stack_names(
    vmc: VmcClient, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Under which stacks' names a live record of the account is ours, and of which that is not known yet.

    Under another name than before, the old one is ours only if its link was run: a stack that was never made,
    because somebody else's has that name, made no record. What the service no longer knows is believed. A
    task that still runs may yet connect the account.

    Returns:
        The names, the wanted one first; and of each link whose task runs `stack_name` and `tracking_task`.

    Raises:
        VmcError: the service could not be asked.
    """
    stack_name, old_name = news["stack_name"], olds.get("stack_name")
    earlier = list(olds.get("stack_names") or ())[1:]
    replaced = list(olds.get("replaced_links") or ())
    if old_name not in {None, stack_name}:
        # A link that was to renew a record: the stack of that name is there.
        task_id = None if olds.get("renews") else olds.get("tracking_task")
        replaced.insert(0, {"stack_name": old_name, "tracking_task": task_id})
    tasks = [(link, find_task(vmc, link["tracking_task"])) for link in replaced]
    run = [link["stack_name"] for link, task in tasks if task is None or task.status == TaskStatus.FINISHED]
    running = [link for link, task in tasks if task is not None and not task.has_ended]
    return list(dict.fromkeys([stack_name, *run, *earlier])), running


def needs_new_link(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the configuration asks for one; a `relink` that is removed asks for nothing."""
    relink = news.get("relink")
    is_requested = relink is not None and relink != olds.get("relink")
    return is_requested or any(news.get(key) != olds.get(key) for key in NEEDS_NEW_LINK)


def refuse_where_sddcs_are(vmc: VmcClient, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Make sure that no SDDC uses the link, or that the person knows.

    SDDCs keep the roles that they were made with, and VMware tracks only the template that ran last. Source:
    VMware's Well-Architected guide and the page on the connected VPC. Under another stack name the account is
    unlinked first, which the service itself refuses then.

    Raises:
        LinkInUse: one does.
    """
    relink = news.get("relink")
    is_accepted = relink is not None and news.get("relink_despite_sddcs") == relink
    if is_accepted or news.get("stack_name") != olds.get("stack_name"):
        return
    account = find_account(vmc.list_connected_accounts(), olds["account_number"])
    if account is None or account.state != AccountState.ACTIVE:
        return
    sddcs = sorted(
        {
            connection.sddc_id or connection.id
            for connection in vmc.list_sddc_connections()
            # One that does not say which account it uses may use this one.
            if connection.connected_account_id in {None, account.id}
            and connection.state != AccountState.DELETED
        }
    )
    if sddcs:
        raise LinkInUse(
            f"request a new link of AWS account {olds['account_number']}",
            f"{len(sddcs)} SDDC(s) use the present one ({', '.join(sddcs)})",
            "Nothing was changed: they keep the roles they were made with, which a new template may change. "
            f"If that is accepted, {_how_to_accept(relink)}.",
        )


def _how_to_accept(relink: Any) -> str:
    if relink is None:
        return "set vmc-account-link:relink and vmc-account-link:relinkDespiteSddcs to the same new text"
    return f"run `pulumi config set relinkDespiteSddcs {shlex.quote(str(relink))}`"


def _expired_for_seconds(olds: Mapping[str, Any], now: datetime) -> float:
    """Since when the link is expired by this machine's clock; below 0: it is not, or never will be."""
    end = link_end(olds)
    return (now - end.at).total_seconds() if end else -math.inf


def _was_set_back(olds: Mapping[str, Any], now: datetime) -> bool:
    """Whether it is earlier by this machine's clock than when the link was requested."""
    requested_at = olds.get("requested_at")
    return isinstance(requested_at, str) and now < parse_moment(requested_at)
