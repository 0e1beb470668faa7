"""AWS as the component uses it: a provider pinned to one region, and the account of its credentials.

An explicit provider reads the `AWS_*` environment but not the stack's `aws:*` configuration, so it carries
every other `aws:*` setting (ADR 0001). The account is asked of exactly the credentials that run the stack.
"""

import configparser
import functools
import inspect
import json
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime import is_config_secret

from vmc_account_link.args import configured_keys
from vmc_account_link.errors import SettingsError, WrongAccount, safe_text
from vmc_account_link.settings import is_account_number, refuse_unknown_keys, setting_key

_LARGEST_RETRIES = 5
"""How often a call to AWS is tried. The provider's own 25 times have pauses of up to 5 minutes: with an AWS
that keeps failing, an `up` would look hung for most of an hour."""
_ASK_NOTHING = {"skip_credentials_validation": True, "skip_requesting_account_id": True}
"""The provider asks AWS nothing as it starts. The engine says what goes wrong then over several lines; what
`getCallerIdentity` finds later is ours to say (`aws_identity`)."""
_ACCOUNT_LIMITS = frozenset({"allowed_account_ids", "forbidden_account_ids"})


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
            destroy as well, where no program of ours runs. `aws:allowedAccountIds` goes before it. A provider
            with such a limit asks AWS for the account as it starts, in Check and in Configure.

    Raises:
        SettingsError: an `aws:` setting is not of its type; the message names it.
        WrongAccount: there are no credentials, which needs no call to be seen.
    """
    refuse_missing_credentials(configured_arguments(), os.environ)
    arguments = {"max_retries": _LARGEST_RETRIES, **configured_arguments()}
    if account_id is not None:
        arguments.setdefault("allowed_account_ids", [account_id])
    if not _ACCOUNT_LIMITS & arguments.keys():
        arguments = _ASK_NOTHING | arguments
    return aws.Provider(name, opts=opts, region=region, **arguments)


def refuse_missing_credentials(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse what the provider would certainly fail on as it starts: no such profile, no credentials.

    Args:
        arguments: the provider's, of the `aws:*` configuration.
        environ: the environment of this process, which is the provider's too.

    Raises:
        WrongAccount: there are none.
    """
    action = "find AWS credentials"
    profiles = _profiles(arguments, environ)
    profile = arguments.get("profile") or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    if isinstance(profile, str) and profile not in profiles:
        hint = "Nothing was created: correct aws:profile or AWS_PROFILE, or the files that describe profiles."
        raise WrongAccount(action, f"there is no AWS profile {profile}", hint)
    without_files = (
        arguments.keys() & {"access_key", "assume_role_with_web_identity"}
        or environ.get("AWS_ACCESS_KEY_ID")
        or environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        or any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ)
    )
    asks_machine = arguments.get("skip_metadata_api_check") is not True and (
        environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true"
    )
    if not (profile or without_files or profiles.get("default") or asks_machine):
        hint = "Nothing was created: log in to AWS, or set AWS_PROFILE, aws:profile or AWS_ACCESS_KEY_ID."
        raise WrongAccount(action, "there are none", hint)


def _profiles(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, bool]:
    """Each profile of AWS's shared files, and whether anything is set in it."""
    sources = {
        "config": (arguments.get("shared_config_files"), environ.get("AWS_CONFIG_FILE")),
        "credentials": (
            arguments.get("shared_credentials_files"),
            environ.get("AWS_SHARED_CREDENTIALS_FILE"),
        ),
    }
    found: dict[str, bool] = {}
    for name, (configured, variable) in sources.items():
        given = configured if isinstance(configured, Sequence) else [variable or f"~/.aws/{name}"]
        for file in given:
            parser = configparser.RawConfigParser(strict=False, default_section="")
            try:
                parser.read(Path(str(file)).expanduser(), encoding="utf-8")
            except (configparser.Error, OSError, RuntimeError, UnicodeError):
                continue  # The provider says what is wrong with it.
            for section in parser.sections():
                profile = section.removeprefix("profile ").strip()
                found[profile] = found.get(profile, False) or bool(parser[section])
    return found


def limits_accounts() -> bool:
    """Whether the stack's `aws:*` configuration says itself in which AWS accounts the provider may work."""
    return bool(_ACCOUNT_LIMITS & configured_arguments().keys())


def configured_arguments() -> dict[str, Any]:
    """The arguments of an AWS provider that the stack's `aws:*` configuration sets, but its region.

    A secret stays one.
    """
    config = pulumi.Config("aws")
    # Those that the default provider would refuse: with one of our own nobody would read them.
    refuse_unknown_keys("aws", configured_keys(), aws_keys())
    arguments: dict[str, Any] = {}
    for argument, is_text in _text_arguments().items():
        key = setting_key(argument)
        raw = config.get(key)
        if raw is None or argument == "region":
            continue
        value = raw if is_text else _parsed(key, raw)
        arguments[argument] = pulumi.Output.secret(value) if is_config_secret(f"aws:{key}") else value
    return arguments


def aws_keys() -> tuple[str, ...]:
    """The keys of the namespace `aws:` that an AWS provider knows."""
    return tuple(setting_key(argument) for argument in _text_arguments())


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
            f"aws:{key}", "its value has another type", "Set a boolean, number, list or object as JSON."
        ) from None


_ACTION = "ask AWS whose credentials these are"


def caller_account(
    provider: pulumi.ProviderResource, parent: pulumi.Resource, expected: pulumi.Input[str] | None
) -> pulumi.Output[str]:
    """The account of the provider's credentials, which must be the wanted one."""
    return pulumi.Output.all(pulumi.Output.from_input(_found(provider, parent, expected)), expected).apply(
        same_account
    )


async def _found(
    provider: pulumi.ProviderResource, parent: pulumi.Resource, expected: pulumi.Input[str] | None
) -> Any:
    """The account that AWS names; unknown where the engine can't ask yet."""
    # Neither `aws.get_caller_identity_output` nor, before 3.269, `invoke_output(…).recover(…)`: in both the
    # failed look-up is an Output of its own, and the SDK waits for all Outputs in no order. Where it comes to
    # that one first, the person sees its traceback.
    try:
        caller = await pulumi.runtime.invoke_async(
            "aws:index/getCallerIdentity:getCallerIdentity",
            {},
            pulumi.InvokeOptions(parent=parent, provider=provider),
        )
    except Exception as error:  # noqa: BLE001 - the SDK raises it for whatever the plugin answered
        raise _rejected_credentials(expected, error) from None
    return caller["accountId"] if caller else pulumi.UNKNOWN


def _rejected_credentials(expected: pulumi.Input[str] | None, error: Exception) -> WrongAccount:
    """Say in one line what the SDK would say in a traceback."""
    only = f"; vmc-account-link:awsAccountId is {expected}" if isinstance(expected, str) else ""
    return WrongAccount(
        _ACTION,
        safe_text(str(error).rpartition("returned an error: ")[2]),
        f"Nothing was created: check the credentials (AWS_PROFILE, aws:profile, …){only}.",
    )


def same_account(found_and_expected: Sequence[Any]) -> str:
    """The account that AWS names, if it is a number and the expected one (None: any).

    Raises:
        WrongAccount: it is not.
    """
    found, expected = found_and_expected
    if not is_account_number(found):
        raise WrongAccount(
            _ACTION,
            f'it answered "{safe_text(str(found))}", which is not an account number',
            "Nothing was created: check the network (a proxy may have answered) and aws:endpoints.",
        )
    if expected is not None and str(expected).strip() != found:
        raise WrongAccount(
            "vmc-account-link:awsAccountId",
            f"the AWS credentials belong to account {found}, not {expected}",
            "Nothing was created: change the credentials (aws:profile, AWS_PROFILE, …) or awsAccountId.",
        )
    account_number: str = found
    return account_number
