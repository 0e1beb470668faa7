"""The questions: who is compared by which command, and how each is asked."""

import concurrent.futures
import dataclasses
import functools
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import psutil

from bench.meter import REPOSITORY, CommandFailed, Cost, measure
from bench.stage import Account, Stage, stage
from sandbox.journal import Entry
from vmc_labs.fleet.sizing import CORES_FACTOR

LINK, UNCHANGED, FLEET, WAITING, PARTS = "link", "unchanged", "fleet", "waiting", "parts"
FRESH, EXPIRED, SMALLEST = "link", "link, its request expired", "smallest"
"""The programs in `unchanged`. Once a link request has expired, only the service can say whether it did its
work; before that nobody is asked."""
PHASES, IMPORTS = "phases", "imports"
"""What is looked at in `parts`."""
_CONTENDERS = REPOSITORY / "bench" / "contenders"

Prepare = Callable[[Stage, Sequence[Account]], Path]
"""Makes what a command needs for these accounts, and returns the folder to run it in."""


def _empty(on: Stage, accounts: Sequence[Account]) -> Path:  # noqa: ARG001
    return on.folder


def _link(on: Stage, accounts: Sequence[Account]) -> Path:
    return on.program(accounts[0])


def _smallest(on: Stage, accounts: Sequence[Account]) -> Path:
    return on.program(accounts[0], _CONTENDERS / "smallest.py")


def _loop(on: Stage, accounts: Sequence[Account]) -> Path:
    folder = on.project("loop")
    labs = [
        {"name": f"lab-{one.number}", "account_number": one.number, "environment": one.keys}
        for one in accounts
    ]
    (folder / "labs.json").write_text(json.dumps(labs), encoding="utf-8")
    return folder


def _labs(on: Stage, accounts: Sequence[Account]) -> Path:
    labs = [{"name": one.profile, "awsProfile": one.profile, "awsAccountId": one.number} for one in accounts]
    spec = {"event": "bench", "defaults": {"tags": {"owner": "workshop"}}, "labs": labs}
    # JSON is YAML.
    (on.folder / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return on.folder


@dataclasses.dataclass(frozen=True, slots=True)
class Contender:
    """One way to do what a question is about."""

    question: str
    name: str
    command: Sequence[str]
    prepare: Prepare = _link
    case: str = ""
    """Whom it is compared with: those of the same question and case."""
    sizes: Sequence[int] = ()
    """How many labs, a run each."""


def _script(name: str, *arguments: str) -> Sequence[str]:
    return ("python", str(_CONTENDERS / name), *arguments)


_PULUMI = ("pulumi", "--non-interactive", "--color", "never")
_UP = (*_PULUMI, "up", "--yes")
_LABS = ("vmc-labs", "up", "spec.yaml")
_EVERYDAY = {"preview": (*_PULUMI, "preview"), "up": _UP, "refresh": (*_PULUMI, "refresh", "--yes")}
THREADS = CORES_FACTOR * (os.cpu_count() or 1)
"""As many labs at a time as `vmc-labs up` has by default."""

TABLE = (
    Contender(LINK, "script", _script("script.py"), _empty),
    Contender(LINK, "up", _UP),
    Contender(LINK, "up --skip-preview", (*_UP, "--skip-preview")),
    *(
        Contender(UNCHANGED, name, command, prepare, case)
        for case, command in _EVERYDAY.items()
        for name, prepare in {FRESH: _link, EXPIRED: _link, SMALLEST: _smallest}.items()
    ),
    Contender(FLEET, "vmc-labs up", _LABS, _labs, sizes=(10, 10, 30, 100, 300)),
    Contender(FLEET, "loop", _script("loop.py", "labs.json"), _loop, sizes=(3,)),
    Contender(
        FLEET,
        f"loop in {THREADS} threads",
        _script("loop.py", "labs.json", str(THREADS)),
        _loop,
        sizes=(2 * THREADS,),
    ),
    Contender(WAITING, "vmc-labs up", (*_LABS, "--parallel", "64"), _labs, sizes=(1, 10, 64)),
    Contender(PARTS, "up --skip-preview", (*_UP, "--skip-preview")),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured command, or its imports alone."""

    question: str
    contender: str
    case: str = ""
    size: float
    """The service's own seconds in `link`, else how many labs."""
    cost: Cost
    requests: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Of VMware's services, by call; empty where contenders run side by side."""
    details: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Seconds of a part, or requests a minute."""

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Run":
        """A run, read back from `dataclasses.asdict`."""
        return cls(**{**wire, "cost": Cost(**wire["cost"])})


_STACK_SHARE = 1 / 3
"""Of the service's time: the CloudFormation stack is made first, then VMware does its part."""
_FREE_BYTES_A_LINK = 1_000_000_000
_SAMPLE_SECONDS = 1.0
"""Between two looks at a fleet's memory: each costs CPU for every process, for minutes."""
_PARTS_SAMPLE_SECONDS = 0.02
_CHANGES = {
    "request-link",
    "unlink",
    *(f"cloudformation.{act}Stack" for act in ("Create", "Update", "Delete")),
}


def _finish(
    one: Contender,
    on: Stage,
    accounts: Sequence[Account],
    *,
    sample_seconds: float = 0,
    folder: Path | None = None,
) -> Cost:
    """Run a contender for accounts; `folder` where it was prepared before."""
    folder = folder or one.prepare(on, accounts)
    keys = accounts[0].keys if len(accounts) == 1 else {}
    return measure(
        one.command, environment={**on.environment, **keys}, folder=folder, sample_seconds=sample_seconds
    )


def run_link(contenders: Sequence[Contender], *, is_trial: bool) -> Iterator[Run]:
    """Thirty draws of the service's time, every contender at each, side by side, in real seconds.

    A run works at its beginning and at its end, so the next one begins only when the one before it has
    requested its stack; and long ones begin in turn with short ones, each kind the longest first: so their
    ends are spread too, and all is over soon after the longest.
    """
    draws = random.Random(18)  # noqa: S311 - the same draws each time
    ordered = sorted((draws.uniform(5, 330) for _ in range(30)), reverse=True)
    seconds = [0.01] if is_trial else list(chain(*zip(ordered[:15], ordered[15:], strict=True)))
    plan = [(service, one) for service in seconds for one in contenders]
    with (
        stage(len(plan), is_trial=is_trial) as on,
        concurrent.futures.ThreadPoolExecutor(len(plan)) as pool,
    ):
        running: list[concurrent.futures.Future[Cost]] = []
        for (service, one), account in zip(plan, on.accounts, strict=True):
            _until(lambda: psutil.virtual_memory().available > _FREE_BYTES_A_LINK)
            folder = one.prepare(on, [account])
            on.control.set_modes(stack_seconds=service * _STACK_SHARE, task_seconds=service)
            running.append(pool.submit(_finish, one, on, [account], folder=folder))
            _until(
                lambda: running[-1].done() or sum(link.runs for link in on.control.links()) == len(running)
            )
        costs = [future.result() for future in running]
        on.must_be_linked(on.accounts)
    for (service, one), cost in zip(plan, costs, strict=True):
        yield Run(question=LINK, contender=one.name, size=service, cost=cost)


def run_unchanged(contenders: Sequence[Contender], *, is_trial: bool) -> Iterator[Run]:
    """Two links and the smallest program, made beforehand; then each command of all three in turn."""
    first = {one.name: one for one in reversed(contenders)}
    expires_seconds = 3.0 if is_trial else 20.0
    with stage(len(first), is_trial=is_trial, stack_seconds=1.0, task_seconds=1.0) as on:
        accounts, folders = dict(zip(first, on.accounts, strict=True)), {}
        for name, one in first.items():
            on.control.set_modes(link_lifetime_seconds=expires_seconds if name == EXPIRED else 1800.0)
            folders[name] = one.prepare(on, [accounts[name]])
            on.pulumi("up", "--yes", folder=folders[name], account=accounts[name])
        time.sleep(expires_seconds)
        for _ in range(1 if is_trial else 3):
            for one in contenders[: len(first)] if is_trial else contenders:
                on.control.clear_journal()
                cost = _finish(one, on, [accounts[one.name]], folder=folders[one.name])
                if changed := {entry.call for entry in on.control.journal()} & _CHANGES:
                    raise CommandFailed(f"{one.name} {one.case} changed something: {changed}")
                yield Run(
                    question=UNCHANGED, contender=one.name, case=one.case, size=1, cost=cost,
                    requests=on.requests_by_call(),
                )  # fmt: skip
        on.must_be_linked([accounts[name] for name in first if name != SMALLEST])


def run_fleet(contenders: Sequence[Contender], *, is_trial: bool) -> Iterator[Run]:
    """Every fleet in a sandbox of its own, the small ones first."""
    runs = [(size, one) for one in contenders for size in ((1,) if is_trial else one.sizes)]
    stack_seconds, task_seconds = (0.3, 0.5) if is_trial else (3.0, 5.0)
    for labs, one in sorted(runs, key=lambda run: run[0]):
        with stage(labs, is_trial=is_trial, stack_seconds=stack_seconds, task_seconds=task_seconds) as on:
            cost = _finish(one, on, on.accounts, sample_seconds=_SAMPLE_SECONDS)
            on.must_be_linked(on.accounts)
            requests = on.requests_by_call()
        yield Run(question=FLEET, contender=one.name, size=labs, cost=cost, requests=requests)


def run_waiting(contenders: Sequence[Contender], *, is_trial: bool) -> Iterator[Run]:
    """Fleets that wait, side by side: nothing but their requests is looked at."""
    (one,) = contenders
    with concurrent.futures.ThreadPoolExecutor() as pool:
        yield from pool.map(functools.partial(_wait, one, is_trial=is_trial), (1,) if is_trial else one.sizes)


def _wait(one: Contender, labs: int, *, is_trial: bool) -> Run:
    seconds, settle, window = (10.0, 1.0, 3.0) if is_trial else (270.0, 45.0, 60.0)
    with stage(labs, is_trial=is_trial, stack_seconds=1.0, task_seconds=seconds) as on:
        cost = _finish(one, on, on.accounts)
        on.must_be_linked(on.accounts)
        made = [entry.monotonic for entry in on.control.journal(call="cloudformation.CreateStack")]
        begin = max(made) + settle
        if begin + window > min(made) + seconds:
            raise CommandFailed(f"the first of {labs} labs had its link before all had waited for {window} s")
        requests = on.requests_by_call(begin, begin + window)
    rates = {call: count * 60 / window for call, count in requests.items()}
    return Run(question=WAITING, contender=one.name, size=labs, cost=cost, details=rates)


def run_parts(contenders: Sequence[Contender], *, is_trial: bool) -> Iterator[Run]:
    """An `up` of a new link, looked at closely; then what its two Python processes import."""
    (one,) = contenders
    times = 1 if is_trial else 3
    with stage(times, is_trial=is_trial, stack_seconds=1.0, task_seconds=1.0) as on:
        for account in on.accounts:
            folder = one.prepare(on, [account])
            on.control.clear_journal()
            begun = time.monotonic()
            cost = _finish(one, on, [account], sample_seconds=_PARTS_SAMPLE_SECONDS, folder=folder)
            phases = _phases(on.control.journal(), begun, begun + cost.wall_seconds)
            yield Run(question=PARTS, contender=one.name, case=PHASES, size=1, cost=cost, details=phases)
        on.must_be_linked(on.accounts)
        for process, statement in _IMPORTED.items():
            command = ["python", "-X", "importtime", "-c", statement]
            printed = on.folder / "imports"
            for _ in range(times):
                cost = measure(command, environment=on.environment, folder=on.folder, output=printed)
                imports = import_seconds(printed.read_text("utf-8"))
                yield Run(question=PARTS, contender=process, case=IMPORTS, size=1, cost=cost, details=imports)


_IMPORTED = {
    "program": "import vmc_account_link; vmc_account_link.AccountLink",
    # Not `pulumi.dynamic.__main__`, which serves as soon as it is imported.
    "dynamic provider": "import pulumi.dynamic; from vmc_account_link import link_request, connection_wait",
}
"""What our two processes load before they do anything."""
_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| \s*([\w.]+)")


def _phases(journal: Sequence[Entry], begun: float, ended: float) -> dict[str, float]:
    """Seconds of wall time by what was done."""

    def at(call: str, location: int) -> float:
        return [entry.monotonic for entry in journal if entry.call == call][location]

    moments = {
        "until the first request": journal[0].monotonic,
        "until the link is requested": at("request-link", 0),
        "until CreateStack": at("cloudformation.CreateStack", 0),
        "until the AWS provider sees the stack complete": at("cloudformation.DescribeStacks", -1),
        "until the account is seen ACTIVE": at("list-connected-accounts", -1),
        "until the end": ended,
    }
    starts = [begun, *moments.values()]
    return {name: end - start for (name, end), start in zip(moments.items(), starts, strict=False)}


def import_seconds(importtime: str) -> dict[str, float]:
    """Add up what `-X importtime` printed: own seconds by top-level package, the standard library as one."""
    totals: dict[str, float] = {}
    for own, module in _IMPORT_LINE.findall(importtime):
        top = module.partition(".")[0]
        name = "standard library" if top in sys.stdlib_module_names else top
        totals[name] = totals.get(name, 0.0) + int(own) / 1e6
    return totals


def _until(happened: Callable[[], bool], longest_seconds: float = 300.0) -> None:
    deadline = time.monotonic() + longest_seconds
    while not happened():
        if time.monotonic() > deadline:
            raise CommandFailed(f"nothing happened for {longest_seconds:.0f} s")
        time.sleep(0.2)


QUESTIONS: Mapping[str, Callable[..., Iterator[Run]]] = {
    # These two first: what they import is compiled then, and one run among several does not count for much.
    PARTS: run_parts,
    UNCHANGED: run_unchanged,
    LINK: run_link,
    FLEET: run_fleet,
    WAITING: run_waiting,
}
