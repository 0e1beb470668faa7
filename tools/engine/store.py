"""The folder `.engine`: what is in it, and how it changes without ever being half of something.

`bin/` the engine, `stamp.json` what it is (written last), `env` a file to source, `lock`, and while a run
is at work a folder `partial-…`, which the next run removes if this one can't.
"""

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from tools.engine.locate import COMPANIONS, Stamp


def read_stamp(engine: Path) -> Stamp | None:
    """What is installed; None when nothing is, or not all of it."""
    try:
        stamp = Stamp(**json.loads((engine / "stamp.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return None if missing_files(engine / "bin") else stamp


def missing_files(folder: Path) -> list[str]:
    """The programs that an engine's folder should have and has not, or not executable."""
    return [name for name in ("pulumi", *COMPANIONS) if not os.access(folder / name, os.X_OK)]


@contextlib.contextmanager
def locked(engine: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold `.engine` for this run alone; wait, and say so, while another run has it.

    The lock goes with the process that holds it: a killed run leaves none behind.
    """
    engine.mkdir(exist_ok=True)
    with (engine / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is setting up the engine: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def staging(engine: Path) -> Iterator[Path]:
    """A new empty folder inside `.engine`, removed at the end.

    Needs the lock, because it first removes those that killed runs left.
    """
    for leftover in engine.glob("partial-*"):
        shutil.rmtree(leftover)
    folder = Path(tempfile.mkdtemp(prefix="partial-", dir=engine))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(engine: Path, staged: Path, stamp: Stamp, python: Path) -> None:
    """Make `staged/bin` the engine in place of any earlier one. Needs the lock."""
    (engine / "stamp.json").unlink(missing_ok=True)
    if (engine / "bin").exists():
        (engine / "bin").rename(staged / "replaced")
    (staged / "bin").rename(engine / "bin")
    write_environment(engine, python)
    _replace(engine / "stamp.json", json.dumps(asdict(stamp), indent=2) + "\n")


def write_environment(engine: Path, python: Path) -> None:
    """Write `.engine/env`, to be sourced by any POSIX shell from any folder.

    Args:
        engine: Absolute path of `.engine`.
        python: The interpreter that has the program's packages. The language host that we build is too old
            to read it from `Pulumi.yaml`.
    """
    text = (
        "# Written by `make setup`. Use it with:  . .engine/env\n"
        f'export PATH={shlex.quote(str(engine / "bin"))}:"$PATH"\n'
        f"export PULUMI_PYTHON_CMD={shlex.quote(str(python))}\n"
        "export PULUMI_SKIP_UPDATE_CHECK=1\n"
    )
    file = engine / "env"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        _replace(file, text)


def _replace(file: Path, text: str) -> None:
    """Write a file that readers see either as it was or whole."""
    descriptor, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as new:
        new.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(file)
