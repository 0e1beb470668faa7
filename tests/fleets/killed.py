"""The driver of an `up` killed with -9 at a random moment, then `up` again."""

import dataclasses
import random
import tempfile
import time
from pathlib import Path

from tests.fleets.stage import stage

_EARLIEST_SECONDS = 4.0
_SECONDS_A_LAB = 2.5
"""The latest moment, as two idle cores take about that for a lab."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One driver that was killed."""

    labs: int
    seed: int
    killed_after_seconds: float
    stacks_at_the_kill: int
    """How many had been asked for by then."""
    again_seconds: float
    links: int
    """Asked for in both runs together; one more for each that was lost with the driver."""
    fell_short: str


def play(labs: int, seed: int) -> Killed:
    """Kill and go on; the moment follows from the seed."""
    moment = random.Random(seed).uniform(_EARLIEST_SECONDS, labs * _SECONDS_A_LAB)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, stage(Path(folder) / "stage", labs) as on:
        driver = on.start("up")
        assert driver.stderr is not None
        time.sleep(moment)
        driver.kill()
        driver.wait()
        driver.stderr.close()
        requested = on.stacks_requested()
        begin = time.monotonic()
        last = on.end(on.start("up"))
        return Killed(
            labs=labs,
            seed=seed,
            killed_after_seconds=moment,
            stacks_at_the_kill=requested,
            again_seconds=time.monotonic() - begin,
            links=on.calls()["request-link"],
            fell_short="; ".join(filter(None, (last, on.fell_short()))),
        )
