"""One HTTP exchange: timeouts, bounded bodies, repeats, and every failure as one of our errors.

A call names its own repeat policy by its effect, not by its verb: GET account-link mints a link.
"""

import dataclasses
import email.utils
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Self, TypeVar

import requests
import tenacity
import urllib3.exceptions

from vmc_account_link.errors import (
    Forbidden,
    NoReply,
    NotFound,
    NotSent,
    Refused,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    VmcError,
    safe_text,
    without_query,
)
from vmc_account_link.models import BadPayload

T = TypeVar("T")

TIMEOUTS_SECONDS = (5.0, 30.0)
"""To connect, and between two bytes of an answer; a dynamic provider can't be cancelled, so both are set."""
GLANCE_READ_SECONDS = 8.0
"""For a look that is one of many (`Repeat.NEVER`): Ctrl-C has to end a wait within 15 s, answer or not."""
ATTEMPTS = 4
LONGEST_PAUSE_SECONDS = 30.0
"""Also the bound on a `Retry-After`: a longer one is the next run's business."""
LARGEST_ANSWER_BYTES = 8 * 1024 * 1024
"""The list of a large organisation is far below this; what is above is not the service."""
USER_AGENT = "vmc-account-link"


class Repeat(Enum):
    """When one call may be sent again."""

    SAFE = "safe"
    """Whenever the failure may pass: the call has no effect, or the same one twice."""
    UNLESS_ACTED = "unless acted"
    """Only when the service cannot have acted: not sent, or turned away for its rate."""
    NEVER = "never"
    """The caller is a loop that asks again anyway."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to ask."""

    method: str
    url: str
    asked: str
    """The call in words, for messages."""
    repeat: Repeat
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    form: Mapping[str, str] | None = dataclasses.field(default=None, repr=False)
    basic: tuple[str, str] | None = dataclasses.field(default=None, repr=False)
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    """What must not appear in a message about this call."""
    largest_bytes: int = LARGEST_ANSWER_BYTES
    do_if_refused: str | None = None
    """What to do about a 4xx, where the call knows better than the status."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer, read to its end."""

    body: bytes = dataclasses.field(repr=False)
    encoding: str

    def text(self) -> str:
        """The body as text.

        Raises:
            BadPayload: it is not in the encoding that it names.
        """
        try:
            return self.body.decode(self.encoding)
        except (UnicodeDecodeError, LookupError):
            raise BadPayload("it is not text in the encoding that it names") from None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BadPayload: it is empty or no JSON.
        """
        if not self.body.strip():
            raise BadPayload("the answer is empty")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadPayload(f"{_page_kind(self.body)} came instead of JSON") from None


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
            session: closed by `close`.
            sleep: between repeats.
            now: this machine's clock, until a service has told its own.
        """
        self._session = session or requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
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

    def send(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Send `call`, repeat it as its policy allows, and read the answer.

        Args:
            call: what to ask.
            read: answer -> value; a `BadPayload` from it counts as a failed attempt.

        Raises:
            VmcError: the last failure.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: may_repeat(error, call.repeat)),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_pause_seconds,
            sleep=self._sleep,
            reraise=True,
        )
        answer: T = attempts(self._attempt, call, read)
        return answer

    def _attempt(self, call: Call, read: Callable[[Answer], T]) -> T:
        try:
            with self._session.request(
                call.method,
                call.url,
                headers=dict(call.headers),
                params=dict(call.params),
                data=call.form,
                auth=call.basic,
                timeout=_timeouts(call),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read_bounded(response, call)
        except requests.RequestException as error:
            # `from None`: the text of a requests exception holds the whole URL.
            raise _unheard(call, error) from None
        except UnicodeError:
            raise NotSent(
                call.asked, "the address or a header can't be sent", "Check the settings."
            ) from None
        self._note_clock(response)
        if response.is_redirect or 300 <= response.status_code < 400:
            raise UnexpectedAnswer(
                call.asked,
                f"{response.status_code}, a redirect",
                "It is not followed; check the configured URLs.",
            )
        if response.status_code >= 400:
            raise _refused(call, response, body)
        try:
            return read(Answer(body=body, encoding=response.encoding or "utf-8"))
        except BadPayload as error:
            raise UnexpectedAnswer(
                call.asked,
                safe_text(str(error), call.secrets),
                "Run the command again; check the configured URLs.",
            ) from None

    def _note_clock(self, response: requests.Response) -> None:
        try:
            told = email.utils.parsedate_to_datetime(response.headers["Date"])
            self._ahead_seconds = told.timestamp() - self._now().timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            pass


def _timeouts(call: Call) -> tuple[float, float]:
    connect, read = TIMEOUTS_SECONDS
    return connect, GLANCE_READ_SECONDS if call.repeat is Repeat.NEVER else read


def may_repeat(error: BaseException, policy: Repeat) -> bool:
    """Whether a call with `policy` may be sent again after `error`."""
    if policy is Repeat.NEVER or not isinstance(error, VmcError):
        return False
    if isinstance(error, NotSent):
        return True
    if isinstance(error, Unavailable):
        turned_away = error.status == 429
        return error.retryable is not False and (turned_away or policy is Repeat.SAFE)
    return policy is Repeat.SAFE and isinstance(error, NoReply | UnexpectedAnswer)


_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=8)


def _pause_seconds(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after_seconds if isinstance(error, Refused) else None
    return min(LONGEST_PAUSE_SECONDS, max(told or 0.0, _backoff(state)))


def _read_bounded(response: requests.Response, call: Call) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        if size > call.largest_bytes:
            raise UnexpectedAnswer(
                call.asked, f"more than {call.largest_bytes:,} bytes", "Check the configured URLs."
            )
        parts.append(part)
    return b"".join(parts)


_NEVER_CONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


def _unheard(call: Call, error: requests.RequestException) -> VmcError:
    """Map a requests exception: could the service have acted?"""
    host = without_query(call.url)
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    if isinstance(error, requests.exceptions.SSLError):
        return NotSent(
            call.asked,
            f"no trusted TLS connection to {host}",
            "Check the address and the certificates (REQUESTS_CA_BUNDLE) of this machine.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NotSent(call.asked, f"the proxy does not lead to {host}", "Check HTTPS_PROXY and NO_PROXY.")
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, _NEVER_CONNECTED):
        return NotSent(
            call.asked,
            f"{host} can't be reached",
            "Check the network and the address, then run the command again.",
        )
    if isinstance(error, ValueError):  # requests' own refusals of a URL or header are ValueErrors
        return NotSent(call.asked, f"{host} is no address that can be asked", "Check the configured URLs.")
    if isinstance(error, requests.exceptions.Timeout):
        return NoReply(
            call.asked, f"{host} did not answer within {_timeouts(call)[1]:.0f} s", "Run the command again."
        )
    return NoReply(call.asked, f"the connection to {host} broke before the answer", "Run the command again.")


_WHAT_TO_DO = {
    401: "Make a new API token and set it (vmc:apiToken or API_TOKEN).",
    403: "Give the token's owner the VMC service role Administrator in this organisation; check vmc:orgId.",
    404: "Check vmc:orgId and vmc:vmcUrl.",
    429: "The service limits its callers: wait some minutes, then run the command again.",
}
_CLASSES: dict[int, type[Refused]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 429: Unavailable}


def _refused(call: Call, response: requests.Response, body: bytes) -> Refused:
    """Compose the error of a 4xx or 5xx out of the service's own words, its ErrorResponse."""
    status = response.status_code
    words, code, retryable = _service_words(body)
    answered = f"{status}"
    if code:
        answered += f" {safe_text(code, call.secrets)}"
    if words:
        answered += f", {safe_text(words, call.secrets)}"
    unavailable = status >= 500 or status == 429
    do = _WHAT_TO_DO.get(status) or (
        "The service has a problem: run the command again in some minutes."
        if unavailable
        else "Correct the cause, then run the command again."
    )
    if call.do_if_refused and not unavailable:
        do = call.do_if_refused
    return _CLASSES.get(status, Unavailable if unavailable else Refused)(
        call.asked,
        answered,
        do,
        status=status,
        code=code,
        retryable=retryable,
        retry_after_seconds=_retry_after(response),
    )


def _service_words(body: bytes) -> tuple[str, str | None, bool | None]:
    """(text, error code, retryable) of an error's body, whichever of the known shapes it has."""
    try:
        wire = json.loads(body)
    except (ValueError, RecursionError):
        found = dict(re.findall(rb"<(Code|Message)>([^<]{1,300})<", body[:10_000]))
        return found.get(b"Message", b"").decode("utf-8", "replace"), _decoded(found.get(b"Code")), None
    if not isinstance(wire, dict):
        return "", None, None
    messages = wire.get("error_messages")
    texts = [text for text in messages if isinstance(text, str)] if isinstance(messages, list) else []
    # pyVMC meets these keys too, and the token service uses `message`.
    texts += [wire[key] for key in ("message", "error_message") if isinstance(wire.get(key), str)]
    code, retryable = wire.get("error_code"), wire.get("retryable")
    return (
        "; ".join(dict.fromkeys(texts)),
        code if isinstance(code, str) else None,
        retryable if isinstance(retryable, bool) else None,
    )


def _decoded(text: bytes | None) -> str | None:
    return text.decode("utf-8", "replace") if text else None


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of a `Retry-After` header, which may also be a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        answered = email.utils.parsedate_to_datetime(response.headers["Date"])
        return max(0.0, moment.timestamp() - answered.timestamp())
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _page_kind(body: bytes) -> str:
    return "an HTML page" if body.lstrip()[:1] == b"<" else "something else"
