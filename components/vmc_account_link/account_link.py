"""The component: link request -> template -> stack -> connected account -> outputs, in reading order."""

import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from vmc_account_link.aws_provider import pinned_provider
from vmc_account_link.connected_account import ConnectedAccount
from vmc_account_link.errors import SettingsError, WrongAccount, safe_text
from vmc_account_link.link_request import LinkRequest
from vmc_account_link.settings import VmcSettings, read_settings

DEFAULT_REGION = "us-west-2"
DEFAULT_STACK_NAME = "SDDC-Account-Link"
DEFAULT_LINK_TIMEOUT_MINUTES = 30


class AccountLinkArgs(TypedDict):
    """What an account link can be told; every key may be left out or None."""

    link: NotRequired[str | None]
    """`create` (the default): make the link and own it. `adopt` is not in this release."""
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
    """Not in this release."""
    subnet_region: NotRequired[str | None]
    """Not in this release."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    """Tags of the stack."""


class AccountLink(pulumi.ComponentResource):
    """An AWS account connected to a VMC organisation by the service's CloudFormation stack.

    The VMC credentials come from the `vmc:` configuration or the environment (`read_settings`); the AWS
    ones from an `aws` provider among the component's `providers`, else from `aws:*` and `AWS_*`.
    """

    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""
    connected_account_id: pulumi.Output[str]
    """The service's id of the connected account, which SDDC creation asks for."""
    connected_account_state: pulumi.Output[str]
    """What the service says: ACTIVE after a successful update."""
    stack_id: pulumi.Output[str]
    """The CloudFormation stack's ARN."""
    stack_name: pulumi.Output[str]
    """The CloudFormation stack's name."""
    tracking_task: pulumi.Output[str | None]
    """Id of the service's task that followed the link."""
    link_expiration_date: pulumi.Output[str | None]
    """When the link's template stops being usable: ISO 8601, UTC. The connection does not end then."""
    compatible_subnets: pulumi.Output[dict[str, list[str]]]
    """Availability zone -> subnet ids; empty in this release."""
    template_url: pulumi.Output[str]
    """The link's value of that name; secret."""
    template_execution_url: pulumi.Output[str | None]
    """The link's value of that name; secret."""
    expiration_date: pulumi.Output[str | None]
    """The link's value of that name."""

    def __init__(
        self, name: str, args: AccountLinkArgs | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the link.

        Args:
            name: the component's name; its children's names begin with it.
            args: see `AccountLinkArgs`.
            opts: resource options; an `aws` provider among `providers` is used as it is, region and all.

        Raises:
            SettingsError: a setting is missing, malformed, or not in this release.
        """
        # Empty text is how Pulumi.yaml's defaults say "unset". An Output has no opinion yet.
        given: dict[str, Any] = {
            key: value for key, value in (args or {}).items() if value is not None and not _is_blank(value)
        }
        super().__init__("vmc:index:AccountLink", name, dict(given), opts)
        _refuse_what_can_not_be(given)
        settings = read_vmc_settings()
        child = pulumi.ResourceOptions(parent=self)

        provider = self.get_provider("aws:cloudformation/stack:Stack") or pinned_provider(
            f"{name}-aws", _region(given), child, account_id=given.get("aws_account_id")
        )
        account_number = _account_number(provider, self, given.get("aws_account_id"))
        stack_name = given.get("stack_name", DEFAULT_STACK_NAME)

        request = LinkRequest(
            f"{name}-request",
            org_id=settings.org_id,
            account_number=account_number,
            stack_name=stack_name,
            inline_template=given.get("inline_template", True),
            template_hosts=given.get("template_hosts", []),
            opts=child,
        )
        stack = aws.cloudformation.Stack(
            f"{name}-stack",
            name=stack_name,
            template_body=request.template_body,
            template_url=pulumi.Output.all(request.template_body, request.template_url).apply(
                _url_unless_inline
            ),
            capabilities=["CAPABILITY_IAM"],
            # A stack that failed leaves nothing behind that a refresh could take for a stack (ADR 0006).
            on_failure="DELETE",
            tags=given.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                # A stack whose creation failed is made anew. Without the first it counts as created on the
                # next update (seen on the engine, ADR 0006); without the second its name is taken.
                replace_on_changes=["#initerror"],
                delete_before_replace=True,
            ),
        )
        connected = ConnectedAccount(
            f"{name}-connected-account",
            org_id=settings.org_id,
            account_number=request.account_number,
            stack_name=stack.name,
            stack_id=stack.id,
            tracking_task=request.tracking_task,
            link_timeout_minutes=given.get("link_timeout_minutes", DEFAULT_LINK_TIMEOUT_MINUTES),
            unlink_on_destroy=given.get("unlink_on_destroy", True),
            opts=child,
        )

        self.account_number = connected.account_number
        self.connected_account_id = connected.connected_account_id
        self.connected_account_state = connected.connected_account_state
        self.stack_id = stack.id
        self.stack_name = stack.name
        self.tracking_task = request.tracking_task
        self.link_expiration_date = request.expiration_date
        self.compatible_subnets = pulumi.Output.from_input({})
        self.template_url = request.template_url
        self.template_execution_url = request.template_execution_url
        self.expiration_date = request.expiration_date
        self.register_outputs({key: getattr(self, key) for key in AccountLink.__annotations__})


def read_vmc_settings() -> VmcSettings:
    """Read the `vmc:` settings of the running program.

    Raises:
        SettingsError: one is missing or malformed.
    """
    config = pulumi.Config("vmc")
    return read_settings(lambda key: config.get(key.removeprefix("vmc:")), os.environ)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _refuse_what_can_not_be(given: Mapping[str, Any]) -> None:
    """Raise for a setting that a later release brings, one that does not exist, or a value that can't be."""
    for key, setting in (("relink", "relink"), ("subnet_region", "subnetRegion")):
        if key in given:
            raise SettingsError(f"vmc-account-link:{setting}", "it is not in this release", "Remove it.")
    link = given.get("link", "create")
    if link == "adopt":
        raise SettingsError("vmc-account-link:link", "`adopt` is not in this release", "Set it to `create`.")
    if link != "create":
        raise SettingsError("vmc-account-link:link", f"{link!r} is no way to link", "Set it to `create`.")
    minutes = given.get("link_timeout_minutes", 1)
    if isinstance(minutes, int | float) and not minutes >= 1:
        raise SettingsError(
            "vmc-account-link:linkTimeoutMinutes", f"{minutes} is too short", "Set 1 or more."
        )
    unknown = sorted(set(given) - set(AccountLinkArgs.__annotations__))
    if unknown:
        raise SettingsError("AccountLink", f"it has no argument {', '.join(unknown)}", "See AccountLinkArgs.")


def _region(given: Mapping[str, Any]) -> str:
    """The stack's region, with a warning where VMware's own documents are not of one mind."""
    region: str = given.get("region", DEFAULT_REGION)
    if region != DEFAULT_REGION:
        pulumi.log.warn(
            f"vmc-account-link:region is {region}: VMware runs the link's stack in {DEFAULT_REGION}. "
            "Note where this one is: it has to stay there as long as the link."
        )
    return region


def _account_number(
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


def _url_unless_inline(body_and_url: Sequence[Any]) -> str | None:
    body, url = body_and_url
    return None if body else url
