"""Labs on a Dask cluster that somebody else has set up: the executor, and what the loss of a worker means.

When a worker is lost, Dask runs its labs again on another one. What the lost one has left is found like after
any crash, but for one thing: the lock in the backend names a process of another machine, of which nobody
here can say whether it lives. So each lab's worker writes down where it runs, in the scheduler; the next
worker of the same lab asks a worker on that machine to end what lives on there. If there is none any more,
the machine itself counts as lost, after as long as an engine without its driver may live on.
"""

import concurrent.futures
import contextlib
import dataclasses
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vmc_account_link.errors import RequestError
from vmc_account_link.recovery.orphaned_engines import end_orphaned_engines
from vmc_labs.fleet.results import LabResult, LabTask

_CONNECT_SECONDS = 10.0
_KEY = "vmc-account-link"
_LIVES_ON_SECONDS = 90.0
"""An engine whose driver is gone has ended by then: see vmc_account_link.recovery.orphaned_engines."""

Run = Callable[[LabTask, Any], LabResult]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLocation:
    """Where a lab runs, or ran."""

    host: str
    """As the engine writes it into a lock: the machine's own name."""
    worker: str
    """The worker's address: no later one has it again."""
    folder: str
    """The lab's folder there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A lab's last worker is gone."""

    host: str
    ask: str | None
    """A worker on the same machine; None: the whole machine is lost."""
    folder: str


def losses(before: Sequence[WorkerLocation], hosts: Mapping[str, str]) -> list[Loss]:
    """What a lab's earlier places mean for its next one. Pure.

    Args:
        before: where the lab was begun and not ended, the first one first.
        hosts: the living workers' addresses -> their machines' names.
    """
    found = []
    for index in before:
        if index.worker not in hosts:
            same = sorted(worker for worker, host in hosts.items() if host == index.host)
            found.append(Loss(host=index.host, ask=same[0] if same else None, folder=index.folder))
    return found


class ClusterExecutor(concurrent.futures.Executor):
    """Runs labs on a cluster's workers, each with what the loss of an earlier worker has left."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # A lab is no pure function: asked for twice, it is looked at twice.
        self._executor = client.get_executor(pure=False)

    @property
    def width(self) -> int:
        """How many labs the workers take at a time: one for each thread."""
        return max(sum(int(threads) for threads in self._client.nthreads().values()), 1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> concurrent.futures.Future[Any]:
        """Hand a lab to a worker: `fn` of the task and no control, which can't leave its process."""
        future: concurrent.futures.Future[Any] = self._executor.submit(run_on_worker, fn, args[0])
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Wait for what runs; the cluster goes on."""
        self._executor.shutdown(wait=wait)


@contextlib.contextmanager
def connected(scheduler: str) -> Iterator[ClusterExecutor]:
    """An executor on the cluster of that scheduler, `tcp://host:8786`.

    Raises:
        RequestError: Dask is not installed, or no scheduler answers there, or it has no workers.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - a dependency group of its own
    except ImportError:
        raise RequestError("--scheduler needs Dask: pip install distributed") from None
    try:
        connect: Any = Client
        client = connect(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = type(error).__name__
        raise RequestError(f"--scheduler {scheduler}: no Dask scheduler answers there ({reason})") from None
    with client:
        if not client.nthreads():
            raise RequestError(
                f"--scheduler {scheduler}: the cluster has no workers: start some, `dask worker`"
            )
        yield ClusterExecutor(client)


def run_on_worker(run: Run, task: LabTask) -> LabResult:
    """Run a lab in a worker, after an end is made of what its last worker has left."""
    from distributed import get_client, get_worker  # noqa: PLC0415 - a dependency group of its own

    client: Any = get_client()
    key = [_KEY, task.lab.stack]
    before = [WorkerLocation(**location) for location in client.get_metadata(key, default=None) or ()]
    gone = _end_what_lives_on(
        client, task.lab.stack, losses(before, client.run(socket.gethostname) if before else {})
    )
    here = WorkerLocation(host=socket.gethostname(), worker=get_worker().address, folder=str(task.work_dir))
    # Kept until the lab has ended: a worker that is lost before it has recovered hands both losses on.
    client.set_metadata(key, [dataclasses.asdict(index) for index in (*before, here)])
    result = run(dataclasses.replace(task, lost_hosts=(*task.lost_hosts, *gone)), None)
    client.set_metadata(key, None)
    return result


def _end_what_lives_on(client: Any, stack: str, lost: Sequence[Loss]) -> list[str]:
    """End a lab's engines at its earlier places; the machines on which nobody is left to do that."""
    gone = [one.host for one in lost if one.ask is None]
    for one in lost:
        if one.ask is not None:
            client.run(_end_orphaned_engines, one.folder, stack, workers=[one.ask])
    if gone:
        time.sleep(_LIVES_ON_SECONDS)
    return gone


def _end_orphaned_engines(folder: str, stack: str) -> None:
    """In a worker on the same machine."""
    end_orphaned_engines(Path(folder), stack, lambda _: None)
