"""`python -m tests.guards [FOLDER]`: take out each behaviour of the table, and see its tests fail.

A copy of the code is changed, one behaviour at a time, and pytest run on the tests that guard it; before that
all of them are run on the code as it is. Exit code 1 if a test still passes without its behaviour, or did not
run.
"""

import argparse
import os
import queue
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.guards.checkout import Checkout, Ended
from tests.guards.mutant import Guard, Verdict, WrongTable, not_passed, reason, verdict
from tests.guards.report import Line, save, table, totals
from tests.guards.table import GUARDS
from tests.support.results import say

_TEST_SECONDS = 150
_SECONDS = 200.0
_ALL_SECONDS = 1800.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them out; 1 where a test still passes or did not run, 2 where there is nothing to start from."""
    options = _parser().parse_args(arguments)
    guards = [one for one in GUARDS if not options.only or any(word in _words(one) for word in options.only)]
    if options.list or not guards:
        say("\n".join(_words(one) for one in guards) or "there is no such guard")
        return 0 if guards else 2
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="guards-", ignore_cleanup_errors=True) as scratch:
        try:
            copies = [Checkout(Path(scratch) / f"worker-{n}") for n in range(options.workers)]
            _make_sure_that_all_pass(copies[0], guards, options.workers)
        except WrongTable as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        for judged, lines in _judge_all(guards, copies):
            save(folder, lines)
            for line in judged:
                say(f"{line.seconds:6.1f} s  {line.verdict}: {line.test}")
                if line.verdict is not Verdict.SEEN_TO_FAIL:
                    say(f"    without: {line.behaviour} {line.said}")
    say(table(lines) if options.table else totals(lines))
    say(f"{folder / 'guards.txt'}, {folder / 'guards.json'}")
    return 0 if all(line.verdict is Verdict.SEEN_TO_FAIL for line in lines) else 1


def _make_sure_that_all_pass(copy: Checkout, guards: Sequence[Guard], workers: int) -> None:
    """Run every test of the guards on the code as it is.

    Raises:
        WrongTable: one fails, or there is no such test.
    """
    tests = dict.fromkeys(test for one in guards for test in one.tests)
    started = time.monotonic()
    ended = copy.pytest("-n", str(workers), "--dist", "worksteal", *tests, seconds=_ALL_SECONDS)
    if ended.code == 1 and (failed := not_passed(ended.summary)):
        # Once more by itself: another load of this machine may have been the reason.
        ended = copy.pytest("-n", "0", *failed, seconds=_ALL_SECONDS)
    if ended.code:
        said = "\n".join(line for line in ended.summary.splitlines() if not line.startswith("PASSED "))
        raise WrongTable(f"with nothing taken out the tests must pass:\n{said}")
    say(f"with nothing taken out {len(tests)} tests pass ({time.monotonic() - started:.0f} s)")


def _judge_all(
    guards: Sequence[Guard], copies: Sequence[Checkout]
) -> Iterator[tuple[Sequence[Line], list[Line]]]:
    """Judge the guards on as many copies at a time; yields those of each, and all so far in order."""
    free: queue.SimpleQueue[Checkout] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)
    found: dict[int, list[Line]] = {}
    with ThreadPoolExecutor(len(copies)) as pool:
        futures = {pool.submit(_judge, one, free): place for place, one in enumerate(guards)}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                yield future.result(), [line for place in sorted(found) for line in found[place]]
        finally:
            # After Ctrl-C no further one is begun.
            pool.shutdown(cancel_futures=True)


def _judge(one: Guard, free: "queue.SimpleQueue[Checkout]") -> list[Line]:
    """Take one behaviour out and run its tests."""
    copy, started = free.get(), time.monotonic()
    # One that fails must not hide another.
    flags = ("-n", "0", f"--timeout={_TEST_SECONDS}", *(("-x",) if len(one.tests) == 1 else ()))
    try:
        with copy.without(one.without):
            ended = copy.pytest(*flags, *one.tests, seconds=_SECONDS * len(one.tests))
    except WrongTable as error:
        ended = Ended(code=-1, summary=str(error))
    finally:
        free.put(copy)
    seconds = (time.monotonic() - started) / len(one.tests)
    return [
        Line(
            behaviour=one.behaviour,
            files=tuple(dict.fromkeys(change.file for change in one.without)),
            test=test,
            verdict=verdict(test, ended.code, ended.summary),
            said=reason(test, ended.summary),
            seconds=round(seconds, 1),
        )
        for test in one.tests
    ]


def _words(one: Guard) -> str:
    return f"{one.behaviour} [{', '.join(one.tests)}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("sweep-results"), help="for guards.txt and .json"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORDS",
        help="those whose behaviour or tests have these words; may be given again",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=min(4, 2 * (os.cpu_count() or 1)),
        choices=range(1, 9),
        help="copies at a time (default 4 on two cores: the engine waits half of its time)",
    )
    parser.add_argument("--list", action="store_true", help="name the guards and take nothing out")
    parser.add_argument("--table", action="store_true", help="print the table at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
