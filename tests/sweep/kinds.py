"""What goes wrong: each kind of fault, and how the sandbox is told to play it at one point. Pure."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.faults import FaultBody, FaultKind, PlannedFault
from tests.sweep.points import Point

REJECTED_SECONDS = 3.0
"""Longer than any pause between two calls of a clean run, so that the next call meets a closed port."""
FIRST_REJECTED_SECONDS = 6.0
"""For an operation's first call, from the start of the command."""
_HOLD_SECONDS = 32.0
"""The transport reads for 30 s. The AWS provider reads for ever: the cut at the end is what it notices."""
_RETRY_AFTER_SECONDS = 2
_OUTAGE_CALLS = 6
"""More than the attempts of the transport (4) and of the AWS provider (5)."""
_AWS_CODES = {500: "InternalFailure", 503: "ServiceUnavailable", 429: "Throttling", 403: "ExpiredToken"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault."""

    name: str
    plan: Callable[[Point], Mapping[str, Any]]
    """Point -> fields of a `PlannedFault`, beside its place."""
    services: frozenset[str] = frozenset({"vmc", "csp", "template", "aws"})
    """Where it can happen."""
    idles: bool = False
    """Whether a cell waits half a minute or more without doing anything."""


def _status(
    status: int, body: FaultBody = FaultBody.EMPTY, **fields: Any
) -> Callable[[Point], dict[str, Any]]:
    def plan(point: Point) -> dict[str, Any]:
        shown = 403 if status == 401 and point.service in {"aws", "template"} else status
        said: dict[str, Any] = {"kind": FaultKind.STATUS, "status": shown, "body": body, **fields}
        if point.service == "aws" and shown in _AWS_CODES:
            said |= {"body": FaultBody.XML, "error_code": _AWS_CODES[shown]}
        return said

    return plan


def _held(_: Point, **fields: Any) -> dict[str, Any]:
    return {"kind": FaultKind.TIME_OUT, "seconds": _HOLD_SECONDS, **fields}


def _rejected(point: Point) -> dict[str, Any]:
    return {"kind": FaultKind.REFUSE_NEXT, "seconds": REJECTED_SECONDS, "server": point.server}


def _plain(kind: FaultKind) -> Callable[[Point], dict[str, Any]]:
    return lambda _: {"kind": kind}


_VMC = frozenset({"vmc"})
KINDS = (
    Kind(name="refused", plan=_rejected),
    Kind(name="reset before", plan=_plain(FaultKind.RESET_BEFORE)),
    Kind(name="reset after", plan=_plain(FaultKind.RESET_AFTER)),
    Kind(name="reset midway", plan=_plain(FaultKind.RESET_MIDWAY)),
    Kind(name="time-out before", plan=_held, idles=True),
    Kind(name="time-out after", plan=lambda point: _held(point, acts=True), idles=True),
    Kind(name="500", plan=_status(500)),
    Kind(name="502", plan=_status(502, FaultBody.HTML)),
    Kind(name="502 after", plan=_status(502, FaultBody.HTML, acts=True)),
    Kind(name="503", plan=_status(503, FaultBody.HTML)),
    Kind(name="503 Retry-After", plan=_status(503, retry_after=_RETRY_AFTER_SECONDS)),
    Kind(name="503 outage", plan=_status(503, count=_OUTAGE_CALLS)),
    Kind(name="429", plan=_status(429)),
    Kind(name="429 Retry-After", plan=_status(429, retry_after=_RETRY_AFTER_SECONDS)),
    Kind(name="retryable", plan=_status(503, FaultBody.JSON, retryable=True), services=_VMC),
    Kind(name="not retryable", plan=_status(503, FaultBody.JSON), services=_VMC),
    Kind(name="401", plan=_status(401, FaultBody.JSON)),
    Kind(name="truncated", plan=_plain(FaultKind.OK_TRUNCATED)),
    Kind(name="HTML page", plan=_plain(FaultKind.OK_HTML)),
    Kind(name="empty 200", plan=_plain(FaultKind.OK_EMPTY)),
)
KIND_NAMES = tuple(kind.name for kind in KINDS)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault at one point."""

    point: Point
    kind: Kind

    @property
    def name(self) -> str:
        """The cell in a list; unique."""
        return f"{self.point.name}: {self.kind.name}"

    @property
    def is_rejected_first(self) -> bool:
        """Whether the port has to be closed before the command starts: there is no call before it."""
        return self.kind.name == "refused" and self.point.after is None

    def fault(self) -> PlannedFault | None:
        """The fault to plan; None where the port is closed by hand."""
        if self.is_rejected_first:
            return None
        point = self.point
        service, call, nth = point.service, point.call, point.nth
        if self.kind.name == "refused" and point.after:
            service, call, nth = point.after
        return PlannedFault(service=service, call=call, nth=nth, **self.kind.plan(point))


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        KeyError: there is none.
    """
    return {kind.name: kind for kind in KINDS}[name]


def cells_of(points: tuple[Point, ...]) -> tuple[Cell, ...]:
    """Every kind at every point where it can happen."""
    return tuple(
        Cell(point=point, kind=kind) for point in points for kind in KINDS if point.service in kind.services
    )
