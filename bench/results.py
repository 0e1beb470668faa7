"""What the runs of a question say: a table, aims beside figures, a plot, a sentence. Pure."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.questions import (
    EXPIRED,
    FLEET,
    FRESH,
    IMPORTS,
    LINK,
    PARTS,
    PHASES,
    SMALLEST,
    UNCHANGED,
    WAITING,
    Run,
)

Cell = str | float
Series = Mapping[str, Mapping[Any, float]]
"""Name -> where on the x axis (words: bars; numbers: points) -> how high."""


@dataclasses.dataclass(frozen=True, slots=True)
class Aim:
    """The limit that a figure should keep, and what came."""

    what: str
    limit: float
    came: float
    at_least: bool = False
    """False: at most."""

    @property
    def is_met(self) -> bool:
        """Whether it kept the limit."""
        return self.came >= self.limit if self.at_least else self.came <= self.limit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """All that one question's runs say."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    aims: Sequence[Aim]
    series: Series
    axes: tuple[str, str]
    scale: str = "linear"
    """Of the x axis."""
    sentence: str
    """For the README."""


def _link(runs: Sequence[Run]) -> QuestionResult:
    late = {
        name: {run.size: run.cost.wall_seconds - run.size for run in of}
        for name, of in _by_name(runs).items()
    }
    rows, aims, quoted = [], [], {}
    for name, of in late.items():
        values = list(of.values())
        mean, worst = statistics.mean(values), max(values)
        cpu = _median([run for run in runs if run.contender == name], lambda run: run.cost.cpu_seconds)
        rows.append((name, len(values), mean, statistics.median(values), min(values), worst, cpu))
        quoted[name] = f"{mean:.1f} s (at most {worst:.1f} s)"
        if name != "script":
            limit = 3.5 if "skip" in name else 5
            aims += [Aim(f"{name}: mean, s", limit, mean), Aim(f"{name}: worst, s", 11, worst)]
    return QuestionResult(
        headings=("way", "draws", "mean, s", "median, s", "best, s", "worst, s", "CPU s"),
        rows=rows,
        aims=aims,
        series=late,
        axes=("the service's own time, s", "wall time beyond it, s"),
        sentence=(
            f"**One link**: `pulumi up` ends {quoted['up']} after the service is done, with `--skip-preview` "
            f"{quoted['up --skip-preview']}, a script with botocore's waiter {quoted['script']}."
        ),
    )


def _unchanged(runs: Sequence[Run]) -> QuestionResult:
    rows: list[Sequence[Cell]] = []
    aims: list[Aim] = []
    cpu: dict[str, dict[str, float]] = {}
    ratios: dict[str, list[str]] = {FRESH: [], EXPIRED: []}
    for case, of_case in _by(runs, lambda run: run.case).items():
        programs = _by_name(of_case)
        for name, of in programs.items():
            wall, requests = _median(of, lambda run: run.cost.wall_seconds), _median(of, _requests)
            cpu.setdefault(name, {})[case] = _median(of, lambda run: run.cost.cpu_seconds)
            rows.append((case, name, wall, cpu[name][case], requests))
        for name, quoted in ratios.items():
            pairs = [
                (ours.cost, theirs.cost)
                for ours, theirs in zip(programs[name], programs[SMALLEST], strict=True)
            ]
            walls = statistics.median(ours.wall_seconds / theirs.wall_seconds for ours, theirs in pairs)
            cpus = statistics.median(ours.cpu_seconds / theirs.cpu_seconds for ours, theirs in pairs)
            quoted.append(f"{cpus:.2f} ({case})")
            aims += [
                Aim(f"{case}, {name}: wall time, times the smallest", 1.1, walls),
                Aim(f"{case}, {name}: CPU, times the smallest", 1.1, cpus),
                Aim(f"{case}, {name}: requests to VMware", 0, _median(programs[name], _requests)),
            ]
    return QuestionResult(
        headings=("command", "program", "wall s", "CPU s", "requests to VMware"),
        rows=rows,
        aims=aims,
        series=cpu,
        axes=("", "CPU s"),
        sentence=(
            f"**Where nothing changed**: {', '.join(ratios[FRESH])} times the CPU of the smallest program "
            f"with the same kinds of resources; once its request has expired {', '.join(ratios[EXPIRED])}."
        ),
    )


def _fleet(runs: Sequence[Run]) -> QuestionResult:
    groups = _by(sorted(runs, key=lambda run: run.size), lambda run: (run.contender, run.size))
    rate = {key: _median(of, lambda run: 60 * run.size / run.cost.wall_seconds) for key, of in groups.items()}
    cpu = {key: _median(of, lambda run: run.cost.cpu_seconds / run.size) for key, of in groups.items()}
    memory = {key: _median(of, lambda run: run.cost.peak_bytes / 1e6) for key, of in groups.items()}
    engines = {key: _median(of, lambda run: max(1, run.cost.engines)) for key, of in groups.items()}
    requests = {key: _median(of, lambda run: _requests(run) / run.size) for key, of in groups.items()}
    each = {key: memory[key] / engines[key] for key in groups}
    ours = sorted(key for key in groups if key[0] == "vmc-labs up")
    (threads,) = (key for key in groups if "threads" in key[0])
    few, many = ours[0], ours[-1]
    return QuestionResult(
        headings=(
            "way",
            "labs",
            "labs a minute",
            "CPU s a lab",
            "peak MB",
            "in flight",
            "MB each",
            "requests a lab",
        ),
        rows=[
            (*key, rate[key], cpu[key], memory[key], engines[key], each[key], requests[key]) for key in groups
        ],
        aims=[
            *(
                Aim(
                    f"{size:.0f} labs: CPU a lab, times less than the threads",
                    3.5,
                    cpu[threads] / cpu[name, size],
                    at_least=True,
                )
                for name, size in ours
            ),
            *(
                Aim(
                    f"{size:.0f} labs: labs a minute, times the threads",
                    3,
                    rate[name, size] / rate[threads],
                    at_least=True,
                )
                for name, size in ours
            ),
            Aim(
                "peak MB for each lab in flight; the threads'", each[threads], max(each[key] for key in ours)
            ),
            Aim("requests to VMware a lab", 4, max(requests[key] for key in ours)),
            Aim(
                "token exchanges of a fleet",
                1,
                max(run.requests.get("exchange-token", 0) for key in ours for run in groups[key]),
            ),
            Aim(
                f"CPU a lab at {many[1]:.0f}, % more than at {few[1]:.0f}",
                10,
                100 * (cpu[many] / cpu[few] - 1),
            ),
        ],
        series={name: {size: cpu[way, size] for way, size in groups if way == name} for name, _ in groups},
        axes=("labs", "CPU s a lab"),
        scale="log",
        sentence=(
            f"**A fleet of {many[1]:.0f} labs** takes {cpu[many]:.2f} CPU seconds a lab and links "
            f"{rate[many]:.0f} a minute; the textbook Automation API {threads[0]} {cpu[threads]:.2f} and "
            f"{rate[threads]:.0f}."
        ),
    )


def _waiting(runs: Sequence[Run]) -> QuestionResult:
    total = {run.size: sum(run.details.values()) for run in sorted(runs, key=lambda run: run.size)}
    calls = sorted({call for run in runs for call in run.details})
    few, many = min(total), max(total)
    return QuestionResult(
        headings=("labs", *calls, "requests a minute"),
        rows=[
            (run.size, *(run.details.get(call, 0.0) for call in calls), total[run.size])
            for run in sorted(runs, key=lambda run: run.size)
        ],
        aims=[
            Aim(f"requests of {many:.0f} labs, times those of {few:.0f}", 2, total[many] / max(1, total[few]))
        ],
        series={"all requests": {f"{size:.0f} labs": count for size, count in total.items()}},
        axes=("", "requests to VMware a minute"),
        sentence=(
            f"**While {many:.0f} labs wait** for VMware, they send it {total[many]:.0f} requests a minute "
            f"together; {few:.0f} alone sends {total[few]:.0f}."
        ),
    )


def _parts(runs: Sequence[Run]) -> QuestionResult:
    cases = _by(runs, lambda run: run.case)
    ups = cases[PHASES]
    wall, cpu = (
        _median(ups, lambda run: run.cost.wall_seconds),
        _median(ups, lambda run: run.cost.cpu_seconds),
    )
    roles = _sorted(_middles([run.cost.cpu_by_role for run in ups]))
    parts = {"CPU": (cpu, {**roles, "between two looks": cpu - sum(roles.values())})}
    parts["wall time"] = (wall, _middles([run.details for run in ups]))
    own = []
    for process, of in _by_name(cases[IMPORTS]).items():
        packages = _sorted(_middles([run.details for run in of]))
        whole, largest = sum(packages.values()), dict(list(packages.items())[:6])
        ours = largest["vmc_account_link"] = packages["vmc_account_link"]
        parts[f"imports of the {process}"] = (whole, {**largest, "others": whole - sum(largest.values())})
        own.append(f"{ours:.2f} of {whole:.2f} s of the imports of its {process}")
    return QuestionResult(
        headings=("of", "part", "s", "share"),
        rows=[
            (of, part, seconds, f"{seconds / whole:.0%}")
            for of, (whole, shares) in parts.items()
            for part, seconds in shares.items()
        ],
        aims=[],
        series={"CPU s": parts["CPU"][1]},
        axes=("CPU s", ""),
        sentence=f"**One `up`** of a new link takes {cpu:.1f} CPU seconds; ours are {' and '.join(own)}.",
    )


RESULTS: Mapping[str, Callable[[Sequence[Run]], QuestionResult]] = {
    LINK: _link,
    UNCHANGED: _unchanged,
    FLEET: _fleet,
    WAITING: _waiting,
    PARTS: _parts,
}


def _by(runs: Sequence[Run], key: Callable[[Run], Any]) -> dict[Any, list[Run]]:
    groups: dict[Any, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _by_name(runs: Sequence[Run]) -> dict[str, list[Run]]:
    return _by(runs, lambda run: run.contender)


def _median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(map(figure, runs))


def _requests(run: Run) -> float:
    return float(sum(run.requests.values()))


def _middles(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each part, 0 where a run had none."""
    names = dict.fromkeys(name for one in parts for name in one)
    return {name: statistics.median(one.get(name, 0.0) for one in parts) for name in names}


def _sorted(parts: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(parts.items(), key=lambda part: -part[1]))
