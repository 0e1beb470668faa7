"""What the providers of all our dynamic resources have in common."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from pulumi import Input
from pulumi.dynamic import ConfigureRequest, ReadResult, ResourceProvider

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.api.organisation import find_organisation
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import ServiceUnreachable, Unavailable
from vmc_account_link.link.ownership import IDENTITY, find_account, same_organisation
from vmc_account_link.provider_process import prepare
from vmc_account_link.settings import VmcSettings, read_settings

PREVIEW = "preview"
"""The input that says that this is a preview; no state holds it."""


class LinkInputs(TypedDict):
    """What the resources that come after the CloudFormation stack are told of the link that it has run."""

    org_id: str
    """The VMC organisation."""
    account_number: Input[str]
    """The AWS account, 12 digits."""
    stack_name: Input[str]
    """The CloudFormation stack that ran the link's template."""
    stack_id: Input[str]
    """That stack's id; from then on the link can become real."""
    tracking_task: Input[str | None]
    """Id of the service's task."""
    previous_revision: Input[str | None]
    """Of the record that the link is to renew (`LinkRequest.previous_revision`)."""
    revision_at_request: Input[str | None]
    """Of the record that was there before the link, whoever's."""
    role_ids: Input[Sequence[str] | None]
    """The logical ids of the template's roles."""
    link_timeout_minutes: Input[int]
    """How long the link is waited for, at least 1; by a deletion too, while it is on its way."""


class ServiceProvider(ResourceProvider):
    """A provider that asks VMware Cloud on AWS."""

    serialize_as_secret_always = False
    """The pickled provider is a module and a class name; encrypting it would only slow the state down."""

    settings: VmcSettings
    """Set by `configure`, in the engine's provider process alone."""
    context: CallContext = CallContext()
    """For whom it works. An attribute, as the next, because the SDK makes providers by unpickling: whoever
    serves them in another process sets it on each instance."""
    new_client: Callable[..., VmcClient] = VmcClient
    """Makes a client of the settings and the `context`."""

    def open_client(self) -> VmcClient:
        """A client of the organisation, to be closed."""
        return self.new_client(self.settings, context=self.context)

    def configure(self, req: ConfigureRequest) -> None:
        """Make the process ready for us, and read the settings from the configuration and the environment.

        Raises:
            SettingsError: one is missing or malformed.
        """
        secrets: list[str] = []
        # First, so that a missing setting is one line too.
        for line in prepare(secrets):
            self.context.emit_progress(line)
        # The program has said which organisation it is, where the service has to be asked.
        self.settings = read_settings(
            req.config.get, os.environ, lambda known: find_organisation(known, emit_progress=lambda _: None)
        )
        secrets.extend(self.settings.secrets)

    def check_early(self, news: dict[str, Any], check: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """In the preview of a resource that is to be made, look what its creation would refuse.

        Args:
            news: the inputs of a `check`; `preview` among them is the program's word that nothing is made.
            check: raises what would be refused. That the service can't be heard just now refuses nothing.

        Returns:
            The inputs, without `preview`.
        """
        inputs = {key: value for key, value in news.items() if key != PREVIEW}
        is_known = all(isinstance(inputs.get(key), str) for key in IDENTITY)
        if news.get(PREVIEW) and is_known:
            try:
                check(inputs)
            except (ServiceUnreachable, Unavailable) as error:
                self.context.emit_progress(f"not checked in this preview: {error}")
        return inputs


class AccountProvider(ServiceProvider):
    """A provider of a resource that stands for a connected account, by organisation and account number."""

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what the service says now; gone means missing from a list that was read.

        Raises:
            SettingsError: the settings are of another organisation.
            VmcError: the service could not be asked, which does not mean that the account is gone.
        """
        account = self.find_record(props)
        return ReadResult(id_, {**props, **record_outputs(account)}) if account else ReadResult(None, {})

    def find_record(self, props: Mapping[str, Any]) -> AccountRecord | None:
        """Look the account up in the service's list.

        Raises:
            SettingsError: the settings are of another organisation.
            VmcError: the service could not be asked.
        """
        same_organisation(self.settings, props)
        with self.open_client() as vmc:
            return find_account(vmc.list_connected_accounts(), props["account_number"])


def record_outputs(account: AccountRecord) -> dict[str, Any]:
    """What a resource that stands for a connected account keeps of its record."""
    return {
        "connected_account_id": account.id,
        "connected_account_state": account.state,
        "cf_stack_name": account.cf_stack_name,
        "role_arns": list(account.role_arns),
    }


def kept_record(outputs: Mapping[str, Any]) -> AccountRecord:
    """The record as it was when it was last looked at: the reverse of `record_outputs`."""
    return AccountRecord(
        id=str(outputs.get("connected_account_id")),
        account_number=outputs.get("account_number"),
        cf_stack_name=outputs.get("cf_stack_name"),
        state=str(outputs.get("connected_account_state")),
        role_arns=tuple(outputs.get("role_arns") or ()),
    )
