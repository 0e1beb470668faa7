"""Which subnets can an SDDC use, and do the chosen ones fit? Pure."""

import ipaddress
from collections.abc import Sequence

from vmc_account_link.api.models import Subnet
from vmc_account_link.errors import SubnetsDoNotFit, safe_text

SDDC_TYPES = ("1NODE", "SingleAZ", "MultiAZ")
"""As the API names them."""
DEFAULT_SDDC_TYPE = "SingleAZ"
"""What the service takes where none is given."""
SMALLEST_PREFIX = 26
"""Source: VMware's requirements for subnets of a connected VPC."""
_NO_REASON = "the service gives no reason"


def by_zone(subnets: Sequence[Subnet]) -> dict[str, list[str]]:
    """The compatible subnets: availability zone -> ids; both sorted."""
    zones: dict[str, list[str]] = {}
    for subnet in subnets:
        if subnet.is_compatible:
            zones.setdefault(subnet.availability_zone or "", []).append(subnet.id)
    return {zone: sorted(ids) for zone, ids in sorted(zones.items())}


def rejected(subnets: Sequence[Subnet]) -> dict[str, str]:
    """The other ones: id -> where, and the service's note on why; sorted."""
    return {
        subnet.id: f"{_where(subnet)}: {safe_text(subnet.note) if subnet.note else _NO_REASON}"
        for subnet in sorted(subnets, key=lambda subnet: subnet.id)
        if not subnet.is_compatible
    }


def check_chosen(
    chosen: Sequence[str],
    subnets: Sequence[Subnet],
    *,
    sddc_type: str | None,
    connected_account_id: str,
) -> None:
    """Judge the subnets that an SDDC is to be connected to, before it is deployed.

    An SDDC that was deployed with subnets that do not fit fails, and the customer can't remove it
    (terraform-provider-vmc, issue 50).

    Args:
        chosen: subnet ids.
        subnets: what the service lists for the account and region.
        sddc_type: one of `SDDC_TYPES`; None counts as SingleAZ, as with the service.
        connected_account_id: the account that the subnets have to be of.

    Raises:
        SubnetsDoNotFit: they do not, with the reason.
    """
    kind = sddc_type or DEFAULT_SDDC_TYPE
    count = _subnet_count(kind)
    known = {subnet.id: subnet for subnet in subnets}
    reason = count_problem(chosen, kind)
    for subnet_id in chosen:
        reason = reason or _problem(subnet_id, known.get(subnet_id), connected_account_id)
    if reason is None and count == 2:
        zones = {known[subnet_id].availability_zone for subnet_id in chosen}
        if len(zones) < 2:
            reason = f"they are both in {zones.pop()}, and MultiAZ needs two availability zones"
    if reason is not None:
        usable = "; ".join(f"{zone}: {', '.join(ids)}" for zone, ids in by_zone(subnets).items())
        raise SubnetsDoNotFit(
            f"use {', '.join(chosen)} for a {kind} SDDC",
            reason,
            f"Set vmc-account-link:sddcSubnets to {count} of: {usable or 'none can be used'}.",
        )


def count_problem(chosen: Sequence[str], sddc_type: str) -> str | None:
    """Why so many subnets, whatever they are, are not for an SDDC of this type; None where they may be."""
    if len(set(chosen)) != len(chosen):
        return "one is named twice"
    count = _subnet_count(sddc_type)
    if len(chosen) != count:
        return f"{sddc_type} takes {'two subnets' if count == 2 else 'one subnet'}, not {len(chosen)}"
    return None


def _subnet_count(sddc_type: str) -> int:
    return 2 if sddc_type == "MultiAZ" else 1


def _problem(subnet_id: str, subnet: Subnet | None, connected_account_id: str) -> str | None:
    """Why one subnet can't be used."""
    if subnet is None:
        return f"VMware knows no {subnet_id} in the linked account and this region"
    if subnet.connected_account_id not in {None, connected_account_id}:
        return f"{subnet_id} is of another connected account, {subnet.connected_account_id}"
    if not subnet.is_compatible:
        return f"{subnet_id}: {safe_text(subnet.note) if subnet.note else _NO_REASON}"
    prefix = _prefix(subnet.cidr_block)
    if prefix is not None and prefix > SMALLEST_PREFIX:
        return f"{subnet_id} is a /{prefix}, and at least a /{SMALLEST_PREFIX} is needed"
    return None


def _prefix(cidr_block: str | None) -> int | None:
    try:
        return ipaddress.ip_network(cidr_block or "", strict=False).prefixlen
    except ValueError:
        return None


def _where(subnet: Subnet) -> str:
    return (
        ", ".join(part for part in (subnet.availability_zone, subnet.cidr_block) if part) or "nowhere known"
    )
