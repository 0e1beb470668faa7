"""Labs on a Dask cluster. Real: a scheduler, two workers as processes, the engine, states in S3 (moto)."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs.cluster import ClusterExecutor, Loss, Place, connected, losses
from labs.errors import RequestError
from labs.fleet import run_labs
from labs.results import LabOutcome, LabTask, Verb
from labs.spec import Credentials, LabSpec, Service
from sandbox.environment import Backend, Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
LABS = 4
PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@contextmanager
def process(box: Sandbox, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the cluster, with the sandbox's environment, that ends with the block."""
    environment = {**box.process_environment(), "PYTHONPATH": str(REPOSITORY)}
    with log.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=REPOSITORY, env=environment, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
        started.wait(PATIENCE_SECONDS)


def address_of(file: Path) -> str:
    until(file.exists)
    (address,) = (part for part in file.read_text().split('"') if part.startswith("tcp://"))
    return address


def lab_task(box: Sandbox, folder: Path, number: int) -> LabTask:
    account = box.accounts[number]
    environment = box.environment
    lab = LabSpec(
        name=account.profile,
        stack=f"event-{account.profile}",
        service=Service(
            org_id=environment["ORG_ID"], vmc_url=environment["VMC_URL"], csp_url=environment["CSP_URL"]
        ),
        credentials=Credentials(profile=account.profile),
        aws_account_id=account.number,
        settings={},
    )
    return LabTask(
        verb=Verb.UP, event="event", lab=lab, backend=environment["PULUMI_BACKEND_URL"],
        work_dir=folder / lab.name, log_file=folder / f"{lab.name}.log",
    )  # fmt: skip


@pytest.mark.engine
def test_labs_of_a_killed_worker_are_recovered_and_done_by_another(tmp_path: Path) -> None:
    with Sandbox.start(
        tmp_path / "sandbox", accounts=LABS, backend=Backend.S3, first_poll_seconds=0.2
    ) as box:
        box.control.set_modes(stack_seconds=2, task_seconds=2)
        file = tmp_path / "scheduler.json"
        flags = ("--scheduler-file", str(file))
        worker = ("worker", *flags, "--no-nanny", "--nthreads", "2", "--no-dashboard")
        with (
            process(box, tmp_path / "s.log", "scheduler", *flags, "--port", "0", "--no-dashboard"),
            process(box, tmp_path / "1.log", *worker, "--name", "one") as one,
            process(box, tmp_path / "2.log", *worker, "--name", "two"),
            connected_when_there(address_of(file), workers=2) as executor,
        ):
            assert executor.width == LABS
            tasks = [lab_task(box, tmp_path / "work", number) for number in range(LABS)]
            killer = threading.Thread(target=kill_in_the_middle, args=(box, one))
            killer.start()
            results = run_labs(tasks, executor, parallel=executor.width)
            killer.join()
        assert one.returncode == -signal.SIGKILL
        assert [(r.outcome, r.error) for r in results] == [(LabOutcome.READY, None)] * LABS
        numbers = [account.number for account in box.accounts]
        assert [record.account_number for record in box.control.connected_accounts()] == numbers
        made = [
            entry.account_number
            for entry in box.control.journal(call="cloudformation.CreateStack")
            if entry.status == 200
        ]
        assert sorted(number for number in made if number) == numbers, "a stack was made twice"


@contextmanager
def connected_when_there(scheduler: str, *, workers: int) -> Iterator[ClusterExecutor]:
    from distributed import Client  # noqa: PLC0415 - slow to load

    with Client(scheduler, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(workers, timeout=PATIENCE_SECONDS)
    with connected(scheduler) as executor:
        yield executor


def kill_in_the_middle(box: Sandbox, worker: subprocess.Popen[bytes]) -> None:
    """Kill -9 once every lab's stack is being made."""
    until(lambda: len(box.control.journal(call="cloudformation.CreateStack")) == LABS)
    os.kill(worker.pid, signal.SIGKILL)


def place(worker: str, host: str) -> Place:
    return Place(host=host, worker=worker, folder="/labs/a")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param([], [], id="a first run has lost nothing"),
        pytest.param([place("tcp://a:1", "a")], [], id="a worker that lives is no loss"),
        pytest.param(
            [place("tcp://a:9", "a")],
            [Loss(host="a", ask="tcp://a:1", folder="/labs/a")],
            id="another worker of the machine is asked",
        ),
        pytest.param(
            [place("tcp://c:1", "c"), place("tcp://b:9", "b")],
            [Loss(host="c", ask=None, folder="/labs/a"), Loss(host="b", ask="tcp://b:1", folder="/labs/a")],
            id="a machine without workers is lost, also after a second loss",
        ),
    ],
)
def test_what_a_labs_earlier_places_mean(before: list[Place], expected: list[Loss]) -> None:
    assert losses(before, {"tcp://a:1": "a", "tcp://b:1": "b"}) == expected


def test_a_scheduler_that_is_not_there_is_a_wrong_request() -> None:
    with (
        pytest.raises(RequestError, match="no Dask scheduler answers there"),
        connected("tcp://127.0.0.1:9") as executor,
    ):
        assert isinstance(executor, concurrent.futures.Executor)
