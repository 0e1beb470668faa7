"""5. What labs cost that only wait for their account: requests and CPU a minute.

A whole `pulumi up` is measured while it waits. A thousand of those do not fit on a machine (each has
three processes), so many labs are measured as what they do while they wait: the package's own waiting loop,
each for itself, or all together as those of a fleet's driver do.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes

from bench import end_state
from bench.cloud import REPOSITORY, Cloud, cloud
from bench.measure import CommandFailed, Running, python
from bench.project import link_project, prepare, pulumi
from bench.question_result import Aim, Column, QuestionResult, Row
from bench.scale import Scale

NAME = "waiting"
_SIZES = (1, 100, 1000)
_SECONDS = 20.0
_SMOKE_SECONDS = 2.0
_START_SECONDS = 180.0
_UP = "`pulumi up`, the whole of it"
_EACH = "waiting loops, each asking for itself"
_SHARED = "waiting loops of one driver, reading together"
_FLAT_FACTOR = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """So many labs, waiting for a while."""

    way: str
    labs: int
    seconds: float
    requests: int
    cpu_seconds: float

    @property
    def requests_a_minute(self) -> float:
        """Of all labs together."""
        return self.requests * 60 / self.seconds

    @property
    def cpu_seconds_a_minute(self) -> float:
        """Of all labs together."""
        return self.cpu_seconds * 60 / self.seconds


def ask(scale: Scale) -> QuestionResult:
    """Let labs wait that never get their account within the time."""
    seconds = _SMOKE_SECONDS if scale.is_smoke else _SECONDS
    with cloud(first_poll_seconds=scale.first_poll_seconds, stack_seconds=0.0, task_outcome="never") as box:
        waits = [] if scale.is_smoke else [_up(box, seconds)]
        for labs in (1,) if scale.is_smoke else _SIZES:
            waits += [_loops(box, labs, way, seconds) for way in ("each", "shared")]
    return answer(waits)


def answer(waits: Sequence[Wait]) -> QuestionResult:
    """Put the waits into a table. Pure."""
    rows: list[Row] = [
        {
            "way": one.way,
            "labs": one.labs,
            "requests": one.requests_a_minute,
            "each": one.requests_a_minute / one.labs,
            "cpu": one.cpu_seconds_a_minute,
        }
        for one in waits
    ]
    return QuestionResult(
        question=NAME,
        title=f"Waiting for the account: the first {_SECONDS:.0f} seconds",
        columns=[
            Column(key="way", heading="way"),
            Column(key="labs", heading="labs", digits=0),
            Column(key="requests", heading="requests a minute", digits=0),
            Column(key="each", heading="a lab", digits=2),
            Column(key="cpu", heading="CPU s a minute", digits=2),
        ],
        rows=rows,
        aims=_aims(waits),
        notes=[
            (
                f"The first {_SECONDS:.0f} seconds of a wait, as a rate; in them a lab looks most often "
                "(every 0.9 s, then every 9 % of the time so far, 5 s at most); all labs begin at the same "
                "moment, which is the worst case."
            ),
            (
                "Waiting loops are what a lab does while it waits, without the engine's processes, which "
                "sleep meanwhile; a thousand whole `pulumi up` would need more memory than a machine has."
            ),
            (
                "The sandbox answers a few hundred requests a second: a thousand loops that ask for "
                "themselves are held back by it, and would send more to a faster service."
            ),
        ],
        runs=[dataclasses.asdict(one) for one in waits],
    )


def _aims(waits: Sequence[Wait]) -> list[Aim]:
    shared = {one.labs: one.requests_a_minute for one in waits if one.way == _SHARED}
    if len(shared) < 2:
        return []
    few, many = sorted(shared)[-2:]
    return [
        Aim(
            target=(
                f"requests of {many:,} labs reading together at most {_FLAT_FACTOR:g} x those of {few:,}"
            ),
            came=f"{shared[many] / shared[few]:.2f} x",
            is_met=shared[many] <= _FLAT_FACTOR * shared[few],
        )
    ]


def _up(sandbox: Cloud, seconds: float) -> Wait:
    """A real `pulumi up`, looked at from its first look at the list on."""
    sandbox.new_round()
    (account,) = sandbox.new_accounts(1)
    environment = sandbox.process_environment(account.credentials)
    folder = link_project(sandbox.folder / account.number)
    prepare("stack", "init", f"lab-{account.number}", folder=folder, environment=environment)
    running = Running(pulumi("up", "--yes", "--skip-preview"), environment=environment, folder=folder)

    def waits() -> bool:
        journal = [one.call for one in sandbox.control.journal()]
        created = "cloudformation.CreateStack" in journal
        return created and "list-connected-accounts" in journal[journal.index("cloudformation.CreateStack") :]

    try:
        _until(waits, running)
        sandbox.control.clear_journal()
        before = running.cpu_seconds_so_far()
        time.sleep(seconds)
        cpu, requests = running.cpu_seconds_so_far() - before, len(sandbox.control.journal())
        sandbox.control.seed_account(account.number, cf_stack_name=end_state.STACK_NAME)
    except BaseException:
        running.end()
        raise
    running.finish()
    end_state.must_be_linked(sandbox, [account], links_requested=0)
    return Wait(way=_UP, labs=1, seconds=seconds, requests=requests, cpu_seconds=cpu)


def _loops(sandbox: Cloud, labs: int, way: str, seconds: float) -> Wait:
    sandbox.new_round()
    running = Running(
        python("-m", "bench.contenders.waiters", str(labs), way, str(seconds)),
        environment=sandbox.process_environment(),
        folder=REPOSITORY,
    )
    running.finish()
    result: Any = json.loads(running.output().splitlines()[-1])
    if result["waited_to_the_end"] != labs:
        raise CommandFailed(f"{labs - result['waited_to_the_end']} of {labs} labs gave up waiting")
    return Wait(
        way=_EACH if way == "each" else _SHARED,
        labs=labs,
        seconds=seconds,
        # The links were asked for before the wait.
        requests=sum(one.call != "request-link" for one in sandbox.control.journal()),
        cpu_seconds=result["cpu_seconds"],
    )


def _until(happened: Callable[[], bool], running: Running) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not happened():
        if not running.is_running or time.monotonic() > deadline:
            running.finish(timeout_seconds=1)
            raise CommandFailed(f"it did not come to wait:\n{running.output()[-2000:]}")
        time.sleep(0.2)


def draw(axes: Axes, answer: QuestionResult) -> None:
    """Requests a minute by the number of labs, a line a way."""
    for way in (_EACH, _SHARED):
        points = sorted((row["labs"], row["requests"]) for row in answer.rows if row["way"] == way)
        axes.plot(*zip(*points, strict=True), marker="o", label=way)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("labs that wait")
    axes.set_ylabel("requests a minute, of all")
    axes.legend()
