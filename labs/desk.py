"""What labs ask of one VMC organisation, asked for all of them with one access token (ADR 0020).

Answers go back as they came. What the service could not be asked becomes a status that leads the labs' client
to the same decision as if it had asked itself: 503 for "it cannot have acted", 504 for "it may have".
"""

import dataclasses
import json
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from labs.readings import Readings, Reply
from vmc_account_link.auth import PROCESS_TOKENS, AccessTokens
from vmc_account_link.calls import LARGEST_ANSWER_BYTES, TIMEOUTS_SECONDS, Call, Repeat
from vmc_account_link.errors import NotSent, Refused, VmcError
from vmc_account_link.refusals import unheard
from vmc_account_link.settings import VmcSettings
from vmc_account_link.transport import USER_AGENT, Transport

LIST_FRESH_SECONDS = 1.0
"""So the list is read at most once a second, however many labs wait."""
TASK_READS_PER_SECOND = 4.0
"""Of all labs together: the task only explains a wait, or ends it early."""
_SHARED = re.compile(r"/vmc/api/orgs/[^/]+/(account-link/connected-accounts|tasks/[^/?]+)")
"""What has no effect and is asked again and again. Not `account-link`: reading that mints a link."""
_KEPT_HEADERS = ("Content-Type", "Retry-After", "Date", "WWW-Authenticate", "Location")
_HOLD_OFF_STATUSES = frozenset({429, 503})

# A call that never connected can't have acted, whatever it is; nothing else is repeated here.
_NEVER_CONNECTED = urllib3.Retry(
    total=None, connect=2, read=0, status=0, other=0, redirect=0, backoff_factor=0.5
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of a lab, without its credentials."""

    method: str
    path: str
    """With its query, as it goes to the service."""
    body: bytes = dataclasses.field(default=b"", repr=False)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Desk:
    """One organisation; safe across threads."""

    def __init__(
        self,
        settings: VmcSettings,
        *,
        tokens: AccessTokens = PROCESS_TOKENS,
        monotonic: Callable[[], float] = time.monotonic,
        session: Callable[[], requests.Session] | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: the organisation and the real credentials, which stay here.
            tokens: where access tokens are kept; those of this process, so that the driver's own looks at the
                service use the same one.
            monotonic: this process's clock.
            session: makes a thread's session; for tests.
        """
        self.settings = settings
        self.stand_in = secrets.token_urlsafe(32)
        """What labs hold instead of the API token: good for this desk alone, while it is there."""
        self.pass_ = secrets.token_urlsafe(32)
        """What labs get for it instead of an access token."""
        self._monotonic = monotonic
        self._tokens = tokens
        self._readings = Readings(monotonic)
        self._new_session = session or _session
        self._local = threading.local()
        self._held_off: tuple[Reply, float] | None = None

    def exchange(self) -> Reply:
        """Answer a lab that exchanges its stand-in, after making sure that the real token is good."""
        try:
            self._token()
        except VmcError as error:
            return _failure(error)
        wire = {"access_token": self.pass_, "token_type": "bearer", "expires_in": 86_400}  # nosec B105 - a word
        return _json(200, wire)

    def answer(self, asked: Asked) -> Reply:
        """Answer a lab's call of the service."""
        shared = _SHARED.fullmatch(asked.path.partition("?")[0])
        if asked.method != "GET" or not shared:
            try:
                return self._forward(asked)
            finally:
                self._readings.forget_older()
        held_off = self._held_off_reply()
        if held_off:
            return held_off
        is_list = shared[1].startswith("account-link")
        fresh = LIST_FRESH_SECONDS if is_list else self._task_fresh_seconds()
        reply = self._readings.get(asked.path, lambda: self._forward(asked), fresh_seconds=fresh)
        self._hold_off(reply)
        return reply

    def _task_fresh_seconds(self) -> float:
        return max(LIST_FRESH_SECONDS, self._readings.count(60.0) / TASK_READS_PER_SECOND)

    def _forward(self, asked: Asked) -> Reply:
        """Ask the service; a refused access token is renewed once, as a 401 comes before it acts."""
        try:
            token = self._token()
            reply = self._send(asked, token)
            if reply.status == 401:
                self._tokens.forget(self.settings, token)
                reply = self._send(asked, self._token())
        except VmcError as error:
            return _failure(error)
        return reply

    def _token(self) -> str:
        with Transport() as transport:
            return self._tokens.get(self.settings, transport, Repeat.SAFE)

    def _send(self, asked: Asked, token: str) -> Reply:
        call = Call(
            method=asked.method,
            url=self.settings.vmc_url + asked.path,
            asked=f"ask {self.settings.vmc_url}",
            repeat=Repeat.NEVER,
        )
        try:
            with self._session().request(
                asked.method,
                call.url,
                data=asked.body or None,
                headers={**asked.headers, "csp-auth-token": token},
                timeout=TIMEOUTS_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = response.raw.read(LARGEST_ANSWER_BYTES + 1, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            cause = error if isinstance(error, requests.RequestException) else requests.ConnectionError(error)
            raise unheard(call, cause) from None
        kept = tuple((name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers)
        return Reply(status=response.status_code, body=body, headers=kept)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = self._new_session()
        session: requests.Session = self._local.session
        return session

    def _hold_off(self, reply: Reply) -> None:
        told = reply.header("Retry-After") or ""
        if reply.status in _HOLD_OFF_STATUSES and told.isdecimal() and len(told) < 6:
            self._held_off = (reply, self._monotonic() + float(told))

    def _held_off_reply(self) -> Reply | None:
        """While the service wants to be left alone: its own answer, with what is left of the time."""
        held = self._held_off
        left = held[1] - self._monotonic() if held else 0.0
        if held is None or left <= 0:
            return None
        headers = tuple((k, v) for k, v in held[0].headers if k.lower() != "retry-after")
        return dataclasses.replace(held[0], headers=(*headers, ("Retry-After", str(math.ceil(left)))))


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=_NEVER_CONNECTED))
    return session


def _failure(error: VmcError) -> Reply:
    if isinstance(error, Refused):
        after = error.retry_after_seconds
        headers = (("Retry-After", str(math.ceil(after))),) if after is not None else ()
        return _json(error.status, _error(error.status, error, retryable=error.retryable), headers)
    if isinstance(error, NotSent):
        return _json(503, _error(503, error))
    return _json(504, _error(504, error))


def _error(status: int, error: VmcError, *, retryable: bool | None = None) -> Mapping[str, Any]:
    return {"status": status, "retryable": retryable, "error_messages": [f"{error.asked}: {error.answered}"]}


def _json(status: int, wire: Mapping[str, Any], headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(
        status=status,
        body=json.dumps(wire).encode(),
        headers=(("Content-Type", "application/json"), *headers),
    )
