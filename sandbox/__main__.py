"""`python -m sandbox run -- COMMAND…` and `python -m sandbox serve`."""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from sandbox.environment import Backend, Sandbox, ambient_names
from sandbox.modes import UnknownMode

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_USAGE = 2
_MOST = 1000
"""Accounts and organizations: moto looks through them for every key."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    options = _parser().parse_args(arguments)
    ambient = ambient_names(os.environ)
    with Sandbox.start(
        accounts=options.accounts,
        organizations=options.organizations,
        backend=options.backend,
        first_poll_seconds=options.first_poll_seconds,
    ) as box:
        try:
            box.world.modes.apply(dict(options.mode))
        except UnknownMode as error:
            sys.stderr.write(f"sandbox: {error}\n")
            return _USAGE
        if options.action == "run":
            return run(options.command, environment=box.process_environment())
        return serve(box.environment, unset=ambient, env_file=options.env_file)


def run(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run a command to its end and return its exit code: 128 + n when signal n ended it.

    SIGTERM is passed on. SIGINT is not: Ctrl-C reaches the command by itself, as part of the terminal's
    process group, and a second one would make `pulumi` drop what it is doing.
    """
    child: subprocess.Popen[bytes] | None = None
    is_ending = False

    def pass_on(number: int, _frame: FrameType | None) -> None:
        nonlocal is_ending
        if number == signal.SIGTERM:
            is_ending = True
            if child is not None:
                child.terminate()

    # A handler, not SIG_IGN: the command would inherit that.
    with _handled((signal.SIGINT, signal.SIGTERM), pass_on):
        try:
            child = subprocess.Popen(command, env=environment)  # noqa: S603 - running it is what was asked
        except OSError as error:
            sys.stderr.write(f"sandbox: {command[0]}: {error.strerror}\n")
            return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        if is_ending:
            # The signal came while the command was being started.
            child.terminate()
        code = child.wait()
    return code if code >= 0 else 128 - code


def serve(environment: Mapping[str, str], *, unset: Sequence[str], env_file: Path | None) -> int:
    """Show the environment, then stay until SIGINT or SIGTERM."""
    stopped = threading.Event()
    with _handled((signal.SIGINT, signal.SIGTERM), lambda _number, _frame: stopped.set()):
        text = export_lines(environment, unset=unset)
        if env_file is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            stopped.wait()
            return 0
        _write_whole(env_file, text)
        try:
            stopped.wait()
        finally:
            env_file.unlink(missing_ok=True)
    return 0


def export_lines(environment: Mapping[str, str], *, unset: Sequence[str]) -> str:
    """Shell lines that set an environment, after removing the `unset` that it does not set itself."""
    dropped = [f"unset {name}\n" for name in unset if name not in environment]
    exports = [f"export {name}={_quoted(value)}\n" for name, value in environment.items()]
    return "".join([*dropped, *exports])


def _quoted(value: str) -> str:
    """A shell word in single quotes: `shlex.quote` leaves them out where it can."""
    return "'" + value.replace("'", "'\\''") + "'"


@contextlib.contextmanager
def _handled(
    numbers: Sequence[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Handle signals within a block, and as before after it."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _write_whole(path: Path, text: str) -> None:
    """Write a file that holds credentials: for this user only, and never half of it."""
    # mkstemp makes it 0600.
    descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=path.name)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(text)
    Path(temporary).replace(path)


def _mode(text: str) -> tuple[str, Any]:
    """A `--mode`: numbers, true and false as in JSON, everything else a word."""
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _count(least: int) -> Callable[[str], int]:
    """A whole number from `least` up to what a sandbox is made for."""

    def count(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= _MOST:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {_MOST}")
        return int(text)

    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="VMware Cloud and AWS on this machine, for demos and tests."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    running = actions.add_parser("run", help="start, run COMMAND inside, stop, exit with its code")
    running.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    serving = actions.add_parser("serve", help="start, show the environment, stay until interrupted")
    serving.add_argument("--env-file", type=Path, metavar="FILE", help="write the export lines there")
    for action in (running, serving):
        action.add_argument(
            "--accounts",
            type=_count(0),
            default=0,
            metavar="N",
            help="AWS accounts 200000000001 and following, with profiles team-01 and following",
        )
        action.add_argument(
            "--organizations",
            type=_count(1),
            default=1,
            metavar="N",
            help="VMC organizations; beside the first: SANDBOX_ORG_ID_2, SANDBOX_API_TOKEN_2 and following",
        )
        action.add_argument(
            "--backend",
            type=Backend,
            choices=list(Backend),
            default=Backend.FILE,
            help="where Pulumi keeps its states",
        )
        action.add_argument(
            "--first-poll-seconds",
            type=float,
            metavar="SECONDS",
            help="for tests: the AWS provider first polls a stack so soon, not after 10 s",
        )
        action.add_argument(
            "--mode",
            action="append",
            default=[],
            type=_mode,
            metavar="KEY=VALUE",
            help="a field of sandbox.modes.Modes; may be repeated",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
