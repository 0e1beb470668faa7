"""One HTTP exchange: timeouts, bounded bodies, repeats, and every failure as one of our errors."""

import email.utils
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity

from vmc_account_link.api.error_mapping import http_error, redirect_error, transport_error
from vmc_account_link.api.local_causes import local_cause
from vmc_account_link.api.models import BadPayload
from vmc_account_link.api.request import Request, Response, RetryPolicy
from vmc_account_link.errors import (
    Redirected,
    Refused,
    RequestNotSent,
    ResponseLost,
    Unavailable,
    UnexpectedAnswer,
    VmcError,
    safe_text,
)
from vmc_account_link.settings import LOOPBACK

T = TypeVar("T")

ATTEMPTS = 4
LONGEST_PAUSE_SECONDS = 30.0
"""Also the bound on a `Retry-After`: a longer one is the next run's business."""
USER_AGENT = "vmc-account-link"


class Transport:
    """A session and the rules around it. Not shared between threads."""

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open a session, or take one.

        Args:
            session: closed by `close`; None: a new one.
            sleep: between repeats.
            now: this machine's clock, until a service has told its own.
        """
        self._session = session or requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        # Even unfollowed, requests takes a redirect's address apart, and fails on some.
        self._session.get_redirect_target = lambda _: None  # type: ignore[method-assign,assignment]
        self._sleep = sleep
        self._now = now
        self._ahead_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def clock_ahead_seconds(self) -> float:
        """How far the service's clock is ahead of ours, by the last answer's `Date` header; 0 before."""
        return self._ahead_seconds

    def send(self, call: Request, read: Callable[[Response], T]) -> T:
        """Send `call`, repeat it as its policy allows, and read the answer.

        Args:
            call: what to ask.
            read: answer -> value; a `BadPayload` from it counts as a failed attempt.

        Raises:
            VmcError: the last failure.
        """
        return self.repeat(call.repeat, lambda: self._attempt(call, read))

    def repeat(self, policy: RetryPolicy, attempt: Callable[[], T], *, least_pause_seconds: float = 0.0) -> T:
        """Make an attempt, and more of them as the policy allows.

        Raises:
            VmcError: the last failure.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: may_repeat(error, policy)),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=lambda state: max(least_pause_seconds, _pause_seconds(state)),
            sleep=self._sleep,
            reraise=True,
        )
        answer: T = attempts(attempt)
        return answer

    def _attempt(self, call: Request, read: Callable[[Response], T]) -> T:
        try:
            with self._session.request(
                call.method,
                call.url,
                headers=dict(call.headers),
                params=dict(call.params),
                data=call.form,
                json=call.body,
                # Without any, requests would send the password of a netrc file.
                auth=call.basic or _no_netrc,
                timeout=call.timeouts_seconds,
                proxies=_exceptions(call.url),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read_bounded(response, call)
        except VmcError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: requests lets through whatever is raised below it
            mapped = _mapped(call, error)
            # `from None`: the text of a requests exception holds the whole URL.
            raise local_cause(call, error, mapped, os.environ) or mapped from None
        self._note_clock(response)
        if response.is_redirect or 300 <= response.status_code < 400:
            raise redirect_error(call, response)
        if response.status_code >= 400:
            raise http_error(call, response, body)
        try:
            return read(Response(body=body))
        except BadPayload as error:
            raise UnexpectedAnswer(
                call.action,
                safe_text(str(error), call.secrets),
                "Run the command again; check the configured URLs.",
            ) from None

    def _note_clock(self, response: requests.Response) -> None:
        try:
            output = email.utils.parsedate_to_datetime(response.headers["Date"])
            self._ahead_seconds = output.timestamp() - self._now().timestamp()
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            pass  # no date, or none that this machine can count with


def _mapped(call: Request, error: Exception) -> VmcError:
    if isinstance(error, requests.RequestException):
        return transport_error(call, error)
    if isinstance(error, UnicodeError):
        return RequestNotSent(call.action, "the address or a header can't be sent", "Check the settings.")
    return RequestNotSent(
        call.action,
        f"the request could not be sent: {type(error).__name__}",
        "Check this machine's network settings (proxies, certificates) and its limits.",
    )


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _exceptions(url: str) -> dict[str, str] | None:
    """What goes to no proxy, whatever the environment says: this machine, where plain http is allowed too."""
    host = urlsplit(url).hostname
    return {"no_proxy": host} if host in LOOPBACK else None


def may_repeat(error: BaseException, policy: RetryPolicy) -> bool:
    """Whether a call with `policy` may be sent again after `error`."""
    if policy is RetryPolicy.NONE or not isinstance(error, VmcError):
        return False
    if isinstance(error, RequestNotSent):
        return True
    if isinstance(error, Unavailable):
        turned_away = error.status == 429
        return error.retryable is not False and (turned_away or policy is RetryPolicy.IDEMPOTENT)
    if isinstance(error, Redirected):
        return False
    return policy is RetryPolicy.IDEMPOTENT and isinstance(error, ResponseLost | UnexpectedAnswer)


_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=8)


def _pause_seconds(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    output = error.retry_after_seconds if isinstance(error, Refused) else None
    return min(LONGEST_PAUSE_SECONDS, max(output or 0.0, _backoff(state)))


def _read_bounded(response: requests.Response, call: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        if size > call.largest_bytes:
            raise UnexpectedAnswer(
                call.action, f"more than {call.largest_bytes:,} bytes", "Check the configured URLs."
            )
        parts.append(part)
    return b"".join(parts)
