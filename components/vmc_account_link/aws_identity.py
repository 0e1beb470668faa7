"""Whose AWS account is it? Asked of exactly the credentials that run the stack (ADR 0001)."""

import re
from collections.abc import Sequence
from typing import Any

import pulumi

from vmc_account_link.errors import WrongAccount, safe_text

_ASKED = "ask AWS whose credentials these are"


def is_account_number(text: object) -> bool:
    """Whether this is an AWS account: 12 digits. An answer without one is taken by AWS's own SDKs."""
    return isinstance(text, str) and re.fullmatch(r"\d{12}", text, re.ASCII) is not None


def caller_account(
    provider: pulumi.ProviderResource, parent: pulumi.Resource, wanted: pulumi.Input[str] | None
) -> pulumi.Output[str]:
    """The account of the provider's credentials, which must be the wanted one."""
    return pulumi.Output.all(pulumi.Output.from_input(_found(provider, parent, wanted)), wanted).apply(
        _same_account
    )


async def _found(
    provider: pulumi.ProviderResource, parent: pulumi.Resource, wanted: pulumi.Input[str] | None
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
        raise _credentials_refused(wanted, error) from None
    return caller["accountId"] if caller else pulumi.UNKNOWN


def _credentials_refused(wanted: pulumi.Input[str] | None, error: Exception) -> WrongAccount:
    """Say in one line what the SDK would say in a traceback."""
    only = f"; vmc-account-link:awsAccountId is {wanted}" if isinstance(wanted, str) else ""
    return WrongAccount(
        _ASKED,
        safe_text(str(error).rpartition("returned an error: ")[2]),
        f"Nothing was created: check the credentials (AWS_PROFILE, aws:profile, …){only}.",
    )


def _same_account(found_and_wanted: Sequence[Any]) -> str:
    found, wanted = found_and_wanted
    if not is_account_number(found):
        raise WrongAccount(
            _ASKED,
            f'it answered "{safe_text(str(found))}", which is no account number',
            "Nothing was created: check the network (a proxy may have answered) and aws:endpoints.",
        )
    if wanted is not None and str(wanted).strip() != found:
        raise WrongAccount(
            "vmc-account-link:awsAccountId",
            f"the AWS credentials are of account {found}, not {wanted}",
            "Nothing was created: change the credentials (aws:profile, AWS_PROFILE, …) or awsAccountId.",
        )
    account_number: str = found
    return account_number
