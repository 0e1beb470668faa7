"""Labs on a Dask cluster. Real: a scheduler, two workers as processes, the engine, states in S3 (moto)."""

import concurrent.futures
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from sandbox.environment import Backend, Sandbox
from tests.support.dask_cluster import cluster
from tests.support.fleet_command import environment, fleet_command
from tests.support.patience import until
from vmc_account_link.errors import RequestError
from vmc_labs.fleet.cluster import Loss, WorkerLocation, connected, losses

LABS = 4
SPEC = """\
event: event
labs:
  - name: team-{01..04}
    awsProfile: "{name}"
    awsAccountId: "2000000000{01..04}"
"""


@pytest.mark.engine
def test_labs_of_a_killed_worker_are_recovered_and_done_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Sandbox.start(
        tmp_path / "sandbox", accounts=LABS, backend=Backend.S3, first_poll_seconds=0.2
    ) as box:
        box.control.set_modes(stack_seconds=2, task_seconds=2)
        spec = tmp_path / "spec.yaml"
        spec.write_text(SPEC)
        labs = fleet_command(box, tmp_path, monkeypatch, capsys)
        with cluster(environment(box, tmp_path), tmp_path, workers=2, threads=2) as (scheduler, (one, _)):
            killer = threading.Thread(target=kill_in_the_middle, args=(box, one))
            killer.start()
            done = labs("up", spec, "--scheduler", scheduler)
            killer.join()
        assert one.returncode == -signal.SIGKILL
        assert (done.code, done.out) == (0, f"{LABS} linked\n"), done.err
        assert f"up: {LABS} labs, {LABS} at a time" in done.err, "as many as the workers have threads"
        numbers = [account.number for account in box.accounts]
        assert [record.account_number for record in box.control.connected_accounts()] == numbers
        made = [
            entry.account_number
            for entry in box.control.journal(call="cloudformation.CreateStack")
            if entry.status == 200
        ]
        assert sorted(number for number in made if number) == numbers, "a stack was made twice"


def kill_in_the_middle(box: Sandbox, worker: subprocess.Popen[bytes]) -> None:
    """Kill -9 once every lab's stack is being made."""
    until(lambda: len(box.control.journal(call="cloudformation.CreateStack")) == LABS)
    os.kill(worker.pid, signal.SIGKILL)


def index(worker: str, host: str) -> WorkerLocation:
    return WorkerLocation(host=host, worker=worker, folder="/labs/a")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param([], [], id="a first run has lost nothing"),
        pytest.param([index("tcp://a:1", "a")], [], id="a worker that lives is no loss"),
        pytest.param(
            [index("tcp://a:9", "a")],
            [Loss(host="a", ask="tcp://a:1", folder="/labs/a")],
            id="another worker of the machine is asked",
        ),
        pytest.param(
            [index("tcp://c:1", "c"), index("tcp://b:9", "b")],
            [Loss(host="c", ask=None, folder="/labs/a"), Loss(host="b", ask="tcp://b:1", folder="/labs/a")],
            id="a machine without workers is lost, also after a second loss",
        ),
    ],
)
def test_what_a_labs_earlier_places_mean(before: list[WorkerLocation], expected: list[Loss]) -> None:
    assert losses(before, {"tcp://a:1": "a", "tcp://b:1": "b"}) == expected


def test_a_scheduler_that_is_not_there_is_a_wrong_request() -> None:
    with (
        pytest.raises(RequestError, match="no Dask scheduler answers there"),
        connected("tcp://127.0.0.1:9") as executor,
    ):
        assert isinstance(executor, concurrent.futures.Executor)
