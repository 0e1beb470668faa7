"""`python -m tools.engine`. Exit code 0: all is there; 1: something can't be had; 2: wrong request."""

import argparse
import signal
import sys

from tools.engine.aws_provider import get_provider
from tools.engine.language_host import MODULES, get_language_host
from tools.engine.pulumi_cli import get_cli
from tools.engine.work import SetupError, locked


def main() -> int:
    """Get what is missing, and map the result to an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.engine", description="Find or get the Pulumi CLI and the AWS provider."
    )
    parser.add_argument("--quick", action="store_true", help="also the AWS provider that tests wait less for")
    parser.add_argument(
        "--language", action="append", default=[], choices=MODULES, help="also this language's host"
    )
    options = parser.parse_args()
    # As on Ctrl-C: what was started is stopped, and the temporary folder removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        with locked():
            pulumi = get_cli()
            get_provider(pulumi)
            if options.quick:
                get_provider(pulumi, quick=True)
            for language in options.language:
                get_language_host(pulumi, language)
    except (SetupError, OSError) as error:
        return _fail(str(error), code=1)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing unfinished is kept", code=130)
    return 0


def _fail(text: str, *, code: int) -> int:
    print(f"engine: {text}", file=sys.stderr)  # noqa: T201 - this is a command
    return code


if __name__ == "__main__":
    sys.exit(main())
