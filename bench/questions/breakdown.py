"""4. Where one `up` goes: by process, by stretch of time, and for our own processes by import."""

import dataclasses
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from bench import end_state, roles
from bench.cloud import REPOSITORY, Cloud, cloud
from bench.measure import CommandFailed, Measurement, Running, python
from bench.project import link_project, prepare, pulumi
from bench.question_result import Column, QuestionResult, Row, median
from bench.scale import Scale
from sandbox.journal import Entry

NAME = "breakdown"
_SAMPLE_SECONDS = 0.02
_WHOSE = {
    roles.CLI: "engine",
    roles.LANGUAGE_HOST: "engine",
    roles.PIP_LIST: "engine",
    roles.PROGRAM: "engine's SDK, AWS's SDK, ours",
    roles.DYNAMIC_PROVIDER: "engine's SDK, ours",
    roles.AWS_PLUGIN: "AWS provider (one resource of it)",
}
_IMPORTED = {
    "program": "import vmc_account_link; vmc_account_link.AccountLink",
    "dynamic provider": (
        # Not `pulumi.dynamic.__main__`, which serves as soon as it is imported.
        "import pulumi.dynamic, vmc_account_link.link_request, vmc_account_link.connected_account"
    ),
}
"""What our two processes load before they do anything."""
_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| \s*([\w.]+)")
_SHOWN_PACKAGES = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """One `up` of a new link, looked at closely."""

    cost: Measurement
    stretches: Mapping[str, float]
    """Seconds of wall time by what was done."""


def ask(scale: Scale) -> QuestionResult:
    """Run `up`, then the imports alone."""
    with cloud(first_poll_seconds=scale.first_poll_seconds, stack_seconds=1.0, task_seconds=1.0) as sandbox:
        ups = [_up(sandbox) for _ in range(scale.repetitions)]
    imports = {
        process: [_import_seconds(statement) for _ in range(scale.repetitions)]
        for process, statement in _IMPORTED.items()
    }
    return answer(ups, imports)


def answer(ups: Sequence[Up], imports: Mapping[str, Sequence[Mapping[str, float]]]) -> QuestionResult:
    """Put processes, stretches and imports into one table. Pure."""
    total = median([up.cost.cpu_seconds for up in ups])
    by_role = {
        role: median([up.cost.cpu_seconds_by_role.get(role, 0.0) for up in ups])
        for role in {role for up in ups for role in up.cost.cpu_seconds_by_role}
    }
    rows: list[Row] = [
        {
            "of": "CPU by process",
            "part": role,
            "seconds": seconds,
            "share": _percent(seconds, total),
            "whose": _WHOSE.get(role, ""),
        }
        for role, seconds in sorted(by_role.items(), key=lambda item: -item[1])
    ]
    rest = total - sum(by_role.values())
    rows.append(
        {
            "of": "CPU by process",
            "part": "between two looks",
            "seconds": rest,
            "share": _percent(rest, total),
            "whose": "",
        }
    )
    wall = median([up.cost.wall_seconds for up in ups])
    for stretch in ups[0].stretches:
        seconds = median([up.stretches[stretch] for up in ups])
        rows.append(
            {
                "of": "wall time",
                "part": stretch,
                "seconds": seconds,
                "share": _percent(seconds, wall),
                "whose": _STRETCHES[stretch],
            }
        )
    for process, found in imports.items():
        rows += _import_rows(process, found)
    return QuestionResult(
        question=NAME,
        title="Where one `up` goes",
        columns=[
            Column(key="of", heading="of"),
            Column(key="part", heading="part"),
            Column(key="seconds", heading="s", digits=3),
            Column(key="share", heading="share"),
            Column(key="whose", heading="whose"),
        ],
        rows=rows,
        aims=[],
        notes=[
            (
                "`pulumi up --yes --skip-preview` of a new link. By process: what was last seen of each, 50 "
                "times a second; "
                "the total is the kernel's."
            ),
            (
                "Imports: each package's own time by `-X importtime`, standard library together, in "
                "a process "
                "that does "
                "nothing else."
            ),
        ],
        runs=[dataclasses.asdict(up) for up in ups],
    )


def _up(sandbox: Cloud) -> Up:
    sandbox.new_round()
    (account,) = sandbox.new_accounts(1)
    environment = sandbox.process_environment(account.credentials)
    folder = link_project(sandbox.folder / account.number)
    prepare("stack", "init", f"lab-{account.number}", folder=folder, environment=environment)
    sandbox.control.clear_journal()
    started = sandbox.control.now()
    running = Running(
        pulumi("up", "--yes", "--skip-preview"),
        environment=environment,
        folder=folder,
        sample_seconds=_SAMPLE_SECONDS,
    )
    cost = running.finish()
    journal = sandbox.control.journal()
    end_state.must_be_linked(sandbox, [account])
    moments = [started.timestamp(), *_moments(journal), started.timestamp() + cost.wall_seconds]
    stretches = {
        name: end - begin for name, begin, end in zip(_STRETCHES, moments[:-1], moments[1:], strict=True)
    }
    return Up(cost=cost, stretches=stretches)


_STRETCHES = {
    "until the first request": "engine, SDKs, ours",
    "until the link is asked for": "ours, engine",
    "until the stack is asked for": "ours, engine",
    "until the plugin sees the stack complete": "AWS, AWS plugin",
    "until the account is seen connected": "VMware, ours",
    "until the end": "engine",
}


def _moments(journal: Sequence[Entry]) -> list[float]:
    """When one stretch ends and the next begins."""

    def of(call: str, location: int) -> float:
        return [one.at.timestamp() for one in journal if one.call == call][location]

    return [
        journal[0].at.timestamp(),
        of("request-link", 0),
        of("cloudformation.CreateStack", 0),
        of("cloudformation.DescribeStacks", -1),
        of("list-connected-accounts", -1),
    ]


def _import_seconds(statement: str) -> dict[str, float]:
    """Top-level package -> seconds of its own modules."""
    done = subprocess.run(
        python("-X", "importtime", "-c", statement),
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        timeout=60,
    )
    if done.returncode != 0:
        raise CommandFailed(done.stderr[-500:])
    return packages(done.stderr)


def packages(importtime: str) -> dict[str, float]:
    """Add up what `-X importtime` printed: seconds by top-level package, the standard library as one."""
    import sys  # noqa: PLC0415

    totals: defaultdict[str, float] = defaultdict(float)
    for own, _, module in _IMPORT_LINE.findall(importtime):
        top = module.partition(".")[0]
        totals["standard library" if top in sys.stdlib_module_names else top] += int(own) / 1e6
    return dict(totals)


def _import_rows(process: str, found: Sequence[Mapping[str, float]]) -> list[Row]:
    middles = {name: median([one.get(name, 0.0) for one in found]) for name in found[0]}
    total = sum(middles.values())
    largest = sorted(middles.items(), key=lambda item: -item[1])
    shown = largest[:_SHOWN_PACKAGES]
    rest = total - sum(seconds for _, seconds in shown)
    named: list[tuple[str, float]] = [*shown, (f"{len(largest) - len(shown)} others", rest)]
    return [
        {
            "of": f"imports of the {process}",
            "part": name,
            "seconds": seconds,
            "share": _percent(seconds, total),
            "whose": "",
        }
        for name, seconds in named
    ]


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def draw(axes: Axes, answer: QuestionResult) -> None:
    """CPU seconds by process."""
    rows = [row for row in answer.rows if row["of"] == "CPU by process"][::-1]
    heights: Any = [row["seconds"] for row in rows]
    axes.barh([str(row["part"]) for row in rows], heights)
    axes.set_xlabel("CPU s")
