"""`python -m tests.sweep SWEEP FOLDER`: a bulk sweep; exit code 1 where a case of it falls short."""

import argparse
import sys
from collections.abc import Sequence

from tests.sweep import crashes, faults, fleets, harness, histories, leftovers

SWEEPS = (faults.SWEEP, crashes.SWEEP, leftovers.SWEEP, histories.SWEEP, fleets.SWEEP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sweep that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for sweep in SWEEPS:
        command = commands.add_parser(sweep.name, help=sweep.purpose, description=sweep.purpose)
        harness.add_options(command)
        sweep.add_options(command)
        command.set_defaults(sweep=sweep)
    options = parser.parse_args(arguments)
    return harness.run(options.sweep, options)


if __name__ == "__main__":
    sys.exit(main())
