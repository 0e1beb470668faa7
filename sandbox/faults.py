"""Faults planned by tests: which call goes wrong, how, and how often."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import NoneType
from typing import Any, Self, get_args, get_type_hints

LONGEST_HOLD_SECONDS = 120.0
"""No planned fault holds a request longer than this."""

ANY_CALL = "*"
"""As a fault's call: whichever call of the service."""


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answer with another status, without acting unless `acts` is set."""
    RESET_BEFORE = "reset_before"
    """Cut the connection without acting."""
    RESET_AFTER = "reset_after"
    """Act, then cut the connection without an answer."""
    RESET_MIDWAY = "reset_midway"
    """Act, then cut the connection in the middle of the answer's body."""
    TIME_OUT = "time_out"
    """Hold the request for `seconds`, then cut; act before that only if `acts` is set."""
    OK_HTML = "ok_html"
    """Act, then answer 200 with a web page."""
    OK_EMPTY = "ok_empty"
    """Act, then answer 200 with nothing in it."""
    OK_TRUNCATED = "ok_truncated"
    """Act, then answer 200 with half of the body, whole as far as HTTP is concerned."""
    SLOW = "slow"
    """Act, then answer `seconds` later."""
    LATE = "late"
    """Hold the request for `seconds`, then act and answer."""
    REFUSE_NEXT = "refuse_next"
    """Act and answer; from before the answer on, `server` refuses connections for `seconds`."""


class FaultBody(StrEnum):
    """The body of a fault of kind `status`."""

    JSON = "json"
    """VMC's ErrorResponse."""
    XML = "xml"
    """The ErrorResponse of AWS's query protocol."""
    HTML = "html"
    """A proxy's error page."""
    EMPTY = "empty"
    TRUNCATED = "truncated"
    """Half an ErrorResponse."""


_HOLDING = frozenset({FaultKind.TIME_OUT, FaultKind.SLOW, FaultKind.LATE})
_TIMED = _HOLDING | {FaultKind.REFUSE_NEXT}
_ONLY_FOR: Mapping[str, frozenset[FaultKind]] = {
    "status": frozenset({FaultKind.STATUS}),
    "retry_after": frozenset({FaultKind.STATUS}),
    "body": frozenset({FaultKind.STATUS}),
    "retryable": frozenset({FaultKind.STATUS}),
    "error_code": frozenset({FaultKind.STATUS}),
    "acts": frozenset({FaultKind.STATUS, FaultKind.TIME_OUT}),
    "seconds": _TIMED,
    "server": frozenset({FaultKind.REFUSE_NEXT}),
}
SERVERS = ("vmware", "aws")
"""The sandbox's servers; `vmware` serves VMC, CSP and the templates."""


class InvalidFault(ValueError):
    """A fault that can't be planned as asked."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """One fault: the `nth` to the `nth + count - 1`th matching call, counted from the planning."""

    service: str
    """`vmc`, `csp`, `template` or `aws`."""
    call: str
    """A call's name as in the journal, or `*`."""
    kind: FaultKind
    nth: int = 1
    count: int = 1
    status: int | None = None
    """For kind `status`: 400 to 599."""
    retry_after: int | None = None
    """For kind `status`: seconds for the header Retry-After; None: no such header."""
    body: FaultBody = FaultBody.JSON
    retryable: bool = False
    """What the ErrorResponse says of itself."""
    error_code: str | None = None
    """The ErrorResponse's code; None: one that says it was planned."""
    acts: bool = False
    """Whether the call takes effect although the answer is a fault."""
    seconds: float | None = None
    """For the kinds `slow`, `late`, `time_out` and `refuse_next`, of real time."""
    server: str | None = None
    """For kind `refuse_next`: one of `SERVERS`."""
    account_number: str | None = None
    """For service `aws`: only the calls of this account's credentials match; None: everybody's."""

    def __post_init__(self) -> None:
        """Refuse a fault that contradicts itself.

        Raises:
            InvalidFault: with the reason in one line.
        """
        if not self.service or not self.call:
            raise InvalidFault("a fault needs a service and a call")
        if self.account_number is not None and self.service != "aws":
            raise InvalidFault(f"service {self.service!r} does not know the account of a call; 'aws' does")
        if self.nth < 1 or self.count < 1:
            raise InvalidFault(f"nth and count start at 1, not {self.nth} and {self.count}")
        for field in dataclasses.fields(self):
            kinds = _ONLY_FOR.get(field.name)
            if kinds and self.kind not in kinds and getattr(self, field.name) != field.default:
                raise InvalidFault(f"{field.name!r} does not belong to a fault of kind {self.kind.value!r}")
        if self.kind is FaultKind.STATUS and (self.status is None or not 400 <= self.status <= 599):
            raise InvalidFault(f"a fault of kind 'status' needs a status of 400 to 599, not {self.status}")
        if self.kind is FaultKind.REFUSE_NEXT and self.server not in SERVERS:
            raise InvalidFault(f"server {self.server!r} is none of {', '.join(SERVERS)}")
        if self.kind in _TIMED and (self.seconds is None or not 0 < self.seconds <= LONGEST_HOLD_SECONDS):
            raise InvalidFault(
                f"a fault of kind {self.kind.value!r} needs seconds above 0 and up to "
                f"{LONGEST_HOLD_SECONDS:g}, not {self.seconds}"
            )

    @property
    def lets_act(self) -> bool:
        """Whether the call takes effect."""
        return self.acts or self.kind not in {FaultKind.STATUS, FaultKind.RESET_BEFORE, FaultKind.TIME_OUT}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Read a fault from its JSON form: the fields' names are the keys.

        Raises:
            InvalidFault: an unknown key, a missing one, or a value that does not fit.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(wire) - fields):
            raise InvalidFault(f"a fault has no {unknown[0]!r}; it has {', '.join(sorted(fields))}")
        values = {key: _value(key, value) for key, value in wire.items()}
        if missing := sorted({"service", "call", "kind"} - set(values)):
            raise InvalidFault(f"a fault needs {missing[0]!r}")
        return cls(**values)

    def to_wire(self) -> dict[str, Any]:
        """The fault as JSON can hold it."""
        return dataclasses.asdict(self)


def _value(key: str, value: Any) -> Any:
    """Check one value of a fault's JSON form."""
    hint = get_type_hints(PlannedFault)[key]
    kinds = get_args(hint) or (hint,)
    if value is None and NoneType in kinds:
        return None
    if issubclass(kinds[0], StrEnum):
        try:
            return kinds[0](value)
        except ValueError:
            raise InvalidFault(f"{key} {value!r} is none of {', '.join(kinds[0])}") from None
    taken = (int, float) if float in kinds else kinds[0]
    if not isinstance(value, taken) or (isinstance(value, bool) and bool not in kinds):
        raise InvalidFault(f"{key} {value!r} is not of type {kinds[0].__name__}")
    return value


@dataclasses.dataclass(slots=True)
class _Plan:
    fault: PlannedFault
    matched: int = 0

    def sees(self, service: str, call: str, account_number: str | None) -> bool:
        """Count a matching call and say whether the fault takes effect on it."""
        fault = self.fault
        if fault.service != service or fault.call not in {call, ANY_CALL}:
            return False
        if fault.account_number not in {None, account_number}:
            return False
        self.matched += 1
        return fault.nth <= self.matched < fault.nth + fault.count

    @property
    def is_used_up(self) -> bool:
        """Whether no further call can meet the fault."""
        return self.matched >= self.fault.nth + self.fault.count - 1


class Faults:
    """The faults that are still to come; safe across server threads."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.refuse: dict[str, Callable[[float], None]] = {}
        """Server -> stop listening for some seconds; filled in as the servers start."""

    def plan(self, fault: PlannedFault) -> None:
        """Add a fault; its calls are counted from now on."""
        with self._lock:
            self._plans.append(_Plan(fault))

    def planned(self) -> tuple[PlannedFault, ...]:
        """The faults that can still take effect, in the order of planning."""
        with self._lock:
            return tuple(plan.fault for plan in self._plans if not plan.is_used_up)

    def clear(self) -> None:
        """Forget all planned faults; requests that are being held stay held."""
        with self._lock:
            self._plans.clear()

    def take(self, service: str, call: str, *, account_number: str | None = None) -> PlannedFault | None:
        """Count a call and return the fault that takes effect on it: of several the first planned.

        `account_number` is the AWS account of the call's credentials, where the service is AWS.
        """
        with self._lock:
            effective = [plan.fault for plan in self._plans if plan.sees(service, call, account_number)]
        return effective[0] if effective else None

    def hold(self, seconds: float) -> None:
        """Keep a request waiting, in real time, unless the sandbox stops."""
        self._released.wait(min(seconds, LONGEST_HOLD_SECONDS))

    def shut(self, fault: PlannedFault) -> None:
        """Close the server of a fault of kind `refuse_next`, if it runs."""
        if fault.server in self.refuse and fault.seconds:
            self.refuse[fault.server](fault.seconds)

    def release(self) -> None:
        """Let every held request go, now and from now on: the sandbox stops."""
        self._released.set()
