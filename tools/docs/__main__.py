"""`python -m tools.docs PAGE…`: run the command blocks of pages in a fresh clone, against the sandbox.

Exit code 1: a command failed, or an output is not as the page shows it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox.environment import Sandbox
from tools.docs.blocks import Ran, run_page

REPOSITORY = Path(__file__).resolve().parents[2]
_A_BLOCK_SECONDS = 900.0
_AN_ORGANISATION = "11111111-2222-3333-4444-555555555555"
"""What the pages have for the reader's own."""

_UNFINISHED = shutil.ignore_patterns("partial-*", "lock", "quick")


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """What is committed, with the changes that are not yet, as somebody gets it who clones it.

    Only the engine is this folder's: it takes minutes where it has to be built.
    """
    with tempfile.TemporaryDirectory(prefix="fresh-clone-") as folder:
        clone = Path(folder) / "vmc-account-link"
        _git("clone", "--quiet", REPOSITORY.as_uri(), str(clone), cwd=REPOSITORY)
        changes = _git("diff", "HEAD", "--binary", cwd=REPOSITORY)
        if changes:
            subprocess.run(["git", "apply", "-"], cwd=clone, input=changes, check=True)  # noqa: S607
        for name in _git("ls-files", "--others", "--exclude-standard", "-z", cwd=REPOSITORY).split(b"\0"):
            if name:
                copy = clone / name.decode()
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name.decode(), copy)
        if (REPOSITORY / ".engine").exists():
            shutil.copytree(REPOSITORY / ".engine", clone / ".engine", symlinks=True, ignore=_UNFINISHED)
        yield clone


def _git(*arguments: str, cwd: Path) -> bytes:
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603, S607


def reader_environment(box: Sandbox, home: Path) -> dict[str, str]:
    """Of a reader with an organisation, AWS credentials and the CLI, and without this project's packages."""
    environment = box.process_environment()
    ours = {str(REPOSITORY / ".venv" / "bin"), str(REPOSITORY / ".engine" / "bin")}
    path = [folder for folder in environment["PATH"].split(os.pathsep) if folder not in ours]
    unwanted = {"PULUMI_PYTHON_CMD", "VIRTUAL_ENV"}
    kept = {name: value for name, value in environment.items() if name not in unwanted}
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "XDG_STATE_HOME": str(home / "state"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def values_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What the pages have for a value of the reader's own -> the reader's."""
    return {_AN_ORGANISATION: environment["ORG_ID"]}


def run_documented(page: str) -> Iterator[Ran]:
    """Run one page's blocks in a clone of its own."""
    with fresh_clone() as clone, Sandbox.start(clone.parent / "sandbox", accounts=3) as box:
        environment = reader_environment(box, clone.parent)
        yield from run_page(
            clone / page,
            folder=clone,
            environment=environment,
            values=values_of(environment),
            time_limit=_A_BLOCK_SECONDS,
        )


def main(pages: list[str]) -> int:
    """Run pages, showing each block with its output and time."""
    problems = 0
    for page in pages:
        for ran in run_documented(page):
            sys.stdout.write(f"== {page}:{ran.block.line}  {ran.seconds:.0f} s\n{ran.block.text}")
            sys.stdout.write("".join(f"    {line}\n" for line in ran.output.strip().splitlines()))
            sys.stdout.write("".join(f"!! {problem}\n" for problem in ran.problems))
            sys.stdout.flush()
            problems += len(ran.problems)
    return int(problems > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
