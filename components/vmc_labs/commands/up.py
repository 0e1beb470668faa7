"""`up`: bring every lab of a spec about; a lab that is done costs one look."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from types import FrameType

from vmc_labs.fleet import sizing
from vmc_labs.fleet.lab import Control
from vmc_labs.fleet.plan import Step, plan_up
from vmc_labs.fleet.results import LabResult, LabTask
from vmc_labs.fleet.scheduler import run_labs
from vmc_labs.fleet.session import FleetSession
from vmc_labs.fleet.status import LabStatus
from vmc_labs.output.live_table import LiveFleet
from vmc_labs.output.terminal import Output

_GLANCE_SECONDS = 0.1
MakeExecutor = Callable[[int], contextlib.AbstractContextManager[Executor]]
"""(how many labs at a time) -> an executor to run them on."""


def run(
    session: FleetSession,
    *,
    failed: bool,
    parallel: int | None,
    executor: MakeExecutor | None,
    output: Output,
) -> list[LabResult]:
    """Bring the labs about and return what came of each.

    Args:
        session: the fleet.
        failed: only the labs whose last run failed.
        parallel: how many at a time; None: as the spec says, or as many as this machine can run.
        executor: where labs run; None: in threads of this process.
        output: takes what goes on.

    Raises:
        RequestError: something is missing or wrong that every lab would fail on; nothing was touched.
        CommandFailed, VmcError: what is there could not be seen; nothing was touched.
    """
    session.ready_to_act()
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=True)
    steps = plan_up(session.labs, snapshot, failed=failed)
    done = [
        LabResult(
            lab=step.lab.name,
            status=step.found.status,
            has_changed=False,
            outputs=dict(snapshot.states[step.lab.stack].outputs),
        )
        for step in steps
        if step.found.status is LabStatus.LINKED and not failed
    ]
    if done:
        output.say(f"{len(done)} of {len(steps)} labs are linked already")
    done += act(session, steps, parallel=parallel, output=output, executor=executor)
    names = [step.lab.name for step in steps]
    return sorted(done, key=lambda result: names.index(result.lab))


def act(
    session: FleetSession,
    steps: Sequence[Step],
    *,
    parallel: int | None,
    output: Output,
    executor: MakeExecutor | None = None,
    lost_hosts: Sequence[str] = (),
    force: bool = False,
) -> list[LabResult]:
    """Do what a plan says, with what the person sees meanwhile and Ctrl-C; returns a result for each lab.

    Raises:
        RequestError: this machine has no folder or too few open files for them; nothing was touched.
    """
    spec = session.spec
    tasks = [
        LabTask(
            verb=step.verb,
            event=spec.event,
            lab=step.lab,
            backend=session.backend,
            token_variables=spec.token_variables,
            work_dir=session.paths.root / "labs" / step.lab.name,
            log_file=session.paths.log_file(step.lab),
            secrets_provider=spec.secrets_provider,
            needs_link=step.found.needs_link,
            blocked=step.reason if step.found.is_blocked else None,
            lost_hosts=tuple(lost_hosts),
            force=force,
        )
        for step in steps
        if step.verb
    ]
    if not tasks:
        return []
    session.paths.prepare()
    requested = parallel or spec.parallel
    if requested is None or executor is None:
        # Here, unlike on a cluster's workers, this machine is the limit.
        requested = sizing.parallel(requested=requested and min(requested, len(tasks)))
    width = min(len(tasks), requested)
    where = " on each worker" if executor else ""
    output.say(f"{tasks[0].verb}: {len(tasks)} labs, {width} at a time; logs in {session.paths.logs}{where}")
    with LiveFleet(output, len(tasks)) as live:
        control = Control(emit_progress=live.emit_progress, stop=threading.Event())
        with interruptible(control, live.say), (executor or ThreadPoolExecutor)(width) as pool:
            return run_labs(
                tasks,
                pool,
                parallel=width,
                # It holds locks, which only threads of this process can share.
                control=control if isinstance(pool, ThreadPoolExecutor) else None,
                stop=control.stop,
                report=live.report,
                start_jitter_seconds=spec.start_jitter.total_seconds(),
            )


@contextlib.contextmanager
def interruptible(control: Control, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C once: no new labs, running ones end at a safe point. Twice: they end now."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = 0

    def note(_number: int, _frame: FrameType | None) -> None:
        # Nothing else: it runs between any two steps of the main thread, which may hold any lock.
        nonlocal pressed
        pressed += 1

    def pass_on() -> None:
        while not ended.wait(_GLANCE_SECONDS):
            if pressed and not control.stop.is_set():
                control.stop.set()
                say("no new labs; the running ones end at a safe point (Ctrl-C again: now)")
            if pressed > 1 and not control.force_stop.is_set():
                control.force_stop.set()
                say("ending now; the next run finds out what became of interrupted work")

    ended = threading.Event()
    listener = threading.Thread(target=pass_on, name="ctrl-c", daemon=True)
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    listener.start()
    try:
        yield
    finally:
        ended.set()
        listener.join()
        for number, handler in before.items():
            signal.signal(number, handler)
