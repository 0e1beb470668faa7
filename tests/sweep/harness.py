"""The harness of the bulk sweeps: cases in processes of their own, their results as a table and as JSON.

To add a case, let the `cases` of its sweep have one more: a frozen dataclass derived from `Case`, which
pickles, with a row and a column of the table, and `play`, which does it and hands back a `Played`. To add a
sweep, write a module with a `Sweep` and name it in `__main__.py`. The pool, the table, the files, `--resume`,
`--cases`, `--list`, the exit code and what becomes of a case that raises are here, once.
"""

import argparse
import atexit
import dataclasses
import functools
import itertools
import json
import re
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.support.forms import AS_DOCUMENTED, Form
from tests.support.results import save_results, say
from tests.sweep.stage import Stages
from tests.sweep.verdict import Verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Played:
    """What a case hands back."""

    verdict: str = "ok"
    """How it ended, in a word for the table, where it did not fall short."""
    fell_short: str = ""
    """Empty where everything is as it should be; else what is not."""
    said: str = ""
    """What was said or measured, in one line."""
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What else the file of results keeps."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result(Played):
    """What became of a case."""

    case: str
    seconds: float


class Case(ABC):
    """One thing to play, with a verdict on what it leaves."""

    @property
    @abstractmethod
    def row(self) -> str:
        """Where in the table."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Where in the table."""

    @property
    def name(self) -> str:
        """The case in a list; unique in its sweep."""
        return f"{self.row}: {self.column}"

    @property
    def idles(self) -> bool:
        """Whether it waits half a minute or more without doing anything."""
        return False

    @property
    def needs_link(self) -> bool:
        """Whether it starts from what a case without that has left, in the same process."""
        return False

    @property
    def form(self) -> Form:
        """The form in which the service answers; one that needs a link follows one that left it so."""
        return AS_DOCUMENTED

    @abstractmethod
    def play(self, stages: Stages, /) -> Played:
        """Do it, on a stage if it needs one; an exception is a case that fell short."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """A set of cases with a name, under which its results are saved."""

    name: str
    purpose: str
    """For `--help`."""
    cases: Callable[[argparse.Namespace], Iterable[Case]]
    legend: str
    """What the verdicts mean, below the table."""
    add_options: Callable[[argparse.ArgumentParser], None] = lambda _: None
    """The sweep's own options, which `cases` gets."""
    workers: int = 2
    """Processes, unless `--workers` says otherwise."""


def run(sweep: Sweep, options: argparse.Namespace) -> int:
    """Play a sweep's cases; 1 where one falls short, 2 where there is none of that name."""
    chosen = re.compile(options.cases)
    cases = [case for case in sweep.cases(options) if chosen.search(case.name)]
    if not cases:
        say(f"no case of {sweep.name} has a match of {options.cases!r}; --list names them")
        return 2
    if options.list:
        say("\n".join(case.name for case in cases))
        return 0
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    kept = load(folder, sweep) if options.resume else {}
    results = {case.name: kept[case.name] for case in cases if case.name in kept}
    todo = [case for case in cases if case.name not in results]
    for result in play_all(todo, workers=options.workers or sweep.workers, idle_workers=options.idle_workers):
        results[result.case] = result
        save_results(folder, sweep.name, results.values(), report(sweep, cases, results))
        said = ": ".join(filter(None, (result.verdict, result.fell_short or result.said)))
        say(f"{len(results)}/{len(cases)} {result.seconds:5.1f} s  {result.case}  {said}")
    save_results(folder, sweep.name, results.values(), report(sweep, cases, results))
    say(report(sweep, cases, results) if options.table else totals(cases, results))
    say(f"{folder / f'{sweep.name}.txt'}, {folder / f'{sweep.name}.json'}")
    return int(any(result.fell_short for result in results.values()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every sweep has."""
    parser.add_argument("folder", type=Path, help="for the results, as a table and as JSON")
    parser.add_argument("--resume", action="store_true", help="keep the results that are in the folder")
    parser.add_argument("--cases", default="", metavar="PATTERN", help="only those whose name has a match")
    parser.add_argument("--workers", type=int, help="processes that work")
    parser.add_argument("--idle-workers", type=int, default=3, help="processes that wait (default 3)")
    parser.add_argument("--list", action="store_true", help="name the cases and play none")
    parser.add_argument("--table", action="store_true", help="print the table at the end")


def play_all(cases: Sequence[Case], *, workers: int, idle_workers: int) -> Iterator[Result]:
    """Play cases and yield their results as they come.

    Args:
        cases: what to play.
        workers: processes for cases that keep a core busy.
        idle_workers: further ones for cases that wait half a minute for a time-out.
    """
    # Spawned, not forked: this process may hold threads, and moto's state is the process's.
    context = get_context("spawn")
    with ExitStack() as stack:
        futures = []
        for idles, count in ((False, workers), (True, idle_workers)):
            if mine := [case for case in cases if case.idles == idles]:
                pool = stack.enter_context(ProcessPoolExecutor(max_workers=count, mp_context=context))
                futures += [pool.submit(_play, course) for course in courses(mine)]
        for future in as_completed(futures):
            yield from future.result()


def courses(cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """Cases in the order to play them in, one process each: what needs a link, after what leaves one."""
    found: list[tuple[Case, ...]] = []
    for form in dict.fromkeys(case.form for case in cases):
        alike = [case for case in cases if case.form == form]
        first = [case for case in alike if not case.needs_link]
        then = [case for case in alike if case.needs_link]
        found += [
            tuple(case for case in pair if case is not None) for pair in itertools.zip_longest(first, then)
        ]
    return found


def _play(course: Sequence[Case]) -> list[Result]:
    return [play(case, _stages()) for case in course]


@functools.cache
def _stages() -> Stages:
    """Those of this worker, taken down as it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True))
    return stack.enter_context(Stages(Path(folder)))


def play(case: Case, stages: Stages) -> Result:
    """Play one case here; whatever it raises, it has shown nothing and falls short."""
    began = time.monotonic()
    try:
        played = case.play(stages)
    except Exception as error:  # noqa: BLE001 - whatever it was
        first_line = next(iter(str(error).splitlines()), "")
        played = Played(fell_short=f"the case itself failed: {type(error).__name__}: {first_line}")
    wire = {field.name: getattr(played, field.name) for field in dataclasses.fields(Played)}
    verdict = Verdict.FELL_SHORT.value if played.fell_short else played.verdict
    seconds = round(time.monotonic() - began, 1)
    return Result(**{**wire, "verdict": verdict}, case=case.name, seconds=seconds)


def load(folder: Path, sweep: Sweep) -> dict[str, Result]:
    """The results of an earlier run, by case; none where there are none."""
    path = folder / f"{sweep.name}.json"
    if not path.exists():
        return {}
    return {one["case"]: Result(**one) for one in json.loads(path.read_text(encoding="utf-8"))}


def report(sweep: Sweep, cases: Sequence[Case], results: Mapping[str, Result]) -> str:
    """The table, what its words mean, the totals, and a line for each case that fell short."""
    short = [f"FELL SHORT  {one.case}: {one.fell_short}" for one in results.values() if one.fell_short]
    end = f"{sweep.legend}; {Verdict.FELL_SHORT}: none of that; ?: not played; -: can't happen there"
    return "\n".join([*table(cases, results), "", end, totals(cases, results), *short, ""])


def table(cases: Sequence[Case], results: Mapping[str, Result]) -> list[str]:
    """Row by column -> verdict; with numbers where several cases have one place."""
    columns = list(dict.fromkeys(case.column for case in cases))
    rows: dict[str, dict[str, Counter[str]]] = {}
    for case in cases:
        verdict = results[case.name].verdict if case.name in results else "?"
        rows.setdefault(case.row, {}).setdefault(case.column, Counter())[verdict] += 1
    shown = {row: [_cell(cells.get(column)) for column in columns] for row, cells in rows.items()}
    lines = [["", *columns], *([row, *cells] for row, cells in shown.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        " ".join(f"{text:{'<' if not i else '>'}{widths[i]}}" for i, text in enumerate(line))
        for line in lines
    ]


def _cell(verdicts: Counter[str] | None) -> str:
    if not verdicts:
        return "-"
    is_one = verdicts.total() == 1
    return ", ".join(verdict if is_one else f"{count} {verdict}" for verdict, count in verdicts.items())


def totals(cases: Sequence[Case], results: Mapping[str, Result]) -> str:
    """One line: how many cases ended how."""
    counted = Counter(results[case.name].verdict for case in cases if case.name in results)
    parts = [f"{count} {verdict}" for verdict, count in sorted(counted.items())]
    if missing := len(cases) - counted.total():
        parts.append(f"{missing} not played")
    return f"{len(cases)} cases: {', '.join(parts) or 'none'}"
