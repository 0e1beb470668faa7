"""1. What one link costs beyond the service's own time, beside the original script.

A link waits far more than it works, so several run at the same time, each in a sandbox of its own (its modes
and its journal are its own then). What works, the beginning, is kept apart: the next one begins only when the
one before it has asked for its stack.
"""

import concurrent.futures
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from bench import end_state
from bench.cloud import REPOSITORY, Account, Cloud, cloud
from bench.machine import load
from bench.measure import Measurement, Running, python
from bench.project import link_project, prepare, pulumi
from bench.question_result import Aim, Column, QuestionResult, Row, Value, median, spread
from bench.scale import Scale

NAME = "link"
_SERVICE_SECONDS = (300.0, 315.0, 90.0, 105.0, 30.0, 45.0, 5.0)
"""Those asked for, and 15 s more of each that is a multiple of 30: botocore's waiter looks every 30 s, so at
a multiple of that it is as lucky as it can be, and half-way between it loses what it loses on average."""
_SMOKE_SECONDS = (0.01,)
_LONGEST_REPEATED_SECONDS = 60.0
"""A longer link runs once: its overhead varies no more than a short one's."""
_STACK_SHARE = 1 / 3
"""Of the service's time: the stack is made first, then VMware does its part."""
_POLL_SECONDS = 0.2
_QUIET_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to a link."""

    name: str
    command: Sequence[str]
    is_program: bool
    """Whether it runs in a project with a Pulumi stack, made beforehand."""


SCRIPT = Contender(name="script", command=python("-m", "bench.contenders.script"), is_program=False)
UP = Contender(name="pulumi up --yes", command=pulumi("up", "--yes"), is_program=True)
UP_ALONE = Contender(
    name="pulumi up --yes --skip-preview",
    command=pulumi("up", "--yes", "--skip-preview"),
    is_program=True,
)
CONTENDERS = (SCRIPT, UP, UP_ALONE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkRun:
    """One measured link."""

    service_seconds: float
    contender: str
    cost: Measurement
    requests: Mapping[str, int]
    noticed_late_seconds: float
    """From the account being ACTIVE to the look that saw it."""
    load: float

    @property
    def beyond_seconds(self) -> float:
        """Wall time beyond the service's own."""
        return self.cost.wall_seconds - self.service_seconds


def ask(scale: Scale) -> QuestionResult:
    """Run every contender at every duration."""
    durations = _SMOKE_SECONDS if scale.is_smoke else _SERVICE_SECONDS
    contenders = (SCRIPT, UP_ALONE) if scale.is_smoke else CONTENDERS
    gate = _Gate()
    lanes = [(seconds, contender) for seconds in durations for contender in contenders]
    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        futures = [
            pool.submit(_lane, seconds, contender, scale=scale, gate=gate) for seconds, contender in lanes
        ]
        runs = [run for future in futures for run in future.result()]
    return answer(runs, is_smoke=scale.is_smoke)


def answer(runs: Sequence[LinkRun], *, is_smoke: bool) -> QuestionResult:
    """Put the runs into a table. Pure."""
    rows = [
        _row(seconds, name, [run for run in runs if (run.service_seconds, run.contender) == (seconds, name)])
        for seconds in sorted({run.service_seconds for run in runs})
        for name in dict.fromkeys(run.contender for run in runs)
    ]
    return QuestionResult(
        question=NAME,
        title="One link: what is added to the service's own time",
        columns=[
            Column(key="service", heading="service's own, s", digits=1 if is_smoke else 0),
            Column(key="contender", heading="way"),
            Column(key="beyond", heading="beyond it, s"),
            Column(key="range", heading="range"),
            Column(key="late", heading="noticed late, s"),
            Column(key="cpu", heading="CPU s"),
            Column(key="requests", heading="requests", digits=0),
            Column(key="memory", heading="peak MB", digits=0),
        ],
        rows=rows,
        aims=_aims(rows),
        notes=[
            (
                "The stack takes a third of the service's own time, VMware the rest; both are real "
                "seconds. The account's AWS is the sandbox's; the AWS provider is the real one, which first "
                "asks for a stack's status after 10 s."
            ),
            (
                "At multiples of 30 s botocore's waiter, which looks every 30 s, is as lucky as it "
                "can be; 15 s "
                "later "
                "(45, 105, 315) it is where it is on average."
            ),
            (
                "All durations run at the same time, each in a sandbox of its own; a run begins only "
                "when the "
                "one before "
                f"it has asked for its stack. Links of more than {_LONGEST_REPEATED_SECONDS:.0f} s "
                "run once, the "
                "others are medians."
            ),
            "Making the Pulumi stack (`pulumi stack init`) is not in it: once a lab, about half a second.",
        ],
        runs=[{**dataclasses.asdict(run), "beyond_seconds": run.beyond_seconds} for run in runs],
    )


class _Gate:
    """Lets one in at a time, of those who wait the one with the longest link: it takes longest to end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[float] = []
        self._is_free = True

    @contextlib.contextmanager
    def passed(self, seconds: float) -> Iterator[None]:
        with self._changed:
            self._waiting.append(seconds)
            self._changed.wait_for(lambda: self._is_free and seconds == max(self._waiting))
            self._waiting.remove(seconds)
            self._is_free = False
        try:
            yield
        finally:
            with self._changed:
                self._is_free = True
                self._changed.notify_all()


def _lane(seconds: float, contender: Contender, *, scale: Scale, gate: _Gate) -> list[LinkRun]:
    """All repetitions of one contender at one duration, one after the other."""
    repetitions = scale.repetitions if seconds <= _LONGEST_REPEATED_SECONDS else 1
    modes = {"stack_seconds": seconds * _STACK_SHARE, "task_seconds": seconds}
    with gate.passed(seconds):
        stack = contextlib.ExitStack()
        sandbox = stack.enter_context(cloud(first_poll_seconds=scale.first_poll_seconds, **modes))
    with stack:
        return [_run(sandbox, seconds, contender, gate) for _ in range(repetitions)]


def _run(sandbox: Cloud, seconds: float, contender: Contender, gate: _Gate) -> LinkRun:
    with gate.passed(seconds):
        sandbox.new_round()
        (account,) = sandbox.new_accounts(1)
        environment = sandbox.process_environment(account.credentials)
        folder = REPOSITORY
        if contender.is_program:
            folder = link_project(sandbox.folder / account.number)
            prepare("stack", "init", f"lab-{account.number}", folder=folder, environment=environment)
        busy = load()
        running = Running(contender.command, environment=environment, folder=folder)
        _wait_until_quiet(running, sandbox)
    cost = running.finish()
    journal = sandbox.control.journal()
    requests: dict[str, int] = {}
    for entry in journal:
        requests[entry.service] = requests.get(entry.service, 0) + 1
    late = _noticed_late(sandbox, account)
    end_state.must_be_linked(sandbox, [account])
    return LinkRun(
        service_seconds=seconds,
        contender=contender.name,
        cost=cost,
        requests=requests,
        noticed_late_seconds=late,
        load=busy,
    )


def _wait_until_quiet(running: Running, sandbox: Cloud) -> None:
    """Until the run has asked for its stack, from where on it only waits."""
    deadline = time.monotonic() + _QUIET_SECONDS
    while running.is_running and time.monotonic() < deadline:
        if sandbox.control.journal(call="cloudformation.CreateStack"):
            return
        time.sleep(_POLL_SECONDS)


def _noticed_late(sandbox: Cloud, account: Account) -> float:
    (record,) = [one for one in sandbox.control.connected_accounts() if one.account_number == account.number]
    last_poll = sandbox.control.journal(call="list-connected-accounts")[-1]
    return (last_poll.at - record.updated).total_seconds()


def _row(seconds: float, name: str, runs: Sequence[LinkRun]) -> dict[str, Value]:
    def middle(of: Callable[[LinkRun], float]) -> float:
        return median([of(run) for run in runs])

    return {
        "service": seconds,
        "contender": name,
        "beyond": middle(lambda run: run.beyond_seconds),
        "range": spread([run.beyond_seconds for run in runs]),
        "late": middle(lambda run: run.noticed_late_seconds),
        "cpu": middle(lambda run: run.cost.cpu_seconds),
        "requests": middle(lambda run: float(sum(run.requests.values()))),
        "memory": middle(lambda run: run.cost.peak_pss_bytes / 1e6),
    }


def _aims(rows: Sequence[Row]) -> list[Aim]:
    aims = []
    for row in rows:
        if row["contender"] == SCRIPT.name:
            continue
        seconds, beyond, late = (_number(row, key) for key in ("service", "beyond", "late"))
        (script,) = [
            _number(one, "beyond")
            for one in rows
            if one["contender"] == SCRIPT.name and one["service"] == seconds
        ]
        aims.append(
            Aim(
                target=f"{seconds:g} s, `{row['contender']}`: less beyond the service's own than the script",
                came=f"{beyond:.1f} s, script {script:.1f} s",
                is_met=beyond < script,
            )
        )
        allowed = max(1.0, seconds / 10)
        aims.append(
            Aim(
                target=f"{seconds:g} s, `{row['contender']}`: noticed at most {allowed:g} s late",
                came=f"{late:.1f} s",
                is_met=late <= allowed,
            )
        )
    return aims


def _number(row: Row, key: str) -> float:
    value = row[key]
    if not isinstance(value, int | float):
        raise TypeError(f"{key} is {value!r}")
    return float(value)


def draw(axes: Axes, answer: QuestionResult) -> None:
    """Seconds beyond the service's own, by duration, a line a way."""
    for name in dict.fromkeys(row["contender"] for row in answer.rows):
        points = sorted(
            (_number(row, "service"), _number(row, "beyond"))
            for row in answer.rows
            if row["contender"] == name
        )
        axes.plot(*zip(*points, strict=True), marker="o", label=str(name))
    axes.set_xscale("log")
    ticks: Any = sorted({_number(row, "service") for row in answer.rows})
    axes.set_xticks(ticks, [f"{one:g}" for one in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("the service's own time, s")
    axes.set_ylabel("added to it, s")
    axes.legend()
