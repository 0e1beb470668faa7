"""Runs tools, and changes `.engine` in a way that leaves it whole wherever a run is interrupted."""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINE = REPOSITORY / ".engine"
DOWNLOADS = "https://get.pulumi.com/install.sh"
NEEDED_GO = "Go 1.26 or newer on PATH"
HOUR_SECONDS = 3600.0
"""The longest step takes 4 minutes on two idle cores; fifteen times that is a machine that hangs."""
_REACH_SECONDS = 8.0
_REACH = """
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1])
except OSError as error:
    sys.exit(str(error))
"""
_STAMP = ".made-from"

Fill = Callable[[Path, Path], None]
"""Fills a new folder; the second one is for what nobody needs afterwards."""


class SetupError(Exception):
    """A step failed; the text is one line for the user."""


def say(line: str) -> None:
    """Tell the user something."""
    print(f"engine: {line}", flush=True)  # noqa: T201 - this is a command


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Say what is being done, and afterwards how long it took."""
    say(f"{what} …")
    started = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - started:.0f} s")


def obtain(what: str, program: Path, made_from: str, ways: Mapping[str, Fill], *, helps: str) -> None:
    """Have a program's folder in `.engine`: as it is, or by the first of the ways that works.

    Args:
        what: the program's name and version.
        program: where it belongs.
        made_from: digest of all that it depends on; what was made from something else is made again.
        ways: each fills a folder; in order.
        helps: what the user can do where none works.

    Raises:
        SetupError: none works.
    """
    stamp = program.with_name(_STAMP)
    if os.access(program, os.X_OK) and stamp.is_file() and stamp.read_text("utf-8") == made_from:
        say(f"{what} is in {program.parent.relative_to(REPOSITORY)}")
        return
    failures = []
    for name, fill in ways.items():
        try:
            _make(program.parent, made_from, fill)
        except (SetupError, OSError) as error:
            failures.append(f"{name}: {error}")
            say(f"{what}, {failures[-1]}")
        else:
            return
    raise SetupError(f"{what} can't be had ({'; '.join(failures)}); what helps: {helps}")


def _make(folder: Path, made_from: str, fill: Fill) -> None:
    """Put a new folder into place, instead of any earlier one, when it is whole."""
    with tempfile.TemporaryDirectory(prefix="partial-", dir=ENGINE, ignore_cleanup_errors=True) as partial:
        new, spare = Path(partial) / "new", Path(partial) / "spare"
        new.mkdir()
        spare.mkdir()
        fill(new, spare)
        (new / _STAMP).write_text(made_from, encoding="utf-8")
        folder.parent.mkdir(exist_ok=True)
        if folder.exists():
            folder.rename(Path(partial) / "replaced")
        new.rename(folder)


def run(
    command: Sequence[str | Path],
    *,
    limit_seconds: float = HOUR_SECONDS,
    cwd: Path | None = None,
    **variables: str,
) -> str:
    """Run a tool, with these variables beside the user's, and return what it prints.

    Raises:
        SetupError: it can't be run, fails, or has not ended after `limit_seconds`.
    """
    name = Path(command[0]).name
    if shutil.which(command[0]) is None:
        raise SetupError(f"there is no {name} on PATH")
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", **variables}
    try:
        done = subprocess.run(  # noqa: S603 - our own commands, no shell
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=limit_seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SetupError(f"{name} had not ended after {limit_seconds:.0f} s") from None
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SetupError(f"{name}: {' | '.join(lines[-2:])[-400:] or f'exit code {done.returncode}'}")
    return done.stdout


def go(*arguments: str | Path, module: Path, spare: Path) -> str:
    """Run the Go of PATH in a module's folder, with its temporary files in `spare`; return what it prints.

    Raises:
        SetupError: there is none, or it fails.
    """
    return run(
        ["go", *arguments],
        cwd=module,
        CGO_ENABLED="0",  # no C compiler is needed
        GOFLAGS="-mod=readonly -buildvcs=false -trimpath",  # the user's may say otherwise
        GOTMPDIR=str(spare),  # a Go that is killed leaves gigabytes there
        GOWORK="off",  # a go.work above the checkout is not ours
    )


def go_build(program: Path, *, module: Path, spare: Path, flags: str = "-s -w") -> None:
    """Build the main package that the module's go.mod names as its tool, and say how long that takes.

    Raises:
        SetupError: there is no Go, or the build fails.
    """
    with timed(f"go build of {program.name}, minutes with nothing cached"):
        go("build", "-ldflags", flags, "-o", program, "tool", module=module, spare=spare)


@functools.cache
def unreachable() -> str:
    """Why Pulumi's downloads can't be reached; empty where they can."""
    try:
        # A process of its own, because a name look-up has no time limit.
        run([sys.executable, "-c", _REACH, DOWNLOADS], limit_seconds=_REACH_SECONDS)
    except SetupError as error:
        return f"{DOWNLOADS} does not answer ({error})"
    return ""


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold `.engine` for this run alone; wait, and say so, while another run has it.

    The lock goes with the process that holds it: a killed run leaves none behind.
    """
    ENGINE.mkdir(exist_ok=True)
    with (ENGINE / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for unfinished in ENGINE.glob("partial-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        yield


def digest(*parts: str | Path) -> str:
    """A digest of texts and files."""
    contents = (part.read_bytes() if isinstance(part, Path) else part.encode() for part in parts)
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
