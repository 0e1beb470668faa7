"""Plays crashes in processes of their own."""

import atexit
import functools
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.crashes.case import Outcome, play
from tests.crashes.points import Crash, at_random
from tests.sweep.stage import Stages, run

_CLEAN_SECONDS = 100.0


def play_all(
    crashes: list[Crash], outcomes: dict[str, Outcome], *, expected: int, workers: int
) -> Iterator[Outcome]:
    """Play what has no outcome yet; then more random moments, for those that came too late.

    Args:
        crashes: what to play; the further moments are added.
        outcomes: those that there are; the caller adds each one that is yielded.
        expected: how many random moments must land.
        workers: processes.
    """
    # Spawned, not forked: a forked sandbox would share moto's state and its threads' locks.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        todo = [crash for crash in crashes if crash.name not in outcomes]
        while todo:
            futures = [pool.submit(_play, [crash.to_wire() for crash in course]) for course in courses(todo)]
            for future in as_completed(futures):
                yield from future.result()
            kills = [outcomes[crash.name] for crash in crashes if crash.is_random]
            missed = expected - sum(1 for kill in kills if kill.killed_after or kill.fell_short)
            todo = list(at_random(missed, first=len(kills)))
            crashes += todo


def courses(crashes: Sequence[Crash]) -> list[tuple[Crash, ...]]:
    """Crashes in the order to play them in: each `destroy` after an `up`, which leaves what it needs."""
    ups = [crash for crash in crashes if crash.operation == "up"]
    destroys = [crash for crash in crashes if crash.operation == "destroy"]
    return [
        tuple(crash for crash in pair if crash is not None) for pair in itertools.zip_longest(ups, destroys)
    ]


def _play(course: Sequence[dict[str, Any]]) -> list[Outcome]:
    """Play crashes one after the other, in a worker."""
    return [_played(Crash.from_wire(wire)) for wire in course]


def _played(crash: Crash) -> Outcome:
    try:
        return play(crash, _stages(), usual_seconds=_usual_seconds(crash.operation))
    except Exception as error:  # noqa: BLE001 - a crash that can't be judged falls short
        reason = f"the case itself failed: {type(error).__name__}: {error}"
        return Outcome(
            crash=crash.name,
            row=crash.row,
            column=crash.what,
            killed_after="",
            fell_short=reason,
            recovered="",
            seconds=0.0,
        )


@functools.cache
def _stages() -> Stages:
    """Those of this worker, taken down as it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True))
    return stack.enter_context(Stages(Path(folder)))


@functools.cache
def _usual_seconds(operation: str) -> float:
    """How long the clean command takes here, by one of it."""
    stages = _stages()
    lab = stages.linked() if operation == "destroy" else stages.empty()
    started = time.monotonic()
    done = run(lab, operation, seconds=_CLEAN_SECONDS)
    taken = time.monotonic() - started
    (stages.keep if operation == "up" and done.code == 0 else stages.drop)(lab)
    return taken
