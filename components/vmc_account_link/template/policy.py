"""The policy of the configuration, and a template judged by it. Pure."""

from collections.abc import Mapping
from typing import Any

from vmc_account_link.errors import SettingsError, TemplateRejected
from vmc_account_link.settings import QUOTES
from vmc_account_link.template.report import TemplatePolicy, inspect_template, summary, violations

_SETTING = "vmc-account-link:templatePolicy"
_KEYS = ("resourceTypes", "trustedAccounts")


def read_policy(wire: Any, *, setting: str = _SETTING) -> TemplatePolicy:
    """Read `templatePolicy`.

    Args:
        wire: an object with `resourceTypes` and `trustedAccounts`, lists of texts; what is left out does not
            limit, an empty list allows nothing. None or an empty object: no policy.
        setting: how a message names it.

    Raises:
        SettingsError: anything else; a policy that is misspelt must not be one that allows everything.
    """
    if wire is None:
        return TemplatePolicy()
    if not isinstance(wire, Mapping) or set(wire) - set(_KEYS):
        raise SettingsError(setting, "it is not an object of lists", f"Its keys are {' and '.join(_KEYS)}.")
    wire = {key: _texts(value) for key, value in wire.items()}
    for key, value in wire.items():
        if not isinstance(value, list | tuple) or not all(
            isinstance(entry, str) and entry for entry in value
        ):
            raise SettingsError(f"{setting}.{key}", "it is not a list of texts", "Set it as a list.")
    types, accounts = (wire.get(key) for key in _KEYS)
    if wrong := [number for number in accounts or () if not (len(number) == 12 and number.isdecimal())]:
        raise SettingsError(
            f"{setting}.{_KEYS[1]}",
            f"{wrong[0]} is not an AWS account",
            f"Each is a text of 12 digits: {QUOTES}.",
        )
    return TemplatePolicy(
        resource_types=None if types is None else frozenset(types),
        trusted_accounts=None if accounts is None else frozenset(accounts),
    )


def _texts(value: Any) -> Any:
    """A list with its numbers as texts: `pulumi config set --path` makes one of an account's digits."""
    if not isinstance(value, list | tuple):
        return value
    return [f"{entry:.0f}" if type(entry) in {int, float} else entry for entry in value]


def enforce_policy(text: str, policy: TemplatePolicy) -> tuple[str, ...]:
    """Say in a few lines what a template makes, if the policy allows it.

    Raises:
        TemplateRejected: the policy does not, or it is no template.
    """
    report = inspect_template(text)
    found = violations(report, policy)
    if found:
        raise TemplateRejected(
            f"run the link's template under {_SETTING}",
            "; ".join(found),
            "Nothing was created; look at it (`vmc-account-link inspect`) before you allow more.",
        )
    return summary(report)
