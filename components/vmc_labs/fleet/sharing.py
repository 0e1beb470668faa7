"""What the labs of one process ask of a VMC organisation again and again, read once for all (ADR 0020)."""

import functools
import io
import math
import re
import time
from collections.abc import Callable
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.request import GLANCE_READ_SECONDS, LARGEST_ANSWER_BYTES, TIMEOUTS_SECONDS
from vmc_account_link.api.transport import Transport
from vmc_account_link.call_context import CallContext
from vmc_account_link.settings import VmcSettings
from vmc_labs.fleet.readings import Readings, Reply

LIST_FRESH_SECONDS = 1.0
"""So the list is read at most once a second, however many labs wait."""
TASK_READS_PER_SECOND = 4.0
"""Of all labs together: the task only explains a wait, or ends it early."""
_SHARED = re.compile(r".*/vmc/api/orgs/[^/]+/(account-link/connected-accounts|tasks/[^/?]+)")
"""What has no effect and is asked again and again. Not `account-link`: reading that requests a link."""
_KEPT_HEADERS = ("Content-Type", "Retry-After", "Date", "WWW-Authenticate", "Location")
_HOLD_OFF_STATUSES = frozenset({429, 503})
_CONNECTIONS = 64
"""Kept open at most; as many labs as are ever at work in one process."""


class SharedReads(HTTPAdapter):
    """Carries the requests of many sessions to one service; safe across threads.

    A session takes it for the service's address and does not know: what it may not repeat is sent once for
    each who asks, and a failure reaches everybody who shares it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Prepare; nothing is asked yet.

        Args:
            monotonic: this process's clock.
        """
        super().__init__(pool_maxsize=_CONNECTIONS)
        self._monotonic = monotonic
        self._readings = Readings(monotonic)
        self._held_off: tuple[Reply, float] | None = None

    def close(self) -> None:
        """Keep the connections: a session that ends is one lab's, and they are everybody's."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Answer a request, by what another one has read where that is fresh enough.

        Raises:
            requests.RequestException: the service could not be asked.
        """
        address = str(request.url)
        shared = _SHARED.fullmatch(address.partition("?")[0])
        if request.method != "GET" or not shared:
            try:
                return super().send(request, *args, **options)
            finally:
                self._readings.forget_older()
        reply = self._held_off_reply()
        if reply is None:
            is_list = shared[1].startswith("account-link")
            fresh = LIST_FRESH_SECONDS if is_list else self._task_fresh_seconds()
            reply = self._readings.get(
                address, lambda: self._read(request, *args, **options), fresh_seconds=fresh
            )
            self._hold_off(reply)
        if reply.status == 401:
            # Who shares it asks again with another token.
            self._readings.forget_older()
        return self._response(request, reply)

    def _task_fresh_seconds(self) -> float:
        return max(LIST_FRESH_SECONDS, self._readings.count(60.0) / TASK_READS_PER_SECOND)

    def _read(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Reply:
        # A wait that Ctrl-C is to end may share it, so it takes no longer than a wait's own looks.
        timeout = (TIMEOUTS_SECONDS[0], GLANCE_READ_SECONDS)
        try:
            with super().send(request, *args, **{**options, "timeout": timeout}) as response:
                body = response.raw.read(LARGEST_ANSWER_BYTES + 1, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from None
        kept = tuple((name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers)
        return Reply(status=response.status_code, body=body, headers=kept)

    def _response(self, request: requests.PreparedRequest, reply: Reply) -> requests.Response:
        """The reply as a session takes it, a stream of its own for each who shares it."""
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(reply.body),
            headers=dict(reply.headers),
            status=reply.status,
            preload_content=False,
        )
        return self.build_response(request, raw)

    def _hold_off(self, reply: Reply) -> None:
        told = reply.header("Retry-After") or ""
        if reply.status in _HOLD_OFF_STATUSES and told.isdecimal() and len(told) < 6:
            self._held_off = (reply, self._monotonic() + float(told))

    def _held_off_reply(self) -> Reply | None:
        """While the service wants to be left alone: its own answer, with what is left of the time."""
        held = self._held_off
        left = held[1] - self._monotonic() if held else 0.0
        return held[0].with_header("Retry-After", str(math.ceil(left))) if held and left > 0 else None


@functools.cache
def shared_reads(settings: VmcSettings) -> SharedReads:  # noqa: ARG001 - one for each
    """Those of this process, one for each organisation and credential."""
    return SharedReads()


def open_client(settings: VmcSettings, *, context: CallContext) -> VmcClient:
    """A client that shares what it reads with all others of this process."""
    session = requests.Session()
    session.mount(f"{settings.vmc_url}/vmc/", shared_reads(settings))
    return VmcClient(settings, context=context, transport=Transport(session=session))
