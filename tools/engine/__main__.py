"""`python -m tools.engine`. Exit code 0: an engine is there; 1: none could be had; 2: wrong request."""

import argparse
import os
import signal
import sys
from pathlib import Path

from tools.engine.locate import OVERRIDE, Way, forced_way
from tools.engine.process import SetupError
from tools.engine.setup import set_up

REPOSITORY = Path(__file__).parents[2]


def main() -> int:
    """Parse, set up, and map the result to an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.engine",
        description="Make sure a Pulumi engine is there: on PATH, or in .engine.",
        epilog=f"{OVERRIDE}={'|'.join(Way)} allows one way only.",
    )
    parser.parse_args()
    # So that what was started is stopped, and the temporary folder removed, as on Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # nohup
            continue
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        forced_way(os.environ)
    except SetupError as error:
        return _fail(str(error), code=2)
    try:
        set_up(REPOSITORY, os.environ, _say)
    except (SetupError, OSError) as error:
        return _fail(str(error), code=1)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing unfinished is kept", code=130)
    return 0


def _say(line: str) -> None:
    print(f"engine: {line}", flush=True)  # noqa: T201 - this is a command


def _fail(text: str, *, code: int) -> int:
    print(f"engine: {text}", file=sys.stderr)  # noqa: T201 - this is a command
    return code


if __name__ == "__main__":
    sys.exit(main())
