"""Whose AWS account is it? Asked of exactly the credentials that run the stack (ADR 0001)."""

import functools
from collections.abc import Sequence
from typing import Any

import pulumi

from vmc_account_link.errors import WrongAccount, safe_text


def caller_account(
    provider: pulumi.ProviderResource, parent: pulumi.Resource, wanted: pulumi.Input[str] | None
) -> pulumi.Output[str]:
    """The account of the provider's credentials, which must be the wanted one."""
    # Not `aws.get_caller_identity_output`: it keeps the look-up's own Output to itself, so that a failure of
    # it could not be recovered from and would reach the person as a traceback.
    caller = pulumi.runtime.invoke_output(
        "aws:index/getCallerIdentity:getCallerIdentity",
        {},
        pulumi.InvokeOutputOptions(parent=parent, provider=provider),
    ).recover(functools.partial(_credentials_refused, wanted))
    return pulumi.Output.all(caller["accountId"], wanted).apply(_same_account)


def _credentials_refused(wanted: pulumi.Input[str] | None, error: Exception) -> Any:
    """Say in one line what the SDK would say in a traceback."""
    only = f"; vmc-account-link:awsAccountId is {wanted}" if isinstance(wanted, str) else ""
    raise WrongAccount(
        "ask AWS whose credentials these are",
        safe_text(str(error).rpartition("returned an error: ")[2]),
        f"Nothing was created: check the credentials (AWS_PROFILE, aws:profile, …){only}.",
    ) from None


def _same_account(found_and_wanted: Sequence[Any]) -> str:
    found, wanted = found_and_wanted
    if wanted is not None and str(wanted).strip() != found:
        raise WrongAccount(
            "vmc-account-link:awsAccountId",
            f"the AWS credentials are of account {found}, not {wanted}",
            "Nothing was created: change the credentials (aws:profile, AWS_PROFILE, …) or awsAccountId.",
        )
    account_number: str = found
    return account_number
