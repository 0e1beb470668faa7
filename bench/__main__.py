"""`python -m bench [QUESTION…]`: ask, write the answers down."""

import argparse
import datetime as dt
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import machine, publish
from bench.cloud import REPOSITORY
from bench.measure import CommandFailed
from bench.questions import breakdown, fleet, link, unchanged, waiting
from bench.scale import Scale

QUESTIONS = {module.NAME: module for module in (link, unchanged, fleet, breakdown, waiting)}
_PUBLISHED = REPOSITORY / "docs" / "performance"
_UNPUBLISHED = REPOSITORY / "bench-results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the questions and return the exit code: 1 where a contender failed; a missed aim is a result."""
    options = _parser().parse_args(arguments)
    scale = Scale(repetitions=1 if options.smoke else options.repetitions, is_smoke=options.smoke)
    folder = options.to or (_UNPUBLISHED if options.smoke else _PUBLISHED)
    about = {
        "machine": machine.facts(),
        "when": dt.datetime.now(dt.UTC).date().isoformat(),
        "smoke": options.smoke,
    }
    code = 0
    for name in options.questions or QUESTIONS:
        started = time.monotonic()
        now = {**about, "load": machine.load()}
        try:
            answer = QUESTIONS[name].ask(scale)
        except CommandFailed as error:
            sys.stderr.write(f"bench: {name}: {error}\n")
            code = 1
            continue
        sys.stdout.write(publish.publish(answer, QUESTIONS[name].draw, now, folder))
        sys.stdout.write(f"\n({name}: {time.monotonic() - started:.0f} s, load {machine.load()})\n\n")
        sys.stdout.flush()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument("--repetitions", type=int, default=3, help="of each contender (default 3)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that the bench works")
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER", help="default docs/performance; smoke: bench-results"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
