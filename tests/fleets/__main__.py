"""`python -m tests.fleets FOLDER`: fleets of 30 and 300 labs, drivers killed with -9, and a Dask cluster.

Exit code 1 if one falls short.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fleets.cost import Cost, measure
from tests.fleets.killed import Killed, play
from tests.fleets.spread import Spread, spread
from tests.support.results import say

Outcome = Cost | Killed | Spread


def main(arguments: Sequence[str] | None = None) -> int:
    """Raise the fleets; 1 where one falls short."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    for labs in options.labs:
        outcomes.append(measure(labs))
        say(_described(outcomes[-1]))
    for seed in range(options.kills):
        outcomes.append(play(options.killed_labs, seed))
        say(_described(outcomes[-1]))
    for is_killed in (False, True) if options.spread else ():
        outcomes.append(spread(options.spread, is_killed=is_killed))
        say(_described(outcomes[-1]))
    file = folder / "fleets.json"
    file.write_text(
        json.dumps([dataclasses.asdict(one) for one in outcomes], indent=1) + "\n", encoding="utf-8"
    )
    say(f"{file}")
    return int(any(one.fell_short for one in outcomes))


def _described(one: Outcome) -> str:
    verdict = f"FELL SHORT: {one.fell_short}" if one.fell_short else "as asked"
    if isinstance(one, Killed):
        return (
            f"{one.labs} labs, driver killed after {one.killed_after_seconds:.1f} s with "
            f"{one.stacks_at_the_kill} stacks asked for; up again {one.again_seconds:.0f} s, "
            f"{one.links} links asked for in all: {verdict}"
        )
    if isinstance(one, Spread):
        killed = "" if one.stacks_at_the_kill is None else f", one killed at {one.stacks_at_the_kill} stacks"
        return (
            f"{one.labs} labs on {one.workers} Dask workers{killed}: {one.seconds:.0f} s, "
            f"{one.links} links asked for in all: {verdict}"
        )
    growth = one.growth()
    memory = f"{max(one.driver_mb.values(), default=0.0):.0f} MB" + (
        f" ({growth:+.1%} between lab 50 and {one.labs})" if growth is not None else ""
    )
    return (
        f"{one.labs} labs: {one.seconds:.0f} s, {one.cpu_seconds / one.labs:.2f} CPU s a lab, "
        f"driver {memory}, "
        f"{one.calls_a_lab:.1f} VMC calls a lab, {one.calls.get('exchange-token', 0)} token exchanges; "
        f"up again {one.unchanged_seconds:.1f} s, {one.unchanged_cpu_seconds:.1f} CPU s, "
        f"{sum(one.unchanged_calls.values())} calls: {verdict}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fleets", description=__doc__)
    parser.add_argument("folder", type=Path, help="for fleets.json")
    parser.add_argument("--labs", type=int, nargs="*", default=[30, 300], help="fleets to raise (30 300)")
    parser.add_argument("--kills", type=int, default=5, help="drivers to kill (5)")
    parser.add_argument("--killed-labs", type=int, default=30, help="labs of each (30)")
    parser.add_argument(
        "--spread", type=int, default=30, help="labs on two Dask workers, twice (30; 0: none)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
