"""Many labs with bounded parallelism: a window of running labs slides over the tasks, in their order."""

import concurrent.futures
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from vmc_labs.fleet.lab import Control, run_lab
from vmc_labs.fleet.results import LabResult, LabTask
from vmc_labs.fleet.status import LabStatus


def run_labs(
    tasks: Sequence[LabTask],
    executor: concurrent.futures.Executor,
    *,
    parallel: int,
    control: Control | None,
    stop: threading.Event,
    report: Callable[[LabResult], None],
    start_jitter_seconds: float,
) -> list[LabResult]:
    """Run each task once, at most `parallel` at a time, and return the results in the tasks' order.

    Args:
        tasks: what to do; picklable, as an executor may be on other machines.
        executor: where. Not shut down here.
        parallel: how many labs are in flight at most; no lab is handed to the executor before its turn, so
            that an interruption leaves it untouched.
        control: how a running lab tells its progress and hears of Ctrl-C. It holds locks, so it is for
            executors in this process; None for others.
        stop: once set, no further lab is started.
        report: called with each result as it comes, from the calling thread.
        start_jitter_seconds: a random pause up to this before each start: AWS limits the rate of its calls.
    """
    results: dict[str, LabResult] = {}
    running: dict[concurrent.futures.Future[LabResult], LabTask] = {}

    def collect(done: Iterable[concurrent.futures.Future[LabResult]]) -> None:
        for future in done:
            task = running.pop(future)
            results[task.lab.name] = _result_of(task, future)
            report(results[task.lab.name])

    waiting = iter(tasks)
    for task in _until(stop, waiting):
        if len(running) >= parallel:
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            collect(done)
        if start_jitter_seconds and running:
            stop.wait(random.uniform(0, start_jitter_seconds))  # noqa: S311 # nosec B311 - no secret hangs on it
        if stop.is_set():
            results[task.lab.name] = _not_begun(task)
            break
        running[executor.submit(run_lab, task, control)] = task
    while running:
        done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
        collect(done)
    for task in waiting:
        results[task.lab.name] = _not_begun(task)
    return [results[task.lab.name] for task in tasks]


def _until(stop: threading.Event, tasks: Iterator[LabTask]) -> Iterator[LabTask]:
    while not stop.is_set():
        try:
            yield next(tasks)
        except StopIteration:
            return


def _not_begun(task: LabTask) -> LabResult:
    return LabResult(
        lab=task.lab.name,
        status=LabStatus.INTERRUPTED,
        has_changed=False,
        error="not begun: run the command again",
    )


def _result_of(task: LabTask, future: concurrent.futures.Future[LabResult]) -> LabResult:
    """The lab's result; an executor that lost it (a worker that died) is a failure of that lab alone."""
    error = future.exception()
    if error is None:
        return future.result()
    reason = " ".join(str(error).split()) or type(error).__name__
    return LabResult(
        lab=task.lab.name,
        status=LabStatus.FAILED,
        error=f"it was lost in the middle ({type(error).__name__}: {reason[:200]}): run `up` again",
    )
