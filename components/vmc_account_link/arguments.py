"""What an account link can be told, and whether that makes sense. Pure, but for a warning."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import VmcSettings, read_settings
from vmc_account_link.subnets import SDDC_TYPES
from vmc_account_link.template_policy import read_policy

DEFAULT_REGION = "us-west-2"
DEFAULT_STACK_NAME = "SDDC-Account-Link"
DEFAULT_LINK_TIMEOUT_MINUTES = 30
_WAYS_TO_LINK = ("create", "adopt")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


class AccountLinkArgs(TypedDict):
    """What an account link can be told; every key may be left out or None."""

    link: NotRequired[str | None]
    """`create` (the default): make the link and own it. `adopt`: look up one that exists, never touch it."""
    stack_name: NotRequired[pulumi.Input[str] | None]
    """Name of the CloudFormation stack; default `SDDC-Account-Link`."""
    region: NotRequired[str | None]
    """Where the stack runs; default `us-west-2`, anything else is allowed with a warning."""
    aws_account_id: NotRequired[pulumi.Input[str] | None]
    """Refuse to run in any other AWS account than this one (12 digits)."""
    inline_template: NotRequired[pulumi.Input[bool] | None]
    """Download the template, inspect it and pass it as a body (default); else pass its URL."""
    template_hosts: NotRequired[pulumi.Input[Sequence[str]] | None]
    """Further hosts (`host` or `host:port`) that the template may come from."""
    link_timeout_minutes: NotRequired[pulumi.Input[int] | None]
    """How long to wait for the account to become connected; default 30."""
    unlink_on_destroy: NotRequired[pulumi.Input[bool] | None]
    """On destroy, unlink the account before the stack is deleted; default true."""
    relink: NotRequired[str | None]
    """Another text than before asks for a new link and runs its template in the same stack. While SDDCs use
    the link this is refused unless the word `despite-sddcs` is in it."""
    template_policy: NotRequired[Mapping[str, Sequence[str]] | None]
    """What the template may make (`resourceTypes`) and whom its roles may let in (`trustedAccounts`)."""
    subnet_region: NotRequired[str | None]
    """List the subnets of this region that an SDDC can use."""
    sddc_type: NotRequired[str | None]
    """Of the SDDC that the subnets are for: `1NODE`, `SingleAZ` or `MultiAZ`."""
    sddc_hosts: NotRequired[int | None]
    """How many hosts that SDDC will have; 0 is as good as left out."""
    sddc_subnets: NotRequired[Sequence[str] | None]
    """The subnets chosen for that SDDC: fail where they do not fit it."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    """Tags of the stack."""


def read_vmc_settings() -> VmcSettings:
    """Read the `vmc:` settings of the running program.

    Raises:
        SettingsError: one is missing or malformed.
    """
    config = pulumi.Config("vmc")
    return read_settings(lambda key: config.get(key.removeprefix("vmc:")), os.environ)


def given_arguments(args: AccountLinkArgs | None) -> dict[str, Any]:
    """The arguments that say something.

    Empty text, and 0 of `sddc_hosts`, is how Pulumi.yaml's defaults say "unset". An Output has no opinion.
    """
    given = {key: value for key, value in (args or {}).items() if value is not None and not _is_blank(value)}
    if given.get("sddc_hosts") == 0:
        del given["sddc_hosts"]
    return given


def refuse_what_can_not_be(given: Mapping[str, Any]) -> None:
    """Judge the arguments.

    Raises:
        SettingsError: one does not exist, can't have its value, or goes ill with another.
    """
    link = given.get("link", "create")
    if link not in _WAYS_TO_LINK:
        raise SettingsError(
            "vmc-account-link:link", f"{link!r} is no way to link", "Set it to `create` or `adopt`."
        )
    if link == "adopt" and "relink" in given:
        raise SettingsError(
            "vmc-account-link:relink",
            "an adopted link is renewed where it was made",
            "Remove it (`pulumi config rm relink`).",
        )
    minutes = given.get("link_timeout_minutes", 1)
    if isinstance(minutes, int | float) and not minutes >= 1:
        raise SettingsError(
            "vmc-account-link:linkTimeoutMinutes", f"{minutes} is too short", "Set 1 or more."
        )
    read_policy(given.get("template_policy"))
    _refuse_subnets_that_can_not_be(given)
    unknown = sorted(set(given) - set(AccountLinkArgs.__annotations__))
    if unknown:
        raise SettingsError("AccountLink", f"it has no argument {', '.join(unknown)}", "See AccountLinkArgs.")


def _refuse_subnets_that_can_not_be(given: Mapping[str, Any]) -> None:
    if "subnet_region" not in given:
        for key, setting in (
            ("sddc_type", "sddcType"),
            ("sddc_hosts", "sddcHosts"),
            ("sddc_subnets", "sddcSubnets"),
        ):
            if given.get(key):
                raise SettingsError(
                    f"vmc-account-link:{setting}",
                    "it says something of subnets, and none are asked for",
                    "Set vmc-account-link:subnetRegion too, or remove it.",
                )
        return
    region = given["subnet_region"]
    if not _REGION.fullmatch(region):
        raise SettingsError("vmc-account-link:subnetRegion", f"{region!r} is no region", "Such as us-west-2.")
    kind = given.get("sddc_type", SDDC_TYPES[0])
    if kind not in SDDC_TYPES:
        raise SettingsError(
            "vmc-account-link:sddcType", f"{kind!r} is none", f"It is one of {', '.join(SDDC_TYPES)}."
        )
    if given.get("sddc_hosts", 1) < 1:
        raise SettingsError("vmc-account-link:sddcHosts", "there are no such SDDCs", "Set 1 or more.")


def stack_region(given: Mapping[str, Any]) -> str:
    """The stack's region, with a warning where VMware's own documents are not of one mind."""
    region: str = given.get("region", DEFAULT_REGION)
    if region != DEFAULT_REGION:
        pulumi.log.warn(
            f"vmc-account-link:region is {region}: VMware runs the link's stack in {DEFAULT_REGION}. "
            "Note where this one is: it has to stay there as long as the link."
        )
    return region


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
