"""A Dask cluster on this machine: a scheduler and workers, each a process with a sandbox's environment."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.patience import PATIENCE_SECONDS, until


@contextmanager
def process(environment: Mapping[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module, with its arguments, as a process that ends with the block."""
    with log.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=REPOSITORY, env={**environment, "PYTHONPATH": str(REPOSITORY)}, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
        started.wait(PATIENCE_SECONDS)


def address_of(file: Path) -> str:
    """The scheduler's address, from the file that it writes."""
    until(file.exists)
    (address,) = (part for part in file.read_text().split('"') if part.startswith("tcp://"))
    return address


@contextmanager
def cluster(
    environment: Mapping[str, str], folder: Path, *, workers: int, threads: int
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler with workers that are all there: (its address, the workers' processes)."""
    from distributed import Client  # noqa: PLC0415 - slow to load

    file = folder / "scheduler.json"
    flags = ("--scheduler-file", str(file))
    worker = ("dask", "worker", *flags, "--no-nanny", "--nthreads", str(threads), "--no-dashboard")
    with ExitStack() as stack:
        stack.enter_context(
            process(
                environment, folder / "s.log", "dask", "scheduler", *flags, "--port", "0", "--no-dashboard"
            )
        )
        processes = [
            stack.enter_context(process(environment, folder / f"{n}.log", *worker, "--name", f"w{n}"))
            for n in range(workers)
        ]
        address = address_of(file)
        with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(workers, timeout=PATIENCE_SECONDS)
        yield address, processes
