"""`python -m bench [QUESTION…]`: measure, keep every run, and write the results down."""

import argparse
import dataclasses
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench.meter import REPOSITORY, CommandFailed
from bench.page import publish, read, section
from bench.questions import QUESTIONS, TABLE
from sandbox.environment import path_with_engine

_RESULTS = REPOSITORY / "bench-results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the questions and return the exit code: 1 where a contender failed; a missed aim is a result."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "questions", nargs="*", metavar="QUESTION", help=f"of {', '.join(QUESTIONS)}; default all"
    )
    parser.add_argument("--again", action="store_true", help="also what has a result of this code already")
    parser.add_argument("--trial", action="store_true", help="tiny sizes: shows that the bench works")
    parser.add_argument(
        "--publish", action="store_true", help="measure nothing: write down what has a result of this code"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", default=_RESULTS, help="of the runs")
    options = parser.parse_args(arguments)
    if unknown := set(options.questions) - set(QUESTIONS):
        parser.error(f"no question {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
    options.to.mkdir(parents=True, exist_ok=True)
    # Where it is set, as in many containers, each process of each contender compiles what it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    about = {**_about(), "trial": options.trial}
    kept = {question: options.to / f"{question}.jsonl" for question in QUESTIONS}
    for question in () if options.publish else options.questions or QUESTIONS:
        if options.again or not _has_result(kept[question], about):
            try:
                _run(question, kept[question], about)
            except CommandFailed as error:
                _print(f"{question}: {error}")
                return 1
        sys.stdout.write(section(read(kept[question].read_text("utf-8"))[1][question]))
    whole = [file for file in kept.values() if _has_result(file, about)]
    if not options.trial and (options.publish or len(whole) == len(kept)):
        if not whole:
            _print("nothing was measured of this code")
            return 1
        head, *_ = whole[0].read_text("utf-8").splitlines(keepends=True)
        publish("".join([head, *(line for file in whole for line in _runs(file))]))
        _print("docs/performance.md, its plots and the README's figures are written")
    return 0


def _runs(kept: Path) -> list[str]:
    return kept.read_text("utf-8").splitlines(keepends=True)[1:]


def _run(question: str, kept: Path, about: Mapping[str, Any]) -> None:
    """Write each run down when it is there; a whole file has the question's name."""
    _print(f"{question}, load {_load()} …")
    begun, growing = time.monotonic(), kept.with_suffix(".part")
    contenders = [one for one in TABLE if one.question == question]
    with growing.open("w", encoding="utf-8") as file:
        file.write(json.dumps({**about, "load": _load()}) + "\n")
        for run in QUESTIONS[question](contenders, is_trial=about["trial"]):
            file.write(json.dumps(dataclasses.asdict(run)) + "\n")
            file.flush()
    growing.replace(kept)
    _print(f"{question}: {time.monotonic() - begun:.0f} s")


def _print(text: str) -> None:
    sys.stdout.write(f"bench: {text}\n")
    sys.stdout.flush()


def _has_result(kept: Path, about: Mapping[str, Any]) -> bool:
    """Whether there is a result of the same code on the same machine."""
    if not kept.exists():
        return False
    before = json.loads(kept.read_text("utf-8").splitlines()[0])
    return all(before[key] == about[key] for key in ("machine", "versions", "trial"))


def _about() -> dict[str, Any]:
    """Processor, memory and versions; nothing that names a machine or a person."""
    environment = {**os.environ, "PATH": path_with_engine()}

    def printed(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return {
        "machine": f"{len(os.sched_getaffinity(0))} cores ({_processor()}), {memory:.0f} GiB, {system}",
        "versions": {
            "commit": printed("git", "describe", "--always", "--dirty", "--exclude=*"),
            "Pulumi CLI": printed("pulumi", "version"),
            **{name: version(name) for name in ("pulumi", "pulumi-aws", "boto3")},
            "Python": platform.python_version(),
        },
        "when": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


if __name__ == "__main__":
    sys.exit(main())
