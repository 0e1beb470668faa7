"""The sweep of fleets: what 30 and 300 labs cost; a driver, or a Dask worker, killed with -9 on the way.

To add a fleet, let `fleet_cases` have one more `FleetCase`; a new way to raise one derives from it.
"""

import argparse
import dataclasses
import random
import re
import resource
import tempfile
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psutil

from sandbox.environment import Backend
from tests.support.dask_cluster import cluster
from tests.support.patience import until
from tests.sweep.fleet_stage import FleetStage, fleet_stage
from tests.sweep.harness import Case, Played, Sweep
from tests.sweep.stage import Stages

_DONE = re.compile(r"\((\d+)/\d+\)")
_EVERY = 10
"""Labs between two samples of the driver's memory."""
_FLATNESS = 0.10
_FROM = 50
_EARLIEST_SECONDS = 4.0
_SECONDS_A_LAB = 2.5
"""The latest moment of a kill, as two idle cores take about that for a lab."""
_WORKERS = 2
_THREADS = 4
"""Of each worker: as many labs at a time."""
_PATIENCE_SECONDS = 600.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class FleetCase(Case):
    """One fleet raised: every lab ACTIVE, and as many links and stacks as labs."""

    labs: int
    seed: int = 0
    """Of the moment of a kill."""

    @property
    def row(self) -> str:
        """Its size."""
        return f"{self.labs} labs"

    @property
    def name(self) -> str:
        """Row, column and seed."""
        return f"{self.row}: {self.column}" + (f" {self.seed}" if self.seed else "")

    def play(self, _: Stages, /) -> Played:
        """Raise it in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
            return self.raise_in(Path(folder))

    @abstractmethod
    def raise_in(self, folder: Path) -> Played:
        """Raise it, and say what fell short."""


class CostCase(FleetCase):
    """What a fleet costs: time, CPU, the driver's memory as it goes on, calls of VMware's services."""

    column = "cost"

    def raise_in(self, folder: Path) -> Played:
        """Raise the labs, and run `up` again, which has nothing to do."""
        with fleet_stage(folder / "stage", self.labs) as on:
            memory: dict[int, float] = {}
            seconds, cpu = _up(on, memory)
            calls, short = on.calls(), on.fell_short()
            on.box.control.clear_journal()
            again_seconds, again_cpu = _up(on, {})
            again = on.calls()
        begin, end = memory.get(_FROM), memory.get(self.labs)
        growth = end / begin - 1 if begin and end and self.labs > _FROM else None
        said = (
            f"{seconds:.0f} s, {cpu / self.labs:.2f} CPU s a lab, "
            f"driver {max(memory.values(), default=0.0):.0f} MB"
            + (f" ({growth:+.1%} between lab {_FROM} and {self.labs})" if growth is not None else "")
            + f", {calls.total() / self.labs:.1f} VMC calls a lab, "
            f"{calls['exchange-token']} token exchanges; "
            f"up again {again_seconds:.1f} s, {again_cpu:.1f} CPU s, {again.total()} calls"
        )
        return Played(
            said=said,
            fell_short="; ".join(filter(None, (short, *_too_much(self.labs, calls, again, growth)))),
            details={
                "seconds": seconds,
                "cpu_seconds": cpu,
                # Its anonymous pages. Not its USS, in which the pages of shared libraries count once the
                # other processes that use them have ended: 10 MB more as the last labs are done.
                "driver_mb_after_labs": memory,
                "calls": dict(calls),
                "unchanged_seconds": again_seconds,
                "unchanged_cpu_seconds": again_cpu,
                "unchanged_calls": dict(again),
            },
        )


def _too_much(labs: int, calls: Mapping[str, int], again: Counter[str], growth: float | None) -> list[str]:
    short = []
    if calls["exchange-token"] != 1:
        short.append(f"{calls['exchange-token']} token exchanges")
    if calls["request-link"] != labs:
        short.append(f"{calls['request-link']} links were requested")
    if again.total() > 2:
        short.append(f"an unchanged up made {again.total()} calls")
    if growth is not None and abs(growth) > _FLATNESS:
        short.append(f"the driver's memory changed by {growth:+.1%}")
    return short


def _up(on: FleetStage, memory: dict[int, float]) -> tuple[float, float]:
    """Run `up`; (seconds, CPU seconds of all its processes). Fills in the driver's memory on the way."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    driver = on.start("up")
    watched = psutil.Process(driver.pid)
    assert driver.stderr is not None
    for line in driver.stderr:
        done = _DONE.search(line)
        if done and (int(done[1]) % _EVERY == 0 or int(done[1]) == on.labs):
            memory[int(done[1])] = sum(one.anonymous for one in watched.memory_maps()) / 1e6
    driver.wait()
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class KilledDriverCase(FleetCase):
    """The driver of an `up` killed with -9 at a random moment, then `up` again."""

    column = "driver killed"

    def raise_in(self, folder: Path) -> Played:
        """Kill and go on; the moment follows from the seed."""
        moment = random.Random(self.seed).uniform(_EARLIEST_SECONDS, self.labs * _SECONDS_A_LAB)  # noqa: S311
        with fleet_stage(folder / "stage", self.labs) as on:
            driver = on.start("up")
            assert driver.stderr is not None
            time.sleep(moment)
            driver.kill()
            driver.wait()
            driver.stderr.close()
            requested = on.stacks_requested()
            last = on.end(on.start("up"))
            return Played(
                said=f"after {moment:.1f} s with {requested} stacks requested; "
                f"{on.calls()['request-link']} links requested in both runs",
                fell_short="; ".join(filter(None, (last, on.fell_short()))),
            )


class SpreadCase(FleetCase):
    """Labs on two Dask workers, each a process of its own, the state in S3."""

    column = "two Dask workers"
    is_killed = False

    def raise_in(self, folder: Path) -> Played:
        """Raise the labs; where a worker is to be killed, once half of the stacks were requested."""
        with (
            fleet_stage(folder / "stage", self.labs, backend=Backend.S3) as on,
            cluster(on.environment(), folder, workers=_WORKERS, threads=_THREADS) as (scheduler, workers),
        ):
            said = ""
            driver = on.start("up", "--scheduler", scheduler)
            if self.is_killed:
                until(lambda: on.stacks_requested() >= self.labs // 2, patience_seconds=_PATIENCE_SECONDS)
                workers[0].kill()
                said = f"killed at {on.stacks_requested()} stacks; "
            last = on.end(driver)
            return Played(
                said=f"{said}{on.calls()['request-link']} links requested",
                fell_short="; ".join(filter(None, (last, on.fell_short()))),
            )


class LostWorkerCase(SpreadCase):
    """The same, one of the workers killed with -9."""

    column = "worker killed"
    is_killed = True


def fleet_cases(options: argparse.Namespace) -> list[FleetCase]:
    """The sizes that are given, then the kills."""
    return [
        *(CostCase(labs=labs) for labs in options.labs),
        *(KilledDriverCase(labs=options.killed_labs, seed=seed) for seed in range(options.kills)),
        SpreadCase(labs=options.killed_labs),
        LostWorkerCase(labs=options.killed_labs),
    ]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labs", type=int, nargs="*", default=[30, 300], help="fleets to measure (30 300)")
    parser.add_argument("--kills", type=int, default=5, help="drivers to kill (5)")
    parser.add_argument("--killed-labs", type=int, default=30, help="labs where something is killed (30)")


SWEEP = Sweep(
    name="fleets",
    purpose="30 and 300 labs: what they cost; a driver or a Dask worker of 30 killed with -9",
    cases=fleet_cases,
    legend="ok: all accounts ACTIVE, a stack for each",
    add_options=_add_options,
    workers=1,
)
