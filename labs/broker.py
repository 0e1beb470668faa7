"""A server on loopback between the labs of this process and the VMC service (ADR 0020).

Labs get its addresses and a stand-in for the API token, so no secret is in a lab's environment; it has one
desk for each organisation. It answers nobody who does not show a stand-in of its own.
"""

import atexit
import functools
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from wsgiref.types import StartResponse, WSGIEnvironment

from waitress.server import create_server

from labs.desk import Asked, Desk
from labs.readings import Reply
from vmc_account_link.settings import VmcSettings

_SERVICE = "/service"
_IDENTITY = "/identity"
_EXCHANGE = f"{_IDENTITY}/csp/gateway/am/api/auth/api-tokens/authorize"
_THREADS = 32
"""Each call of a lab that is under way takes one; the others queue."""
_LARGEST_BODY_BYTES = 64 * 1024
_REASONS = {200: "OK"}


class Broker:
    """The server, from its making until `close`."""

    def __init__(self, *, threads: int = _THREADS) -> None:
        """Listen on a free loopback port.

        Raises:
            OSError: there is none.
        """
        self._desks: dict[VmcSettings, Desk] = {}
        self._lock = threading.Lock()
        self._server = create_server(
            self._app,
            host="127.0.0.1",
            port=0,
            threads=threads,
            # Its own map: waitress's default one is shared by every server of the process.
            map={},
            ident=None,
            max_request_body_size=_LARGEST_BODY_BYTES,
        )
        self._url = f"http://127.0.0.1:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, name="broker", daemon=True)
        self._thread.start()

    def configuration(self, settings: VmcSettings) -> Mapping[str, str]:
        """The `vmc:` configuration that leads a lab of this organisation here; worth nothing elsewhere."""
        desk = self.desk(settings)
        return {
            "vmc:vmcUrl": self._url + _SERVICE,
            "vmc:cspUrl": self._url + _IDENTITY,
            "vmc:orgId": settings.org_id,
            "vmc:apiToken": desk.stand_in,
        }

    def true_text(self, text: str, settings: VmcSettings) -> str:
        """A lab's text with the service's addresses instead of this server's."""
        text = text.replace(self._url + _SERVICE, settings.vmc_url)
        return text.replace(self._url + _IDENTITY, settings.csp_url)

    def desk(self, settings: VmcSettings) -> Desk:
        """The organisation's desk."""
        with self._lock:
            return self._desks.setdefault(settings, Desk(settings))

    def close(self) -> None:
        """Stop listening."""
        self._server.close()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
        self._thread.join(timeout=5)

    def _app(self, request: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        reply = self._reply(request)
        reason = _REASONS.get(reply.status, "Status")
        start(f"{reply.status} {reason}", [*reply.headers, ("Content-Length", str(len(reply.body)))])
        return [reply.body]

    def _reply(self, request: WSGIEnvironment) -> Reply:
        path = urllib.parse.quote(request.get("PATH_INFO", ""), safe="/:@-._~")
        if request["REQUEST_METHOD"] == "POST" and path == _EXCHANGE:
            form = urllib.parse.parse_qs(_body(request).decode("ascii", "replace"))
            shown = form.get("refresh_token", [""])[0]
            desk = self._find(lambda desk: desk.stand_in, shown)
            return desk.exchange() if desk else Reply(status=400, body=b"")
        desk = self._find(lambda desk: desk.pass_, request.get("HTTP_CSP_AUTH_TOKEN", ""))
        if desk is None:
            return Reply(status=401, body=b"")
        if not path.startswith(f"{_SERVICE}/"):
            return Reply(status=404, body=b"")
        query = request.get("QUERY_STRING", "")
        wanted = {"Accept": "HTTP_ACCEPT", "Content-Type": "CONTENT_TYPE"}
        return desk.answer(
            Asked(
                method=request["REQUEST_METHOD"],
                path=path.removeprefix(_SERVICE) + (f"?{query}" if query else ""),
                body=_body(request),
                headers={name: request[key] for name, key in wanted.items() if request.get(key)},
            )
        )

    def _find(self, of: Callable[[Desk], str], shown: str) -> Desk | None:
        with self._lock:
            desks = tuple(self._desks.values())
        return next((desk for desk in desks if secrets.compare_digest(of(desk), shown)), None)


@functools.cache
def process_broker() -> Broker:
    """The one of this process, started at its first use."""
    broker = Broker()
    atexit.register(broker.close)
    return broker


def _body(request: WSGIEnvironment) -> bytes:
    body: bytes = request["wsgi.input"].read(_LARGEST_BODY_BYTES)
    return body
