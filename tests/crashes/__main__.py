"""`python -m tests.crashes FOLDER`: every point of a crash, and random moments; a table and a total.

Exit code 1 if one falls short.
"""

import argparse
import dataclasses
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.crashes.case import DESTROY_CALLS, UP_CALLS, Crash, Outcome, run_in_folder


def crashes(random_kills: int, *, points: bool) -> list[Crash]:
    """Every call of a clean `up` and `destroy`, before and after its effect; then random moments of `up`."""
    at_points = [
        Crash(command=command, everything=everything, call=call, before_effect=before)
        for command, calls in (("up", UP_CALLS), ("destroy", DESTROY_CALLS))
        for call in calls
        for before in (True, False)
        for everything in (True, False)
    ]
    at_random = [
        Crash(command="destroy" if n % 4 == 3 else "up", everything=n % 2 == 0, seed=n)
        for n in range(random_kills)
    ]
    return (at_points if points else []) + at_random


def main() -> int:
    """Run the crashes and write `crashes.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where crashes.json is written")
    parser.add_argument("--random", type=int, default=200, help="random kills (default 200)")
    parser.add_argument("--no-points", action="store_true", help="random kills only")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    todo = crashes(options.random, points=not options.no_points)
    outcomes: list[Outcome] = []
    # Fresh processes: a forked sandbox would share moto's state and its threads' locks.
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run_in_folder, crash) for crash in todo]):
            outcome = future.result()
            outcomes.append(outcome)
            verdict = f"FELL SHORT: {outcome.fell_short}" if outcome.fell_short else "converged"
            tell(f"{len(outcomes)}/{len(todo)} {outcome.crash}: {verdict} ({outcome.seconds:.0f} s)")
            wire = [dataclasses.asdict(o) for o in outcomes]
            (options.folder / "crashes.json").write_text(json.dumps(wire, indent=1))
    short = sum(1 for outcome in outcomes if outcome.fell_short)
    tell(f"{len(outcomes)} crashes: {len(outcomes) - short} converged, {short} fell short")
    return 1 if short else 0


def tell(line: str) -> None:
    """Print a line at once: a sweep is long."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
