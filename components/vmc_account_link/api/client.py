"""The VMC service's account-link calls, one method each. Returns models, raises errors."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from vmc_account_link.api.auth import PROCESS_TOKENS, AccessTokens
from vmc_account_link.api.models import AccountRecord, Link, Organisation, SddcConnection, Subnet, Task
from vmc_account_link.api.request import Request, Response, RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import (
    Refused,
    TemplateRejected,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    url_origin,
    url_secrets,
)
from vmc_account_link.settings import VmcSettings

if TYPE_CHECKING:
    from vmc_account_link.api.transport import Transport

T = TypeVar("T")
R = TypeVar("R", AccountRecord, Link, Organisation, SddcConnection, Subnet, Task)

LARGEST_TEMPLATE_BYTES = 1024 * 1024
"""CloudFormation's own limit for a template behind a URL is 1 MB."""
_RESCAN_SECONDS = 120.0
"""How long an answer may take for which the service looks at an AWS account anew."""


class VmcClient:
    """A conversation with the service in one organisation; a context manager, for one thread."""

    def __init__(
        self,
        settings: VmcSettings,
        *,
        context: CallContext = CallContext(),  # noqa: B008 - frozen
        transport: "Transport | None" = None,
        tokens: AccessTokens = PROCESS_TOKENS,
    ) -> None:
        """Prepare the conversation; nothing is sent yet.

        Args:
            settings: where and as whom.
            context: for whom: they are told which fields can't be read, and end the wait for an access token
                where they want to stop.
            transport: closed with the client.
            tokens: where access tokens are kept.
        """
        self._settings = settings
        self._canceled = context.canceled
        self._emit_progress = context.emit_progress
        self._noted: set[str] = set()
        self._opened = transport
        self._tokens = tokens

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _transport(self) -> "Transport":
        if self._opened is None:
            # Only when something is asked, because it loads requests and tenacity, 0.2 CPU seconds, which a
            # program and most previews and unchanged updates have no use for.
            from vmc_account_link.api.transport import Transport  # noqa: PLC0415

            self._opened = Transport()
        return self._opened

    def clock_ahead_seconds(self) -> float:
        """How far the service's clock is ahead of this machine's, as its last answer told it; 0 before."""
        return self._transport.clock_ahead_seconds()

    def request_link(self) -> Link:
        """Ask for a link.

        Each call makes a new request and task in the service. One that nobody runs binds nothing and expires,
        so it is repeated as any other.

        Raises:
            VmcError: refused, not heard, or not understood.
        """
        return self._ask(
            "GET",
            "account-link",
            f"request a link in organisation {self._settings.org_id}",
            lambda answer: self._noting("link request", [Link.from_wire(answer.json())])[0],
            repeat=RetryPolicy.IDEMPOTENT,
        )

    def read_json(self, path: str | None) -> Any:
        """Read an answer as it came, for a report of its shape.

        Args:
            path: below the organisation's; None: the list of organisations.

        Raises:
            VmcError: refused, not heard, or no JSON.
        """
        return self._ask(
            "GET",
            path,
            f"read {path or 'the organisations'}",
            lambda answer: answer.json(),
            repeat=RetryPolicy.IDEMPOTENT,
        )

    def list_organisations(self) -> tuple[Organisation, ...]:
        """List the organisations that the token sees.

        Raises:
            VmcError: refused, not heard, or not understood.
        """
        return self._ask(
            "GET",
            None,
            "list the organisations of the VMC token",
            lambda answer: self._noting("organisation", Organisation.list_from_wire(answer.json())),
            repeat=RetryPolicy.IDEMPOTENT,
        )

    def list_connected_accounts(
        self,
        repeat: RetryPolicy = RetryPolicy.IDEMPOTENT,
        *,
        max_age_seconds: float = 0.0,  # noqa: ARG002 - this client keeps no reading
    ) -> tuple[AccountRecord, ...]:
        """List the AWS accounts connected to the organisation, in every state that the service lists.

        Args:
            repeat: what is repeated.
            max_age_seconds: how old a reading may be, for a client that shares what it has read.

        Raises:
            VmcError: refused, not heard, or not understood; never an empty list instead.
        """
        return self._ask(
            "GET",
            "account-link/connected-accounts",
            f"list the connected accounts of organisation {self._settings.org_id}",
            lambda answer: self._noting("connected account", AccountRecord.list_from_wire(answer.json())),
            repeat=repeat,
        )

    def list_sddc_connections(
        self, repeat: RetryPolicy = RetryPolicy.IDEMPOTENT
    ) -> tuple[SddcConnection, ...]:
        """List the connections of all SDDCs of the organisation to its connected accounts.

        Raises:
            VmcError: refused, not heard, or not understood; never an empty list instead.
        """
        return self._ask(
            "GET",
            "account-link/sddc-connections",
            f"list the SDDC connections of organisation {self._settings.org_id}",
            lambda answer: self._noting("SDDC connection", SddcConnection.list_from_wire(answer.json())),
            repeat=repeat,
        )

    def list_compatible_subnets(
        self,
        connected_account_id: str,
        *,
        region: str,
        sddc_type: str | None = None,
        hosts: int | None = None,
        force_refresh: bool = False,
    ) -> tuple[Subnet, ...]:
        """List the subnets of a connected account in a region, those that no SDDC can use among them.

        Args:
            connected_account_id: the record's id, not the AWS account number.
            region: such as `us-west-2`.
            sddc_type: `1NODE`, `SingleAZ` or `MultiAZ`; None leaves it to the service.
            hosts: how many the SDDC will have; None leaves it to the service.
            force_refresh: have the service look at the AWS account again first, which takes its time.

        Raises:
            VmcError: refused, not heard, or not understood; never an empty list instead.
        """
        params = {
            "linkedAccountId": connected_account_id,
            "region": region,
            # The service refuses an empty parameter (terraform-provider-vmc, issue 191).
            **({"sddcType": sddc_type} if sddc_type else {}),
            **({"numOfHosts": str(hosts)} if hosts else {}),
            **({"forceRefresh": "true"} if force_refresh else {}),
        }
        return self._ask(
            "GET",
            "account-link/compatible-subnets",
            f"list the subnets of connected account {connected_account_id} in {region}",
            lambda answer: self._noting("subnet", Subnet.list_from_wire(answer.json())),
            repeat=RetryPolicy.IDEMPOTENT,
            params=params,
            read_seconds=_RESCAN_SECONDS if force_refresh else None,
        )

    def get_task(
        self,
        task_id: str,
        repeat: RetryPolicy = RetryPolicy.IDEMPOTENT,
        *,
        max_age_seconds: float = 0.0,  # noqa: ARG002 - this client keeps no reading
    ) -> Task:
        """Look at the service's work on a link.

        Args:
            task_id: of the link's task.
            repeat: what is repeated.
            max_age_seconds: as of `list_connected_accounts`.

        Raises:
            NotFound: the service does not know the task.
            VmcError: refused, not heard, or not understood.
        """
        return self._ask(
            "GET",
            f"tasks/{quote(task_id, safe='')}",
            f"read task {task_id}",
            lambda answer: self._noting("task", [Task.from_wire(answer.json())])[0],
            repeat=repeat,
        )

    def unlink(self, account: AccountRecord) -> None:
        """Unlink an account, unless SDDCs use it (the force flag is never sent).

        The answer is not read: it is the record, whose state may still be ACTIVE. Look at the list instead.

        Raises:
            NotFound: the service does not know the record.
            Refused: SDDCs use the link, in the service's words.
            VmcError: not heard.
        """
        self._ask(
            "DELETE",
            f"account-link/connected-accounts/{quote(account.id, safe='')}",
            f"unlink AWS account {account.account_number} (connected account {account.id})",
            lambda _: None,
            repeat=RetryPolicy.ONLY_IF_NOT_SENT,
            hint_if_rejected="Nothing was changed: delete the SDDCs that use this link, then run it again.",
        )

    def download_template(self, url: str) -> str:
        """Download a link's template; the URL's host has been judged before (`template.check_source`).

        Raises:
            TemplateRejected: the URL gives no template (an error status, a redirect, more than 1 MiB).
            VmcError: not heard.
        """
        call = Request(
            method="GET",
            url=url,
            action=f"download the link's template from {url_origin(url)}",
            repeat=RetryPolicy.IDEMPOTENT,
            # S3 quotes what it was sent where it refuses a signature.
            secrets=url_secrets(url),
            largest_bytes=LARGEST_TEMPLATE_BYTES,
        )
        try:
            return self._transport.send(call, Response.text)
        except (Refused, UnexpectedAnswer) as error:
            if isinstance(error, Unavailable):
                raise
            raise TemplateRejected(
                error.action, error.detail, "Run `pulumi up` again: it requests a new link."
            ) from None

    def _noting(self, what: str, values: Sequence[R]) -> tuple[R, ...]:
        """Say which fields of some values can't be read, each of them once; the values go on as they are."""
        counts = Counter(unread for value in values for unread in value.unread)
        for unread, count in counts.items():
            line = f"the service's {what}: {unread}; treated as unknown"
            if line not in self._noted:
                self._noted.add(line)
                self._emit_progress(line if count == 1 else f"{line} ({count} times)")
        return tuple(values)

    def _ask(
        self,
        method: str,
        path: str | None,
        action: str,
        read: Callable[[Response], T],
        *,
        repeat: RetryPolicy,
        hint_if_rejected: str | None = None,
        params: Mapping[str, str] | None = None,
        read_seconds: float | None = None,
    ) -> T:
        """Send a call of this organisation's API (`path` None: of all); renew the access token once.

        A 401 comes before the service acts, so every call may follow one.
        """
        own = "" if path is None else f"/{quote(self._settings.org_id, safe='')}/{path}"

        def send(token: str) -> T:
            call = Request(
                method=method,
                url=f"{self._settings.vmc_url}/vmc/api/orgs{own}",
                action=action,
                repeat=repeat,
                headers={"csp-auth-token": token, "Accept": "application/json"},
                secrets=(token, *self._settings.secrets),
                hint_if_rejected=hint_if_rejected,
                params=params or {},
                read_seconds=read_seconds,
            )
            return self._transport.send(call, read)

        exchange_repeat = RetryPolicy.NONE if repeat is RetryPolicy.NONE else RetryPolicy.IDEMPOTENT
        token = self._tokens.get(self._settings, self._transport, exchange_repeat, self._canceled)
        try:
            return send(token)
        except Unauthenticated:
            self._tokens.forget(self._settings, token)
            return send(self._tokens.get(self._settings, self._transport, exchange_repeat, self._canceled))
