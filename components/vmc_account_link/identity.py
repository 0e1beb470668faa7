"""Whose link is it? The organisation and the AWS account of a resource in the state."""

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import CheckFailure

from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import VmcSettings

IDENTITY = ("org_id", "account_number")


def identity_failures(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[CheckFailure]:
    """The failures of a `check` whose organisation or AWS account differs from the one in the state."""
    words = {"org_id": "organisation", "account_number": "AWS account"}
    return [
        CheckFailure(
            key,
            f"this Pulumi stack holds a link of {words[key]} {olds[key]}, and it can't be moved: "
            "use the old settings and credentials, or another Pulumi stack",
        )
        for key in IDENTITY
        if isinstance(olds.get(key), str) and isinstance(news.get(key), str) and olds[key] != news[key]
    ]


def same_organisation(settings: VmcSettings, props: Mapping[str, Any]) -> None:
    """Make sure that the settings are those of the organisation in the state.

    A refresh or a destroy runs no program, so nobody has compared them; and an account that is missing from
    another organisation's list is not gone.

    Raises:
        SettingsError: they are of another organisation.
    """
    if settings.org_id != props["org_id"]:
        raise SettingsError(
            "vmc:orgId",
            f"this Pulumi stack holds a link of organisation {props['org_id']}, not {settings.org_id}",
            "Nothing was changed: set it back (vmc:orgId or ORG_ID).",
        )
