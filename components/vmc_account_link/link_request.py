"""The dynamic resource that asks the service for an account link.

Identity: the organisation and the AWS account. A link is requested in `create`, and again in `update` where
the person wants a new one, the last was not run, or it can't bring the account in any more; never in preview,
refresh or an unchanged update. What it leaves behind, a template's URL that expires, is a by-product: it is
never compared.
"""

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from vmc_account_link import resource_types
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Task
from vmc_account_link.link.evidence import find_owner, link_evidence
from vmc_account_link.link.ownership import (
    IDENTITY,
    LinkEvidence,
    decide_owner,
    find_account,
    identity_failures,
    refuse_another_stacks_link,
    same_organisation,
)
from vmc_account_link.link.progress import LinkTarget, Waiting
from vmc_account_link.link.relink import (
    NEEDS_NEW_LINK,
    RelinkReason,
    owned_stack_names,
    refuse_where_sddcs_are,
    relink_reason,
)
from vmc_account_link.link.unlink import NothingToUnlink, Unlink, evaluate_unrecorded
from vmc_account_link.link.wait import EvaluateUnlink, link_target, unlink_until_gone
from vmc_account_link.provider import PREVIEW, ServiceProvider
from vmc_account_link.recovery.stack_left import LinkStack
from vmc_account_link.template import source
from vmc_account_link.template.policy import enforce_policy, read_policy
from vmc_account_link.template.report import TemplatePolicy

_LONGEST_READ_SECONDS = 1800.0
"""How long deleting waits for a link that nothing else stands for and that is on its way."""


class LinkRequestProvider(ServiceProvider):
    """Create, diff and update a link request. Pickled by reference into every state file: never moves."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse to carry an existing link over to another organisation or AWS account.

        Unlinking the old one would have to be done with the old credentials. And refuse to make a link where
        this Pulumi stack uses an existing one: `olds` are those of the existing account then.

        Raises:
            AlreadyLinked: on a preview of the first `up`, as `create`.
            VmcError: the same, refused.
        """
        # For a later `delete` in this run, which is one of a replacement then.
        self.context.memory.declared.add(_identity(news))
        if olds and "stack_name" not in olds:
            return CheckResult(inputs=news, failures=[_uses_existing_link(olds)])
        inputs = self.check_early(news, self._refuse_if_linked) if not olds else news
        return CheckResult(inputs=inputs, failures=identity_failures(olds, news))

    def _refuse_if_linked(self, inputs: Mapping[str, Any]) -> None:
        with self.open_client() as vmc:
            account = find_account(vmc.list_connected_accounts(), inputs["account_number"])
        known = LinkEvidence(
            account_number=inputs["account_number"], stack_names=(str(inputs.get("stack_name")),)
        )
        refuse_another_stacks_link(account, decide_owner(account, known) if account else None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Say whether there is something to do; on a preview too, so that a refusal is seen there.

        The service is asked only where a new link is wanted, the last one was to renew a record, or has
        expired.

        Raises:
            LinkInUse: SDDCs use the link that is to be renewed.
            VmcError: the service was to be asked and could not.
        """
        with self.open_client() as vmc:
            why = relink_reason(vmc, self.settings, olds, news, self.context.now())
            if why in {RelinkReason.REQUESTED, RelinkReason.TEMPLATE_NOT_RUN}:
                refuse_where_sddcs_are(vmc, olds, news)
        return DiffResult(changes=_changed_inputs(olds, news) or why is not None)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Request a link, after making sure that the account is not linked by somebody else.

        Raises:
            AlreadyLinked: another stack made the link that exists.
            TemplateRejected: the template is not one to run.
            VmcError: refused, not heard, or not understood.
        """
        with self.open_client() as vmc:
            known = LinkEvidence(account_number=props["account_number"], stack_names=(props["stack_name"],))
            outputs = self._request_link(vmc, props, known)
        outputs |= {"replaced_links": []}
        return CreateResult(id_=f"{props['org_id']}/{props['account_number']}", outs={**props, **outputs})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Request a new link where there is a reason (`RelinkReason`); else keep the old one's outputs.

        Raises:
            LinkInUse: SDDCs use the link that is to be renewed.
            VmcError: as `create`.
        """
        kept = {**olds, **news}
        with self.open_client() as vmc:
            why = relink_reason(vmc, self.settings, olds, news, self.context.now())
            if why is None:
                _recheck_template(olds, news)
                return UpdateResult(outs=kept)
            if why is not RelinkReason.EXPIRED:
                refuse_where_sddcs_are(vmc, olds, news)
            stack_names, running = owned_stack_names(vmc, olds, news)
            outputs = self._request_link(vmc, news, link_evidence(olds, stack_names=stack_names))
        # What this link is for: where the stack's update fails, the next `up` asks for another one.
        renews = outputs["previous_revision"] is not None
        return UpdateResult(outs={**kept, **outputs, "renews": renews, "replaced_links": running})

    def read(self, _id: str, props: dict[str, Any]) -> ReadResult:
        """Return what is stored: the service has no call that shows a link, and asking would request one."""
        return ReadResult(_id, props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Look once more at the end of a destroy, and unlink what this link has connected unseen.

        That is where an `up` was cut off while CloudFormation made the stack: no connected account stands for
        the link then. The link itself expires; the service has no call that takes one back.

        AWS is looked at too: some refusals are a deletion for its provider, and of a stack that was made
        unheard the state knows nothing.

        Raises:
            SettingsError: the settings are of another organisation.
            StackLeft: AWS still has the stack.
            UnlinkTimedOut: the link is on its way and did not come, or the record did not leave the list.
            VmcError: the service could not be asked, or refused.
        """
        # In an `up` it is one half of a replacement. A link of an earlier version says neither whether it may
        # be unlinked nor how AWS is asked.
        if _identity(props) in self.context.memory.declared:
            return
        stack = LinkStack(props)
        if props.get("unlink_on_destroy") and isinstance(props.get("tracking_task"), str):
            self._unlink_unrecorded(props, stack)
        if "aws_access" in props and (note := stack.refuse_left()):
            self.context.emit_progress(note)

    def _unlink_unrecorded(self, props: dict[str, Any], stack: LinkStack) -> None:
        """Unlink what the link has connected without a connected account in the state."""
        if props["tracking_task"] in self.context.memory.settled:
            return
        same_organisation(self.settings, props)
        with self.open_client() as vmc:
            had_come = unlink_until_gone(
                vmc,
                link_target(props),
                timeout_seconds=_LONGEST_READ_SECONDS,
                context=self.context,
                evaluate=_evaluator(stack),
            )
        if had_come:
            self.context.emit_progress(
                f"AWS account {props['account_number']} was connected, which the Pulumi stack did not know, "
                "and is unlinked now"
            )

    def _request_link(self, vmc: VmcClient, inputs: Mapping[str, Any], known: LinkEvidence) -> dict[str, Any]:
        """Look whether the account is linked, ask for a link once, fetch and judge its template.

        Args:
            vmc: the service.
            inputs: what the link is for.
            known: of the links before it, by which a live record may be ours.
        """
        account = find_account(vmc.list_connected_accounts(), inputs["account_number"])
        ownership = find_owner(vmc, account, known)
        refuse_another_stacks_link(account, ownership)
        renews = ownership is not None and ownership.is_own
        link = vmc.request_link()
        source.check_source(
            link.template_url,
            service_url=self.settings.vmc_url,
            s3_endpoint=self.settings.s3_url,
            further_hosts=inputs.get("template_hosts") or (),
        )
        return {
            "template_url": str(link.template_url),
            "template_execution_url": link.template_execution_url,
            "expiration_date": link.expiration_date.isoformat() if link.expiration_date else None,
            "tracking_task": link.tracking_task,
            "stack_names": list(known.stack_names),
            "clock_ahead_seconds": round(vmc.clock_ahead_seconds()),
            "requested_at": self.context.now().isoformat(),
            "revision_at_request": account.revision if account else None,
            "previous_revision": account.revision
            if account and renews and not _has_an_earlier_name(account, known)
            else None,
            **self._template(vmc, link.template_url, read_policy(inputs.get("template_policy"))),
        }

    def _template(self, vmc: VmcClient, url: str, policy: TemplatePolicy) -> dict[str, Any]:
        """The template, and the logical ids of its roles.

        Where CloudFormation does not take it inline it has to be passed by URL, and the body is empty: not
        None, which is not kept, so that a preview would take it for unknown and show a change.
        """
        text = vmc.download_template(url)
        source.validate(text, url=url, s3_endpoint=self.settings.s3_url)
        for line in enforce_policy(text, policy):
            self.context.emit_progress(line)
        return {
            "template_body": text if source.fits_inline(text) else "",
            "role_ids": source.role_ids(text),
        }


def _evaluator(stack: LinkStack) -> EvaluateUnlink:
    """`evaluate_unrecorded`, with a look at AWS where a record of the stack's name would be waited for."""
    name_was_taken = functools.cache(stack.name_was_taken)

    def evaluate(
        target: LinkTarget, account: AccountRecord | None, task: Task | None, now: datetime
    ) -> Unlink | Waiting | NothingToUnlink:
        verdict = evaluate_unrecorded(target, account, task, now)
        if account is None or not isinstance(verdict, Waiting):
            return verdict
        return evaluate_unrecorded(target, account, task, now, name_was_taken=name_was_taken())

    return evaluate


def _identity(props: Mapping[str, Any]) -> tuple[str, str]:
    return str(props["org_id"]), str(props["account_number"])


def _uses_existing_link(olds: Mapping[str, Any]) -> CheckFailure:
    return CheckFailure(
        "link",
        f"this Pulumi stack uses the existing link of AWS account {olds.get('account_number')}, which "
        "somebody else made: nothing was changed. Set vmc-account-link:link back to `existing`, or run "
        "`pulumi destroy` first (it leaves the link as it is)",
    )


def _changed_inputs(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an input differs; an unknown one may."""
    keys = (
        *IDENTITY,
        *NEEDS_NEW_LINK,
        "template_hosts",
        "template_policy",
        "unlink_on_destroy",
        "aws_access",
    )
    return any(news.get(key) != olds.get(key) for key in keys)


def _recheck_template(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Judge the template that runs by a policy that has changed; one above the inline limit is not kept."""
    body = olds.get("template_body")
    if news.get("template_policy") != olds.get("template_policy") and body:
        enforce_policy(body, read_policy(news.get("template_policy")))


def _has_an_earlier_name(account: AccountRecord, known: LinkEvidence) -> bool:
    """Whether a record is of a stack of ours with another name than now: to be replaced, not renewed."""
    earlier = LinkEvidence(
        account_number=known.account_number, stack_names=known.stack_names[1:], role_ids=known.role_ids
    )
    return decide_owner(account, earlier).is_own


class LinkRequest(Resource, module=resource_types.PACKAGE, name="LinkRequest"):
    """A link request and what the service answered."""

    template_url: pulumi.Output[str]
    """Secret: it can carry a signature."""
    template_execution_url: pulumi.Output[str | None]
    """Secret, as above."""
    template_body: pulumi.Output[str | None]
    """Secret; None where the template goes to CloudFormation by URL."""
    expiration_date: pulumi.Output[str | None]
    """ISO 8601, UTC."""
    tracking_task: pulumi.Output[str | None]
    """Id of the service's task."""
    account_number: pulumi.Output[str]
    """The AWS account, 12 digits."""
    stack_name: pulumi.Output[str]
    """The CloudFormation stack that is to run the template."""
    renews: pulumi.Output[bool | None]
    """Whether the link was requested for a stack that has made one before."""
    requested_at: pulumi.Output[str | None]
    """By this machine's clock; ISO 8601, UTC."""
    clock_ahead_seconds: pulumi.Output[float | None]
    """How far the service's clock was ahead of this machine's then."""
    previous_revision: pulumi.Output[str | None]
    """The revision of the account's record when the link was requested; None where our stack made none."""
    revision_at_request: pulumi.Output[str | None]
    """The same, whoever made the record; None where there was none."""
    role_ids: pulumi.Output[list[str] | None]
    """The logical ids of the template's IAM roles, by which the record's roles are known as our stack's."""
    stack_names: pulumi.Output[list[str] | None]
    """The stack the link was requested for, and those whose link it replaces."""
    replaced_links: pulumi.Output[list[dict[str, str]] | None]
    """Links that were replaced while their tasks ran, and may yet connect: `stack_name`, `tracking_task`."""

    def __init__(
        self,
        name: str,
        *,
        org_id: str,
        account_number: pulumi.Input[str],
        stack_name: pulumi.Input[str],
        template_hosts: pulumi.Input[Sequence[str]],
        relink: str | None = None,
        relink_despite_sddcs: str | None = None,
        template_policy: pulumi.Input[Mapping[str, Sequence[str]] | None] = None,
        unlink_on_destroy: pulumi.Input[bool] = True,
        aws_access: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the request.

        Args:
            name: the resource's name.
            org_id: the VMC organisation.
            account_number: the AWS account to link, 12 digits.
            stack_name: the CloudFormation stack that will run the link's template.
            template_hosts: further hosts that the template may come from.
            relink: another text asks for a new link.
            relink_despite_sddcs: the same text as `relink`: ask for it although SDDCs use the link.
            template_policy: what the template may make and whom it may let in (`read_policy`).
            unlink_on_destroy: whether deleting this resource unlinks what the link has connected unseen.
            aws_access: where and as whom AWS is asked about the stack at the end (`access_of`).
            opts: resource options.
        """
        super().__init__(
            LinkRequestProvider(),
            name,
            {
                "org_id": org_id,
                "account_number": account_number,
                "stack_name": stack_name,
                "template_hosts": template_hosts,
                "relink": relink,
                "relink_despite_sddcs": relink_despite_sddcs,
                "template_policy": template_policy,
                "unlink_on_destroy": unlink_on_destroy,
                "aws_access": aws_access,
                **({PREVIEW: True} if pulumi.runtime.is_dry_run() else {}),
                # Outputs have to be named here to become attributes.
                "template_url": None,
                "template_execution_url": None,
                "template_body": None,
                "expiration_date": None,
                "tracking_task": None,
                "renews": None,
                "requested_at": None,
                "clock_ahead_seconds": None,
                "previous_revision": None,
                "revision_at_request": None,
                "role_ids": None,
                "stack_names": None,
                "replaced_links": None,
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(
                    # Else they are plaintext in the state, here and in the Stack (seen on the engine).
                    additional_secret_outputs=["template_url", "template_execution_url", "template_body"]
                ),
                opts,
            ),
        )
