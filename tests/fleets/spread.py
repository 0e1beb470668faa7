"""Labs on two Dask workers, each a process of its own, the state in S3; one of them may be killed with -9."""

import dataclasses
import tempfile
import time
from pathlib import Path

from sandbox.environment import Backend
from tests.fleets.stage import stage
from tests.support.dask_cluster import cluster
from tests.support.patience import until

_WORKERS = 2
_THREADS = 4
"""Of each worker: as many labs at a time."""
_PATIENCE_SECONDS = 600.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One fleet on a cluster."""

    labs: int
    workers: int
    stacks_at_the_kill: int | None
    """How many had been asked for when a worker was killed; None where none was."""
    seconds: float
    links: int
    """Asked for in all; one more for each that was lost with the worker."""
    fell_short: str


def spread(labs: int, *, is_killed: bool) -> Spread:
    """Raise so many labs; with `is_killed`, a worker dies once half of the stacks were asked for."""
    with (
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        stage(Path(folder) / "stage", labs, backend=Backend.S3) as on,
        cluster(on.environment(), Path(folder), workers=_WORKERS, threads=_THREADS) as (scheduler, workers),
    ):
        begin, requested = time.monotonic(), None
        driver = on.start("up", "--scheduler", scheduler)
        if is_killed:
            until(lambda: on.stacks_requested() >= labs // 2, patience_seconds=_PATIENCE_SECONDS)
            workers[0].kill()
            requested = on.stacks_requested()
        last = on.end(driver)
        return Spread(
            labs=labs,
            workers=_WORKERS,
            stacks_at_the_kill=requested,
            seconds=time.monotonic() - begin,
            links=on.calls()["request-link"],
            fell_short="; ".join(filter(None, (last, on.fell_short()))),
        )
