"""`python -m tests.crashes FOLDER`: kill -9 at every call and at random moments, recover, go on.

Exit code 1 if one falls short.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.crashes.points import at_points, at_random
from tests.crashes.pool import play_all
from tests.crashes.table import load, save, table, totals
from tests.support.results import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the crashes; 1 where one falls short."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    crashes = [*([] if options.no_points else at_points()), *at_random(options.random)]
    if options.calls:
        crashes = [crash for crash in crashes if crash.call in options.calls.split(",")]
    if options.list:
        say("\n".join(crash.name for crash in crashes))
        return 0
    names = {crash.name for crash in crashes}
    kept = load(folder) if options.resume else {}
    outcomes = {name: outcome for name, outcome in kept.items() if name in names}
    expected = sum(1 for crash in crashes if crash.is_random)
    for outcome in play_all(crashes, outcomes, expected=expected, workers=options.workers):
        outcomes[outcome.crash] = outcome
        save(folder, crashes, outcomes)
        verdict = f"FELL SHORT: {outcome.fell_short}" if outcome.fell_short else "converged"
        say(
            f"{len(outcomes)}/{len(crashes)} {outcome.seconds:5.1f} s  {outcome.crash}  "
            f"{verdict if outcome.killed_after or outcome.fell_short else 'too late'}"
        )
    say(table(crashes, outcomes) if options.table else totals(crashes, outcomes))
    say(f"{folder / 'crashes.txt'}, {folder / 'crashes.json'}")
    return 1 if any(outcome.fell_short for outcome in outcomes.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("folder", type=Path, help="for crashes.txt and crashes.json")
    parser.add_argument("--resume", action="store_true", help="keep the outcomes that are in the folder")
    parser.add_argument("--random", type=int, default=200, help="random kills (default 200)")
    parser.add_argument("--no-points", action="store_true", help="random kills only")
    parser.add_argument("--calls", default="", help="those calls only, with commas")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="name the crashes and play none")
    parser.add_argument("--table", action="store_true", help="print the table at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
