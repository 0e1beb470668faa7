"""The component: link request -> template -> stack -> connected account -> wait -> outputs, in this order."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import pulumi
import pulumi_aws as aws

from vmc_account_link import resource_types
from vmc_account_link.args import (
    DEFAULT_LINK_TIMEOUT_MINUTES,
    DEFAULT_STACK_NAME,
    AccountLinkArgs,
    drop_unset,
    join_args,
    read_vmc_settings,
    stack_region,
    validate_args,
    without_defaults,
)
from vmc_account_link.aws import caller_account, configured_arguments, limits_accounts, pinned_provider
from vmc_account_link.aws_reader import access_of
from vmc_account_link.compatible_subnets import CompatibleSubnets
from vmc_account_link.connected_account import ConnectedAccount
from vmc_account_link.connection_wait import ConnectionWait
from vmc_account_link.existing_account import ExistingAccount
from vmc_account_link.link.evidence import END, EVIDENCE, LinkEnd, link_end, link_evidence
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.link_request import LinkRequest
from vmc_account_link.provider import LinkInputs
from vmc_account_link.settings import DEFAULT_REGION, VmcSettings, setting_key
from vmc_account_link.stack_hooks import (
    StackPrecheck,
    request_hooks,
    stack_hooks,
    update_in_place_while_relinked,
)


class AccountLink(pulumi.ComponentResource):
    """An AWS account connected to a VMC organisation by the service's CloudFormation stack.

    The VMC credentials come from the `vmc:` configuration or the environment (a Python program may hand them
    over as `vmc`); the AWS ones from an `aws` provider among the component's `providers`, else from `aws:*`
    and `AWS_*`.
    """

    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""
    connected_account_id: pulumi.Output[str]
    """The service's id of the connected account, which SDDC creation asks for."""
    connected_account_state: pulumi.Output[str]
    """What the service says: ACTIVE after a successful update."""
    stack_id: pulumi.Output[str | None]
    """The CloudFormation stack's ARN; unset for an existing link: the service knows only its name."""
    stack_name: pulumi.Output[str | None]
    """The CloudFormation stack's name; of an existing link what the service says."""
    tracking_task: pulumi.Output[str | None]
    """Id of the service's task that followed the link; unset for an existing one."""
    link_expiration_date: pulumi.Output[str | None]
    """When the link's template stops being usable: ISO 8601, UTC. The connection does not end then. Unset
    for an existing link."""
    compatible_subnets: pulumi.Output[dict[str, list[str]]]
    """Availability zone -> subnet ids, both sorted; empty without `subnet_region`."""
    rejected_subnets: pulumi.Output[dict[str, str]]
    """Subnet id -> why no SDDC can use it; empty without `subnet_region`."""

    def __init__(
        self,
        name: str,
        args: AccountLinkArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **arguments: Unpack[AccountLinkArgs],
    ) -> None:
        """Declare the link, or with `link: existing` a look at one that exists.

        Args:
            name: the component's name; its children's names begin with it.
            args: see `AccountLinkArgs`.
            opts: resource options; an `aws` provider among `providers` is used as it is, region and all.
            **arguments: the same as `args`, by keyword.

        Raises:
            SettingsError: a setting is missing or malformed, or contradicts another.
        """
        given = drop_unset(join_args(args, arguments))
        validate_args(given)
        # Not among the component's inputs, which stand in the state: a credential is part of it.
        vmc = given.pop("vmc", None)
        settings = read_vmc_settings() if vmc is None else vmc
        super().__init__(resource_types.ACCOUNT_LINK, name, without_defaults(given), opts)
        uses_existing = given.get("link") == "existing"
        provider, account_number = self._provider_and_account(name, given, opts)
        if uses_existing:
            self._use_existing(name, settings, account_number)
        else:
            self._make(name, settings, account_number, provider, given)
        self._list_subnets(name, settings, given)
        self.register_outputs({key: getattr(self, key) for key in AccountLink.__annotations__})

    def _provider_and_account(
        self, name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> tuple[pulumi.ProviderResource, pulumi.Output[str]]:
        """The AWS provider of the stack, and the account of its credentials, which is the expected one."""
        # Beside the component and not below it: the engine makes a provider although its parent is excluded
        # (`--exclude`, `--target`), and leaves it behind where its parent is moved (`state move`), and the
        # state is broken then. The alias finds it in a state from before.
        beside = pulumi.ResourceOptions(
            parent=opts.parent if opts else None,
            protect=opts.protect if opts else None,
            aliases=[pulumi.Alias(parent=self)],
        )
        expected = given.get("aws_account_id")
        uses_existing = given.get("link") == "existing"
        provider = self.get_provider(resource_types.STACK)
        if provider is None:
            region = given.get("region", DEFAULT_REGION) if uses_existing else stack_region(given)
            if expected is None or uses_existing or limits_accounts():
                provider = pinned_provider(f"{name}-aws", region, beside)
            else:
                # Two, because one that is bound to an account looks for it before anybody can ask it whose
                # credentials it has, and the engine says a failure of that over several lines (ADR 0001).
                asker = pinned_provider(f"{name}-aws-identity", region, beside)
                account_number = caller_account(asker, self, expected)
                return pinned_provider(
                    f"{name}-aws", region, beside, account_id=account_number
                ), account_number
        return provider, caller_account(provider, self, expected)

    def _use_existing(self, name: str, settings: VmcSettings, account_number: pulumi.Output[str]) -> None:
        """Look the record up; what only the one who made the link knows is None."""
        existing = ExistingAccount(
            f"{name}-existing-account",
            org_id=settings.org_id,
            account_number=account_number,
            # Where this Pulumi stack made the link itself, its request is found under this alias and the
            # adoption is refused: else the engine would delete the stack, which nobody declares any more.
            opts=pulumi.ResourceOptions(
                parent=self, aliases=[pulumi.Alias(name=f"{name}-request", type_=resource_types.LINK_REQUEST)]
            ),
        )
        unknown: pulumi.Output[Any] = pulumi.Output.from_input(None)
        self.account_number = existing.account_number
        self.connected_account_id = existing.connected_account_id
        self.connected_account_state = existing.connected_account_state
        self.stack_id = unknown
        self.stack_name = existing.cf_stack_name
        self.tracking_task = self.link_expiration_date = unknown

    def _make(
        self,
        name: str,
        settings: VmcSettings,
        account_number: pulumi.Output[str],
        provider: pulumi.ProviderResource,
        given: Mapping[str, Any],
    ) -> None:
        """Make the link and own it."""
        child = pulumi.ResourceOptions(parent=self)
        stack_name = given.get("stack_name", DEFAULT_STACK_NAME)
        has_unknown_tags = isinstance(given.get("tags"), pulumi.Output)
        is_own = self.get_provider(resource_types.STACK) is None
        own_region = given.get("region", DEFAULT_REGION) if is_own else None
        precheck = StackPrecheck(settings)

        request = LinkRequest(
            f"{name}-request",
            org_id=settings.org_id,
            account_number=account_number,
            stack_name=stack_name,
            template_hosts=given.get("template_hosts", []),
            relink=given.get("relink"),
            relink_despite_sddcs=given.get("relink_despite_sddcs"),
            template_policy=given.get("template_policy") or None,
            unlink_on_destroy=given.get("unlink_on_destroy", True),
            aws_access=_access(provider, region=own_region),
            # The other way round: an existing link is not made over (ADR 0011).
            opts=pulumi.ResourceOptions(
                parent=self,
                aliases=[
                    pulumi.Alias(name=f"{name}-existing-account", type_=resource_types.EXISTING_ACCOUNT)
                ],
                # The request goes last: a stack that AWS has not deleted is taken in again with its provider.
                depends_on=[provider],
                hooks=request_hooks(name, precheck),
            ),
        )
        stack = aws.cloudformation.Stack(
            f"{name}-stack",
            name=stack_name,
            template_body=request.template_body.apply(lambda body: body or None),
            template_url=pulumi.Output.all(request.template_body, request.template_url).apply(
                _url_unless_inline
            ),
            capabilities=["CAPABILITY_IAM"],
            # A stack that failed leaves nothing behind that a refresh could take for a stack (ADR 0006).
            on_failure="DELETE",
            tags=given.get("tags"),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The AWS provider derives them from the tags, and does not know that those may be secret.
                additional_secret_outputs=["tagsAll"] if has_unknown_tags else None,
                provider=provider,
                # A stack whose creation failed is made anew. Without the first it counts as created on the
                # next update (seen on the engine, ADR 0006); without the second its name is taken.
                replace_on_changes=["#initerror"],
                delete_before_replace=True,
                transforms=(
                    update_in_place_while_relinked(request.requested_at, request.renews)
                    if "relink" in given
                    else None
                ),
                # Not before a look whether the link may be run still (ADR 0016).
                hooks=stack_hooks(name, precheck, _known_link(request)),
            ),
        )
        link = LinkInputs(
            org_id=settings.org_id,
            account_number=request.account_number,
            stack_name=stack.name,
            stack_id=stack.id,
            tracking_task=request.tracking_task,
            previous_revision=request.previous_revision,
            revision_at_request=request.revision_at_request,
            role_ids=request.role_ids,
            link_timeout_minutes=given.get("link_timeout_minutes", DEFAULT_LINK_TIMEOUT_MINUTES),
        )
        connected = ConnectedAccount(
            f"{name}-connected-account",
            unlink_on_destroy=given.get("unlink_on_destroy", True),
            opts=child,
            **link,
        )
        # Of the one before it, so that the engine makes that one first and deletes this one first.
        link["account_number"] = connected.account_number
        wait = ConnectionWait(f"{name}-connection-wait", opts=child, **link)

        self.account_number = wait.account_number
        self.connected_account_id = wait.connected_account_id
        self.connected_account_state = wait.connected_account_state
        self.stack_id = stack.id
        self.stack_name = stack.name
        self.tracking_task = request.tracking_task
        self.link_expiration_date = request.expiration_date

    def _list_subnets(self, name: str, settings: VmcSettings, given: Mapping[str, Any]) -> None:
        """List what an SDDC can be connected to, where that is asked for."""
        if "subnet_region" not in given:
            self.compatible_subnets = pulumi.Output.from_input({})
            self.rejected_subnets = pulumi.Output.from_input({})
            return
        subnets = CompatibleSubnets(
            f"{name}-subnets",
            org_id=settings.org_id,
            connected_account_id=self.connected_account_id,
            region=given["subnet_region"],
            sddc_type=given.get("sddc_type"),
            hosts=given.get("sddc_hosts"),
            chosen=given.get("sddc_subnets") or None,
            tracking_task=self.tracking_task,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.compatible_subnets = subnets.compatible_subnets
        self.rejected_subnets = subnets.rejected_subnets


def _access(provider: pulumi.ProviderResource, *, region: str | None) -> pulumi.Input[Mapping[str, Any]]:
    """How the stack's provider asks AWS, without its keys; of a caller's, what it tells of itself.

    Args:
        provider: the stack's.
        region: of one of our own; None of a caller's.
    """
    if region is not None:
        own = {setting_key(argument): value for argument, value in configured_arguments().items()}
        return access_of({**own, "region": region})
    if not isinstance(provider, aws.Provider):
        return {}
    return pulumi.Output.all(region=provider.region, profile=provider.profile).apply(access_of)


def _known_link(request: LinkRequest) -> pulumi.Output[tuple[LinkEvidence, LinkEnd | None]]:
    """What is known of the link that the stack is to run, and when it expires."""
    kept = pulumi.Output.all(**{key: getattr(request, key) for key in (*EVIDENCE, *END)})
    return kept.apply(lambda known: (link_evidence(known), link_end(known)))


def _url_unless_inline(body_and_url: Sequence[Any]) -> str | None:
    body, url = body_and_url
    return None if body else url
