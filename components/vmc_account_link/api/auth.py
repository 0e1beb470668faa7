"""API token or OAuth app -> access token, once for all resources of a process."""

import base64
import concurrent.futures
import copy
import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from vmc_account_link.api.models import BadPayload
from vmc_account_link.api.refusals import token_hint
from vmc_account_link.api.request import Request, Response, RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import (
    Forbidden,
    NotFound,
    Refused,
    SecretText,
    TokenRefused,
    Unauthenticated,
    Unavailable,
    VmcError,
    WaitInterrupted,
)
from vmc_account_link.settings import ApiToken, OAuthApp, VmcSettings

if TYPE_CHECKING:
    from vmc_account_link.api.transport import Transport

_MARGIN_SECONDS = 60.0
"""Renewed this long before its end, or a tenth of its life where that is less."""
_GLANCE_SECONDS = 0.2
"""Between two looks whether the person still wants to wait."""
_DEFAULT_LIFETIME_SECONDS = 1500.0
"""Where the reply has no `expires_in`: less than the documented default of 30 minutes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A short-lived token for the VMC service."""

    value: str = dataclasses.field(repr=False)
    lifetime_seconds: float

    @classmethod
    def from_answer(cls, answer: Response) -> "AccessToken":
        """Read the token service's AccessToken.

        Raises:
            BadPayload: no `access_token`, or a field of the wrong kind.
        """
        wire = answer.json()
        value = wire.get("access_token") if isinstance(wire, dict) else None
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
            raise BadPayload("access_token is missing")
        lifetime = wire.get("expires_in", _DEFAULT_LIFETIME_SECONDS)
        # Not NaN either, with which no token would ever end.
        if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 0 < lifetime < 1e9:
            raise BadPayload("expires_in is not a number of seconds")
        return cls(value=SecretText(value), lifetime_seconds=float(lifetime))


class AccessTokens:
    """The access tokens of this process, one for each credential; safe across threads.

    The dynamic resources of one update share a process but not an object, so the token that they share
    lives here.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._held: dict[VmcSettings, tuple[AccessToken, float]] = {}
        self._exchanges: dict[VmcSettings, Future[str]] = {}
        self._lock = threading.Lock()

    def get(
        self,
        settings: VmcSettings,
        transport: "Transport",
        repeat: RetryPolicy = RetryPolicy.IDEMPOTENT,
        canceled: threading.Event = CallContext().canceled,  # noqa: B008 - the process's one event
    ) -> str:
        """Return a token that is still good, exchanging the credentials for one where none is held.

        Whoever asks while an exchange is under way waits for that one, and shares its failure too: a token
        service that is silent holds up all of them for one time-out.

        Raises:
            WaitInterrupted: the person pressed Ctrl-C meanwhile.
            VmcError: the token service refused or could not be heard.
        """
        with self._lock:
            held = self._held.get(settings)
            if held is not None and held[1] > self._monotonic():
                return held[0].value
            exchange = self._exchanges.get(settings)
            if exchange is None:
                exchange = self._exchanges[settings] = Future()
                # In a thread: the answer of a service may take longer than a person waits.
                threading.Thread(
                    target=self._exchange, args=(settings, transport, repeat, exchange), daemon=True
                ).start()
        return _awaited(exchange, settings, canceled)

    def forget(self, settings: VmcSettings, value: str) -> None:
        """Drop a token that the service refused, unless another thread has replaced it already."""
        with self._lock:
            held = self._held.get(settings)
            if held is not None and held[0].value == value:
                del self._held[settings]

    def _exchange(
        self, settings: VmcSettings, transport: "Transport", repeat: RetryPolicy, exchange: "Future[str]"
    ) -> None:
        """Settle the exchange that is under way."""
        try:
            token = _exchange(settings, transport, repeat)
        except BaseException as error:  # noqa: BLE001 - raised to all who wait
            with self._lock:
                del self._exchanges[settings]
            exchange.set_exception(error)
            return
        margin = min(_MARGIN_SECONDS, token.lifetime_seconds / 10)
        with self._lock:
            self._held[settings] = (token, self._monotonic() + token.lifetime_seconds - margin)
            del self._exchanges[settings]
        exchange.set_result(token.value)


def _awaited(exchange: "Future[str]", settings: VmcSettings, canceled: threading.Event) -> str:
    while not concurrent.futures.wait([exchange], timeout=_GLANCE_SECONDS).done:
        if canceled.is_set():
            raise WaitInterrupted(
                f"exchange the VMC credentials for an access token at {settings.csp_url}",
                "interrupted before it answered",
                "Run the command again.",
            )
    try:
        return exchange.result()
    except VmcError as error:
        # One each: a traceback is written into an exception.
        raise copy.copy(error) from None


PROCESS_TOKENS = AccessTokens()
"""Those of this process."""


def _exchange(settings: VmcSettings, transport: "Transport", repeat: RetryPolicy) -> AccessToken:
    """Exchange the credentials; a second exchange is harmless, so it may be repeated.

    Source: API document of the identity service; the OAuth path is the Terraform provider's.
    """
    api = f"{settings.csp_url}/csp/gateway/am/api/auth"
    match settings.credentials:
        case ApiToken(value=value):
            name, setting = "API token", "vmc:refreshToken or API_TOKEN"
            url, form, basic = f"{api}/api-tokens/authorize", {"refresh_token": value}, None
        case OAuthApp(client_id=client_id, client_secret=secret):
            name, setting = "OAuth app", "vmc:clientId and vmc:clientSecret, or CLIENT_ID and CLIENT_SECRET"
            url, form, basic = f"{api}/token", {"grant_type": "client_credentials"}, (client_id, secret)
    hidden = settings.secrets + tuple(
        SecretText(base64.b64encode(":".join(pair).encode()).decode()) for pair in (basic,) if pair
    )
    call = Request(
        method="POST",
        url=url,
        action=f"exchange the VMC {name} for an access token at {settings.csp_url}",
        repeat=repeat,
        headers={"Accept": "application/json"},
        form=form,
        basic=basic,
        secrets=hidden,
    )
    try:
        return transport.send(call, AccessToken.from_answer)
    except Unavailable:
        raise
    except Refused as error:
        hint = token_hint(error.detail, name, setting)
        raise TokenRefused(
            error.action, error.detail, hint, status=error.status, code=error.code, retryable=error.retryable
        ) from None


def is_permanent(error: Exception) -> bool:
    """Whether a wait must stop at this error: the same question would get the same answer."""
    return isinstance(error, Unauthenticated | Forbidden) or (
        isinstance(error, Refused) and not isinstance(error, Unavailable | NotFound)
    )
