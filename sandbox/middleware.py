"""What stands before every emulated service: the journal, the planned faults, the sandbox's date."""

import dataclasses
import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from werkzeug.http import http_date

from sandbox.clock import Clock
from sandbox.faults import FaultBody, FaultKind, Faults, PlannedFault
from sandbox.journal import Entry, Journal

_LOG = logging.getLogger(__name__)

_PAGE = b"<html><head><title>Gateway</title></head><body><h1>Please try again later</h1></body></html>\n"


class ConnectionCut(ConnectionAbortedError):
    """Raised into the WSGI server to end the connection at once, without (the rest of) an answer.

    waitress closes the connection when an application raises an OSError, and writes nothing more, if
    its `log_socket_errors` is off: `sandbox.server` sets that.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def content_type(self) -> str:
        """The body's type."""
        return next((value for name, value in self.headers if name.lower() == "content-type"), "text/plain")


class FaultyApp:
    """A WSGI application in front of another that journals its calls and spoils the planned ones.

    `name_of_call` gets the environ with the whole body in `wsgi.input`, and may read it: the body is
    rewound before the application sees it. `account_of` says whose credentials a call to AWS has.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        service: str,
        name_of_call: Callable[[WSGIEnvironment], str],
        faults: Faults,
        journal: Journal,
        clock: Clock,
        account_of: Callable[[WSGIEnvironment], str | None] = lambda _environ: None,
    ) -> None:
        self._account_of = account_of
        self._app = app
        self._service = service
        self._name_of_call = name_of_call
        self._faults = faults
        self._journal = journal
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or cut its connection."""
        at, monotonic = self._clock.now(), time.monotonic()
        body = _buffer_body(environ)
        call = self._name_of_call(environ)
        body.seek(0)
        account = self._account_of(environ)
        fault = self._faults.take(self._service, call, account_number=account)
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if fault and fault.kind is FaultKind.LATE and fault.seconds:
            self._faults.hold(fault.seconds)
        response = _call(self._app, environ) if fault is None or fault.lets_act else None
        answer = _spoil(fault, response, path)
        entry = Entry(
            at=at,
            monotonic=monotonic,
            service=self._service,
            call=call,
            method=environ["REQUEST_METHOD"],
            path=path,
            status=answer.status if answer else 0,
            fault=fault.kind.value if fault else None,
            account_number=account,
        )
        self._journal.record(entry)
        if fault and fault.kind is FaultKind.REFUSE_NEXT:
            self._faults.shut(fault)
        elif fault and fault.seconds and fault.kind is not FaultKind.LATE:
            self._faults.hold(fault.seconds)
        if answer is None:
            raise ConnectionCut(f"planned fault {fault.kind if fault else ''}")
        start_response(f"{answer.status} {_reason(answer.status)}", self._headers(answer, environ))
        if fault and fault.kind is FaultKind.RESET_MIDWAY:
            return _first_half(answer.body)
        return [answer.body]

    def _headers(self, answer: _Response, environ: WSGIEnvironment) -> list[tuple[str, str]]:
        kept = [pair for pair in answer.headers if pair[0].lower() not in {"date", "content-length"}]
        length = str(len(answer.body))
        if environ["REQUEST_METHOD"] == "HEAD":
            length = next((v for k, v in answer.headers if k.lower() == "content-length"), length)
        return [*kept, ("Content-Length", length), ("Date", http_date(self._clock.now()))]


def _buffer_body(environ: WSGIEnvironment) -> io.BytesIO:
    """Put the request's whole body in memory, so that it can be read twice."""
    stream = environ["wsgi.input"]
    terminated = environ.get("wsgi.input_terminated", False)
    body = io.BytesIO(stream.read() if terminated else stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = body
    return body


def _call(app: WSGIApplication, environ: WSGIEnvironment) -> _Response:
    """Run the application to its end and collect what it answers.

    Its own failure becomes a 500: an OSError must not look like a planned cut.
    """
    said: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        said.append((status, headers))
        return written.append

    try:
        chunks = app(environ, start_response)
        try:
            written.extend(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
    except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the trace
        _LOG.exception("the emulated service failed on %s", environ["PATH_INFO"])
        return _Response(500, (("Content-Type", "text/plain"),), b"the sandbox itself failed; see its log\n")
    status, headers = said[-1]
    return _Response(int(status.split(" ", 1)[0]), tuple(headers), b"".join(written))


def _spoil(fault: PlannedFault | None, response: _Response | None, path: str) -> _Response | None:
    """What is answered instead of what the application said; None: nothing at all."""
    if fault is not None and fault.kind is FaultKind.STATUS:
        return _error_answer(fault, path)
    if fault is None or response is None:
        return response
    match fault.kind:
        case FaultKind.RESET_AFTER | FaultKind.TIME_OUT:
            return None
        case FaultKind.OK_HTML:
            return _ok(_PAGE, "text/html")
        case FaultKind.OK_EMPTY | FaultKind.OK_TRUNCATED:
            kept = len(response.body) // 2 if fault.kind is FaultKind.OK_TRUNCATED else 0
            return _ok(response.body[:kept], response.content_type)
    return response


def _ok(body: bytes, content_type: str) -> _Response:
    return _Response(200, (("Content-Type", content_type),), body)


def _error_answer(fault: PlannedFault, path: str) -> _Response:
    """The answer of a fault of kind `status`."""
    status = fault.status or 500
    code = fault.error_code or "sandbox.planned.fault"
    message = f"The sandbox answers {status} as planned."
    error = {
        "status": status,
        "path": path,
        "retryable": fault.retryable,
        "error_code": code,
        "error_messages": [message],
    }
    document = json.dumps(error).encode()
    kind = "Receiver" if status >= 500 else "Sender"
    bodies = {
        FaultBody.JSON: ("application/json", document),
        FaultBody.TRUNCATED: ("application/json", document[: len(document) // 2]),
        FaultBody.HTML: ("text/html", _PAGE),
        FaultBody.EMPTY: ("text/plain", b""),
        FaultBody.XML: (
            "text/xml",
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(code)}</Code><Message>{message}</Message>"
            "</Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>".encode(),
        ),
    }
    content_type, body = bodies[fault.body]
    headers = [("Content-Type", content_type)]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    return _Response(status, tuple(headers), body)


def _first_half(body: bytes) -> Iterator[bytes]:
    """Half a body under the whole one's Content-Length."""
    yield body[: max(1, len(body) // 2)]
    raise ConnectionCut("planned fault reset_midway")


def _reason(status: int) -> str:
    """The words of a status line."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
