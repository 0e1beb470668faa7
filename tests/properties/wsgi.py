"""HTTP without sockets: `requests` and botocore straight into WSGI applications of this process.

What a socket would do to a spoiled answer is played here: a cut connection, half a body, a closed port.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIApplication

import botocore.awsrequest
import botocore.exceptions
import requests
import urllib3
from botocore.compat import HTTPHeaders
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from sandbox.faults import FaultKind
from sandbox.middleware import ConnectionCut

Raw = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, and as much of the body as came."""


class Refused(Exception):
    """Nothing listens at that address."""


class TimedOut(Exception):
    """No answer came in time."""


class Network:
    """Addresses and the applications behind them."""

    def __init__(
        self, applications: Mapping[str, WSGIApplication], *, is_closed: Callable[[str], bool]
    ) -> None:
        """Connect.

        Args:
            applications: `host:port` -> application.
            is_closed: whether an address refuses connections now.
        """
        self._applications = applications
        self._is_closed = is_closed

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Raw:
        """Ask an application.

        Raises:
            Refused: the address is closed, or there is none.
            TimedOut: the fault was a time-out.
            ConnectionCut: the connection ended before an answer.
        """
        parts = urlsplit(url)
        application = self._applications.get(parts.netloc)
        if application is None or self._is_closed(parts.netloc):
            raise Refused(parts.netloc)
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path) or "/",
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": str(parts.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "HTTP_HOST": parts.netloc,
        }
        for name, value in headers.items():
            # botocore sends some header values as bytes, whatever the annotation says.
            raw: object = value
            text = raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
        return _called(application, environ)


def _called(application: WSGIApplication, environ: dict[str, Any]) -> Raw:
    said: list[tuple[str, list[tuple[str, str]]]] = []
    parts: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        said.append((status, headers))
        return parts.append

    try:
        chunks: Iterable[bytes] = application(environ, start_response)
        parts.extend(chunks)
    except ConnectionCut as cut:
        if FaultKind.TIME_OUT in str(cut):
            raise TimedOut from None
        if not said:
            raise
    status, headers = said[-1]
    return int(status.partition(" ")[0]), headers, b"".join(parts)


def answer_of(raw: Raw, *, method: str = "GET") -> urllib3.HTTPResponse:
    """What urllib3 hands on: a body shorter than its Content-Length breaks while it is read."""
    status, headers, body = raw
    return urllib3.HTTPResponse(
        body=io.BytesIO(body),
        headers=urllib3.HTTPHeaderDict(headers),
        status=status,
        preload_content=False,
        decode_content=False,
        request_method=method,
    )


class RequestsAdapter(BaseAdapter):
    """Mounted on a session instead of its sockets."""

    def __init__(self, exchange: Callable[[str, str, Mapping[str, str], bytes], Raw]) -> None:
        """Take what answers; see `Network.exchange`."""
        super().__init__()
        self._exchange = exchange

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer, or fail as requests' own adapter would."""
        body = request.body or b""
        method, url = request.method or "GET", request.url or ""
        try:
            raw = self._exchange(
                method, url, request.headers, body.encode() if isinstance(body, str) else bytes(body)
            )
        except Refused as error:
            reason = NewConnectionError(None, str(error))  # type: ignore[arg-type]
            raise requests.ConnectionError(MaxRetryError(None, url, reason), request=request) from None  # type: ignore[arg-type]
        except TimedOut:
            raise requests.ReadTimeout(request=request) from None
        except ConnectionCut:
            raise requests.ConnectionError(ProtocolError("cut"), request=request) from None
        answer = HTTPAdapter().build_response(request, answer_of(raw, method=method))
        assert isinstance(answer, requests.Response)
        return answer

    def close(self) -> None:
        """Nothing is open."""


class BotocoreSession:
    """Stands in for a botocore endpoint's `http_session`."""

    def __init__(self, network: Network) -> None:
        """Take the network."""
        self._network = network

    def send(self, request: Any) -> botocore.awsrequest.AWSResponse:
        """Answer, or fail as botocore's own session would."""
        body = request.body or b""
        try:
            raw = self._network.exchange(
                request.method,
                request.url,
                request.headers,
                body.encode() if isinstance(body, str) else bytes(body),
            )
            answer = botocore.awsrequest.AWSResponse(
                request.url, raw[0], HTTPHeaders.from_pairs(raw[1]), answer_of(raw)
            )
            # Read here, as botocore does, so that half a body is an error of this exchange.
            _ = answer.content
        except Refused as error:
            raise botocore.exceptions.EndpointConnectionError(endpoint_url=request.url, error=error) from None
        except TimedOut:
            raise botocore.exceptions.ReadTimeoutError(endpoint_url=request.url) from None
        except (ConnectionCut, ProtocolError) as error:
            raise botocore.exceptions.ConnectionClosedError(endpoint_url=request.url, error=error) from None
        return answer

    def close(self) -> None:
        """Nothing is open."""
