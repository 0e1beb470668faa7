"""3. A workshop of labs: `labs up` beside the loops that people write."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from bench import end_state
from bench.cloud import REPOSITORY, Account, Cloud, cloud
from bench.measure import Measurement, measure, python
from bench.project import link_project
from bench.question_result import Aim, Column, QuestionResult, Row, Value, median, spread
from bench.scale import Scale
from vmc_labs.fleet.sizing import CORES_FACTOR

NAME = "fleet"
_TARGET_FACTOR = 3
_TARGET_FLATNESS = 0.1
_SAMPLE_SECONDS = 1.0
"""Between two looks at the processes' memory: each costs CPU for every process, for minutes."""
_THREADS = CORES_FACTOR * (os.cpu_count() or 1)
"""Of the thread pool: as many labs at a time as `labs up` has."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to raise labs."""

    name: str
    prepare: Callable[[Cloud, Sequence[Account], Path], Sequence[str]]
    """Writes what the way needs into a folder and returns the command."""
    sizes: Sequence[int]
    """How many labs it raises; a way whose time a lab does not fall with their number stops early."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """One measured fleet."""

    contender: str
    labs: int
    cost: Measurement
    requests: Mapping[str, int]

    @property
    def cpu_seconds_a_lab(self) -> float:
        """All processes, divided by the labs."""
        return self.cost.cpu_seconds / self.labs


def _shell_loop(_cloud: Cloud, accounts: Sequence[Account], folder: Path) -> Sequence[str]:
    link_project(folder)
    lines = [" ".join([f"lab-{one.number}", one.number, *one.credentials.values()]) for one in accounts]
    (folder / "labs").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copy(REPOSITORY / "bench" / "contenders" / "shell_loop.sh", folder / "loop.sh")
    return [str(folder / "loop.sh"), "labs"]


def _automation_loop(
    _cloud: Cloud, accounts: Sequence[Account], folder: Path, *, threads: int | None = None
) -> Sequence[str]:
    link_project(folder)
    labs = [
        {"stack": f"lab-{one.number}", "account_number": one.number, "environment": dict(one.credentials)}
        for one in accounts
    ]
    (folder / "labs.json").write_text(json.dumps(labs), encoding="utf-8")
    return [
        *python("-m", "bench.contenders.automation_loop", str(folder), str(folder / "labs.json")),
        *([str(threads)] if threads else []),
    ]


def _automation_pool(sandbox: Cloud, accounts: Sequence[Account], folder: Path) -> Sequence[str]:
    return _automation_loop(sandbox, accounts, folder, threads=_THREADS)


def _labs_up(sandbox: Cloud, accounts: Sequence[Account], folder: Path) -> Sequence[str]:
    folder.mkdir(parents=True)
    labs = [
        {
            "name": f"lab-{one.number}",
            "roleArn": f"arn:aws:iam::{one.number}:role/lab",
            "awsAccountId": one.number,
        }
        for one in accounts
    ]
    spec = {
        "event": f"bench-{accounts[0].number}",
        "vmc": {"orgId": sandbox.environment["ORG_ID"]},
        "defaults": {"tags": {"owner": "workshop"}},
        "labs": labs,
    }
    # JSON is YAML.
    (folder / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return python("-m", "vmc_labs", "up", str(folder / "spec.yaml"))


SHELL = Contender(name="shell loop of `pulumi up`", prepare=_shell_loop, sizes=(5,))
TEXTBOOK = Contender(name="textbook loop", prepare=_automation_loop, sizes=(5,))
POOL = Contender(name=f"textbook loop, {_THREADS} threads", prepare=_automation_pool, sizes=(10,))
LABS_UP = Contender(name="`labs up`", prepare=_labs_up, sizes=(10, 30, 100, 300))
CONTENDERS = (LABS_UP, SHELL, TEXTBOOK, POOL)


def ask(scale: Scale) -> QuestionResult:
    """Raise every fleet, the small ones of all contenders first and in turn."""
    with cloud(first_poll_seconds=scale.first_poll_seconds, stack_seconds=3.0, task_seconds=5.0) as sandbox:
        sizes = [1] if scale.is_smoke else sorted({size for one in CONTENDERS for size in one.sizes})
        runs = [
            _run(sandbox, contender, size)
            for size in sizes
            for contender in CONTENDERS
            if scale.is_smoke or size in contender.sizes
        ]
    return answer(runs)


def _run(sandbox: Cloud, contender: Contender, size: int) -> FleetRun:
    sandbox.new_round()
    accounts = sandbox.new_accounts(size)
    folder = sandbox.folder / f"fleet-{accounts[0].number}"
    command = contender.prepare(sandbox, accounts, folder)
    # What is started as a module of this repository is found from here.
    where = REPOSITORY if "-m" in command else folder
    sandbox.control.clear_journal()
    # What an earlier bench has left in this user's folder must not change what is measured.
    environment = sandbox.process_environment({"XDG_STATE_HOME": str(folder / "state")})
    cost = measure(command, environment=environment, folder=where, sample_seconds=_SAMPLE_SECONDS)
    requests: dict[str, int] = {}
    for entry in sandbox.control.journal():
        requests[entry.service] = requests.get(entry.service, 0) + 1
    end_state.must_be_linked(sandbox, accounts)
    return FleetRun(contender=contender.name, labs=size, cost=cost, requests=requests)


def answer(runs: Sequence[FleetRun]) -> QuestionResult:
    """Put the runs into a table. Pure."""
    rows: list[Row] = [
        _row([run for run in runs if (run.contender, run.labs) == key])
        for key in dict.fromkeys((run.contender, run.labs) for run in runs)
    ]
    return QuestionResult(
        question=NAME,
        title="A workshop: what a lab costs when many are raised",
        columns=[
            Column(key="contender", heading="way"),
            Column(key="labs", heading="labs", digits=0),
            Column(key="rate", heading="labs a minute"),
            Column(key="cpu", heading="CPU s a lab", digits=2),
            Column(key="range", heading="range"),
            Column(key="memory", heading="peak MB", digits=0),
            Column(key="processes", heading="most processes", digits=0),
            Column(key="requests", heading="requests a lab"),
            Column(key="vmc", heading="of them VMC and CSP"),
        ],
        rows=rows,
        aims=_aims(runs),
        notes=[
            (
                "Each lab in an AWS account of its own; a stack takes 3 s and VMware's side 5 s, and the AWS "
                "provider first asks for a stack's status after 10 s. Making the Pulumi "
                "stacks and reading the outputs is in it."
            ),
            (
                "The loops cost the same CPU for every lab, however many there are, and their time grows in "
                "proportion, so they were measured at 5 and 10 labs and not extrapolated."
            ),
            "A few labs share the driver's own start between them (about 1 s of CPU), many hardly notice it.",
            "The sandbox is in none of the figures, but it shares the cores.",
        ],
        runs=[dataclasses.asdict(run) for run in runs],
    )


def _aims(runs: Sequence[FleetRun]) -> list[Aim]:
    def by_size(name: str) -> dict[int, float]:
        sizes = sorted({run.labs for run in runs if run.contender == name})
        return {
            size: median([r.cpu_seconds_a_lab for r in runs if (r.contender, r.labs) == (name, size)])
            for size in sizes
        }

    ours = by_size(LABS_UP.name)
    aims = [
        Aim(
            target=f"{labs} labs: at least {_TARGET_FACTOR} x less CPU a lab than the {loop} ({size})",
            came=f"{theirs / cpu:.1f} x less",
            is_met=theirs / cpu >= _TARGET_FACTOR,
        )
        for loop in (TEXTBOOK.name, POOL.name)
        for size, theirs in by_size(loop).items()
        for labs, cpu in ours.items()
    ]
    sizes = list(ours)
    if len(sizes) > 1:
        few, many = ours[sizes[0]], ours[sizes[-1]]
        aims.append(
            Aim(
                target=f"CPU a lab at {sizes[-1]} labs within {_TARGET_FLATNESS:.0%} of that at {sizes[0]}",
                came=f"{many / few - 1:+.0%}",
                is_met=abs(many / few - 1) <= _TARGET_FLATNESS,
            )
        )
    return aims


def _row(runs: Sequence[FleetRun]) -> dict[str, Value]:
    labs = runs[0].labs
    cpu = [run.cpu_seconds_a_lab for run in runs]
    return {
        "contender": runs[0].contender,
        "labs": labs,
        "rate": median([60 * labs / run.cost.wall_seconds for run in runs]),
        "cpu": median(cpu),
        "range": spread(cpu, 2),
        "memory": median([run.cost.peak_pss_bytes / 1e6 for run in runs]),
        "processes": median([float(run.cost.most_processes) for run in runs]),
        "requests": median([sum(run.requests.values()) / labs for run in runs]),
        "vmc": median([(sum(run.requests.values()) - run.requests.get("aws", 0)) / labs for run in runs]),
    }


def draw(axes: Axes, answer: QuestionResult) -> None:
    """CPU seconds a lab, by the number of labs, a line a way."""
    for name in dict.fromkeys(row["contender"] for row in answer.rows):
        points = sorted((row["labs"], row["cpu"]) for row in answer.rows if row["contender"] == name)
        axes.plot(*zip(*points, strict=True), marker="o", label=str(name))
    axes.set_xscale("log")
    ticks: Any = sorted({row["labs"] for row in answer.rows})
    axes.set_xticks(ticks, [str(one) for one in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("labs")
    axes.set_ylabel("CPU s a lab")
    axes.legend()
