"""An `aws` provider pinned to one region that carries the user's other `aws:*` configuration.

An explicit provider reads the `AWS_*` environment but not the stack's `aws:*` configuration (ADR 0001).
"""

import functools
import inspect
import json
import typing
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime import is_config_secret

from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import setting_key


def pinned_provider(
    name: str,
    region: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    account_id: pulumi.Input[str] | None = None,
) -> aws.Provider:
    """Declare an AWS provider for `region` with everything else from `aws:*`.

    Args:
        name: the provider's name.
        region: where its resources are.
        opts: resource options.
        account_id: the only AWS account it may be used in. It stands in the state, so it holds for a
            destroy as well, where no program of ours runs. `aws:allowedAccountIds` goes before it.

    Raises:
        SettingsError: an `aws:` setting is not of its type; the message names it.
    """
    arguments = configured_arguments()
    if account_id is not None:
        arguments.setdefault("allowed_account_ids", [account_id])
    return aws.Provider(name, opts=opts, region=region, **arguments)


def configured_arguments() -> dict[str, Any]:
    """The arguments of an AWS provider that the stack's `aws:*` configuration sets, but its region.

    A secret stays one.
    """
    config = pulumi.Config("aws")
    arguments: dict[str, Any] = {}
    for argument, is_text in _text_arguments().items():
        key = setting_key(argument)
        raw = config.get(key)
        if raw is None or argument == "region":
            continue
        value = raw if is_text else _parsed(key, raw)
        arguments[argument] = pulumi.Output.secret(value) if is_config_secret(f"aws:{key}") else value
    return arguments


@functools.cache
def _text_arguments() -> Mapping[str, bool]:
    """Each argument of the AWS provider, and whether it is plain text (else its configuration is JSON)."""
    # Not `get_type_hints`: `pulumi.Input` holds a forward reference that only its own module can resolve.
    annotations = inspect.get_annotations(aws.ProviderArgs.__init__)
    return {name: str in _members(hint) for name, hint in annotations.items() if name != "return"}


def _members(hint: Any) -> set[Any]:
    """The alternatives of a union, flattened; not the items of a list."""
    if typing.get_origin(hint) is typing.Union or isinstance(hint, type(int | str)):
        return {member for argument in typing.get_args(hint) for member in _members(argument)}
    return {hint}


def _parsed(key: str, raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise SettingsError(
            f"aws:{key}", "it is not of its type", "Set a boolean, number, list or object as JSON."
        ) from None
