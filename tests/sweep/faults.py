"""The fault sweep: every call of a clean `up` and `destroy` by every kind of fault.

To add a kind of fault, add a line to `KINDS`; it meets every call of the services that it names. Each cell
has one of the forms in which the service may answer.
"""

import argparse
import dataclasses
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.faults import FaultBody, FaultKind, PlannedFault
from sandbox.journal import Entry
from tests.support.forms import FEW_FIELDS, LINKING, SECRET_IN_PATH, Form
from tests.support.lab import Lab
from tests.sweep.harness import Case, Played, Sweep
from tests.sweep.points import Point, recorded_points
from tests.sweep.stage import RECOVER, Stages, ending_of, leaks, recover, run, secrets_of
from tests.sweep.verdict import NOT_REACHED, Observation, assess, error_lines
from vmc_account_link.link.progress import LIST_GRACE_SECONDS

SECONDS = 100.0
"""For each command of a case; more where the fault itself takes long."""
_IDLE_SECONDS = 220.0

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
_SOME_MINUTES = LIST_GRACE_SECONDS
"""What the advice "in some minutes" is taken for, by the service's clock: nobody waits.

A destroy so soon after a link waits for an account that is not listed, though the one before unlinked it.
"""
_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase(Case):
    """One fault at one point, and what a person does then."""

    point: Point
    kind_name: str
    """Its functions do not pickle."""

    @property
    def kind(self) -> Kind:
        """The kind of fault."""
        return _BY_NAME[self.kind_name]

    @property
    def row(self) -> str:
        """The call."""
        return self.point.name

    @property
    def column(self) -> str:
        """The kind."""
        return self.kind_name

    @property
    def idles(self) -> bool:
        """As its kind."""
        return self.kind.idles

    @property
    def needs_link(self) -> bool:
        """A `destroy` needs something to destroy."""
        return self.point.operation == "destroy"

    @property
    def form(self) -> Form:
        """The form in which the service answers: of a cell always the same, so that all meet many faults."""
        _, call, _ = self.met_at
        forms = [form for form in LINKING if (form, call) != (FEW_FIELDS, "get-task")]
        return forms[zlib.crc32(self.name.encode()) % len(forms)]

    @property
    def is_rejected_first(self) -> bool:
        """Whether the port has to be closed before the command starts: there is no call before it."""
        return self.kind.name == "refused" and self.point.after is None

    @property
    def met_at(self) -> tuple[str, str, int]:
        """Service, call and which one of them meets the fault: the one before, if a port is to be closed."""
        point = self.point
        if self.kind.name == "refused" and point.after:
            return point.after
        return point.service, point.call, point.nth

    def fault(self) -> PlannedFault | None:
        """The fault to plan; None where the port is closed by hand."""
        if self.is_rejected_first:
            return None
        service, call, nth = self.met_at
        if self.form is SECRET_IN_PATH and call == "download-template":
            service, call = "vmc", "download-template-by-path"
        return PlannedFault(service=service, call=call, nth=nth, **self.kind.plan(self.point))

    def play(self, stages: Stages, /) -> Played:
        """Meet the fault, run again, look; twice where the fault was missed: a poll can come too late."""
        played = self._play_once(stages)
        return self._play_once(stages) if played.fell_short.startswith(NOT_REACHED + " (") else played

    def _play_once(self, stages: Stages) -> Played:
        with stages.lent(self.point.operation, self.form) as lent:
            found, output = self._observe(lent.lab)
            verdict, reason = assess(found)
            lent.ended_well = not reason
            for name, secret in secrets_of(lent.lab).items():
                output = output.replace(secret, f"[{name}]")
        said = "; ".join(error_lines(found.first.output) if found.first.code else [])
        return Played(
            verdict=verdict.value,
            fell_short=f"{reason} ({self.form.name})" if reason else "",
            said=f"({self.form.name}) {said}".strip(),
            details={
                "form": self.form.name,
                "stacks_made": found.ending.stacks_made,
                "output": output if reason else "",
            },
        )

    def _observe(self, lab: Lab) -> tuple[Observation, str]:
        operation, box = self.point.operation, lab.box
        links_before = len(box.control.links())
        box.control.clear_journal()
        if (fault := self.fault()) is not None:
            box.world.faults.plan(fault)
        else:
            box.world.faults.refuse[self.point.server](FIRST_REJECTED_SECONDS)
        started = time.monotonic()
        first = run(lab, operation, seconds=_IDLE_SECONDS if self.idles else SECONDS)
        was_reached = self._was_reached(box.world.journal.entries(), started=started)
        box.world.faults.clear()
        if not box.wait_until_reachable():
            raise RuntimeError("a refusing server did not listen again")
        second = recovered = third = unchanged = None
        if first.code != 0:
            if "in some minutes" in first.output or operation == "destroy":
                box.control.advance(_SOME_MINUTES)
            last = second = run(lab, operation, seconds=SECONDS)
            if second.code != 0 and RECOVER in second.output:
                recovered = recover(lab, seconds=SECONDS)
                last = third = run(lab, operation, seconds=SECONDS)
            if last.code == 0 and operation == "up":
                unchanged = run(lab, operation, "--expect-no-changes", seconds=SECONDS)
        commands = [done for done in (first, second, recovered, third, unchanged) if done is not None]
        output = "\n".join(
            f"--- exit code {done.code} after {done.seconds:.1f} s\n{done.output}" for done in commands
        )
        found = Observation(
            operation=operation,
            call=self.point.call,
            was_reached=was_reached,
            first=first,
            second=second,
            recovered=recovered,
            third=third,
            unchanged=unchanged,
            ending=ending_of(lab, links_before=links_before),
            leaks=leaks(lab, output),
        )
        return found, output

    def _was_reached(self, entries: tuple[Entry, ...], *, started: float) -> bool:
        """Whether the fault took effect, by the journal.

        A refused connection leaves no trace: the port was closed before the call came, and what came next
        to that server, if anything did, came once it was open again.
        """
        if self.kind.name != "refused":
            return any(entry.fault is not None for entry in entries)
        if self.is_rejected_first:
            closed, seconds = started, FIRST_REJECTED_SECONDS
        else:
            at = [entry.monotonic for entry in entries if entry.fault is not None]
            if not at:
                return False
            closed, seconds = at[0], REJECTED_SECONDS
        servers = {"aws": {"aws"}, "vmware": {"vmc", "csp", "template"}}[self.point.server]
        later = [
            entry.monotonic for entry in entries if entry.service in servers and entry.monotonic > closed
        ]
        return not later or later[0] >= closed + seconds * 0.9


def fault_cases(_: argparse.Namespace | None = None) -> tuple[FaultCase, ...]:
    """Every kind at every point where it can happen."""
    return tuple(
        FaultCase(point=point, kind_name=kind.name)
        for point in recorded_points()
        for kind in KINDS
        if point.service in kind.services
    )


SWEEP = Sweep(
    name="faults",
    purpose="every call of up and destroy by every kind of fault",
    cases=fault_cases,
    legend="ok: it succeeded; then ok: it failed with one clear line and the next one converged;\n"
    "recover: the next one named `vmc-account-link recover`, and after that it converged",
)
