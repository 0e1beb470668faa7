"""What a fleet costs: time, CPU, the driver's memory as it goes on, calls of VMware's services."""

import dataclasses
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.fleets.stage import Stage, stage

_DONE = re.compile(r"\((\d+)/\d+\)")
_EVERY = 10
"""Labs between two looks at the driver's memory."""
_FLATNESS = 0.10
_FROM = 50


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One fleet raised, and then an `up` that has nothing to do."""

    labs: int
    seconds: float
    cpu_seconds: float
    """Of all processes of the fleet, without the sandbox."""
    driver_mb: Mapping[int, float]
    """Labs done -> the driver's own memory.

    Its anonymous pages. Not its USS, in which the pages of shared libraries count once the other processes
    that use them have ended: 10 MB more as the last labs are done.
    """
    calls: Mapping[str, int]
    """Of VMware's services."""
    unchanged_seconds: float
    unchanged_cpu_seconds: float
    unchanged_calls: Mapping[str, int]
    fell_short: str

    @property
    def calls_a_lab(self) -> float:
        """Calls of VMware's services, divided by the labs."""
        return sum(self.calls.values()) / self.labs

    def growth(self) -> float | None:
        """By how much the driver's memory changes between lab 50 and the last; None for fewer labs."""
        begin, end = self.driver_mb.get(_FROM), self.driver_mb.get(self.labs)
        return end / begin - 1 if begin and end and self.labs > _FROM else None


def measure(labs: int) -> Cost:
    """Raise so many labs, and run `up` again."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, stage(Path(folder) / "stage", labs) as on:
        memory: dict[int, float] = {}
        seconds, cpu = _up(on, memory)
        calls, short = on.calls(), on.fell_short()
        on.box.control.clear_journal()
        again_seconds, again_cpu = _up(on, {})
        again = on.calls()
    return Cost(
        labs=labs,
        seconds=seconds,
        cpu_seconds=cpu,
        driver_mb=memory,
        calls=dict(calls),
        unchanged_seconds=again_seconds,
        unchanged_cpu_seconds=again_cpu,
        unchanged_calls=dict(again),
        fell_short="; ".join(filter(None, (short, _too_much(labs, calls, again, memory)))),
    )


def _too_much(labs: int, calls: Counter[str], again: Counter[str], memory: Mapping[int, float]) -> str:
    short = []
    if calls["exchange-token"] != 1:
        short.append(f"{calls['exchange-token']} token exchanges")
    if calls["request-link"] != labs:
        short.append(f"{calls['request-link']} links were asked for")
    if again.total() > 2:
        short.append(f"an unchanged up made {again.total()} calls")
    if _FROM in memory and labs in memory and abs(memory[labs] / memory[_FROM] - 1) > _FLATNESS:
        short.append(f"the driver's memory went from {memory[_FROM]:.0f} MB to {memory[labs]:.0f} MB")
    return "; ".join(short)


def _up(on: Stage, memory: dict[int, float]) -> tuple[float, float]:
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
