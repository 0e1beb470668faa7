"""Labs on two hosts: a real Dask scheduler, a worker on each host, the engine, states in S3 (moto).

The hosts are namespaces of this machine (tests/support/hosts.py), which need root on Linux: `make two-hosts`.
"""

import contextlib
import dataclasses
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.environment import Backend
from tests.support.dask_cluster import address_of, process
from tests.support.hosts import GATEWAY, Host, forwarder, host, network
from tests.support.patience import PATIENCE_SECONDS, until
from tests.sweep.fleet_stage import FleetStage, fleet_stage

LABS = 4
LINK_SECONDS = 300.0
"""By the sandbox's clock, which then jumps."""
LIVES_ON_SECONDS = 2.0
"""How long a worker waits for the end of a lost host's engines: here the host has certainly ended."""
SHORT_WAIT = f"import vmc_labs.fleet.cluster as cluster; cluster._LIVES_ON_SECONDS = {LIVES_ON_SECONDS}"
SILENT_SECONDS = "12s"
"""After so long the scheduler takes a connection without any answer for lost; Dask's own is 30 s."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A scheduler and two hosts with a worker each, which takes two labs at a time."""

    on: FleetStage
    scheduler: subprocess.Popen[bytes]
    address: str
    one: Host
    other: Host
    ends: contextlib.ExitStack

    def up(self) -> subprocess.Popen[str]:
        """Start `vmc-labs up` on the cluster; it ends with the test at the latest."""
        driver = self.ends.enter_context(self.on.start("up", "--scheduler", self.address))
        self.ends.callback(driver.kill)
        return driver


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Everything is there, nothing has been requested."""
    from distributed import Client  # noqa: PLC0415 - slow to load

    with contextlib.ExitStack() as stack:
        stack.enter_context(network())
        on = stack.enter_context(
            fleet_stage(tmp_path / "stage", LABS, backend=Backend.S3, first_poll_seconds=0.2)
        )
        environment = {**on.environment(), "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": SILENT_SECONDS}
        urls = (on.box.vmware_url, on.box.environment["AWS_ENDPOINT_URL"])
        ports = [port for url in urls if (port := urlsplit(url).port)]
        gate = forwarder(ports, GATEWAY, "127.0.0.1")
        stack.enter_context(process(environment, tmp_path / "forwarder.log", *gate))
        file = tmp_path / "scheduler.json"
        flags = (
            "scheduler",
            "--scheduler-file",
            str(file),
            "--host",
            GATEWAY,
            "--port",
            "0",
            "--no-dashboard",
        )
        scheduler = stack.enter_context(process(environment, tmp_path / "scheduler.log", "dask", *flags))
        address = address_of(file)
        worker = ["dask", "worker", address, "--host", "{address}", "--no-nanny"]
        worker += ["--nthreads", "2", "--no-dashboard", "--preload", SHORT_WAIT]
        one, other = (
            stack.enter_context(host(number, tmp_path / f"host-{number}", environment, ports, worker))
            for number in (1, 2)
        )
        with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(2, timeout=PATIENCE_SECONDS)
        yield Cluster(on=on, scheduler=scheduler, address=address, one=one, other=other, ends=stack)


def logs(of: Host) -> dict[str, str]:
    """The logs of the labs that a host has had."""
    return {file.stem: file.read_text("utf-8") for file in of.state.rglob("logs/*.log")}


@contextlib.contextmanager
def paused(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process and have it go on after the block."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.engine
def test_labs_are_raised_over_two_hosts(cluster: Cluster) -> None:
    assert not cluster.on.end(cluster.up())
    assert not cluster.on.fell_short()
    here, there = logs(cluster.one), logs(cluster.other)
    assert (len(here), len(there), len({*here, *there})) == (2, 2, LABS), "two threads each for four labs"


@pytest.mark.engine
def test_labs_of_a_lost_host_are_recovered_on_the_other_one(cluster: Cluster) -> None:
    on, one, other = cluster.on, cluster.one, cluster.other
    # The other host's labs are at work for as long as somebody looks.
    on.box.control.set_modes(task_seconds=LINK_SECONDS)
    driver = cluster.up()
    until(lambda: on.stacks_requested() == LABS)
    with paused(cluster.scheduler):
        one.lose()
        lost, alive = logs(one), logs(other)
        assert (len(lost), len(alive)) == (2, 2)
        records = [json.loads(file.read_text()) for file in one.state.rglob(".recovered/engines/*.json")]
        assert {(record["host"], record["at"]["machine"]) for record in records} == {
            (one.name, one.machine_id)
        }

        # The lock is of a machine that nobody has called lost. Those of the other host are in use.
        said = subprocess.run(
            [sys.executable, "-m", "vmc_labs", "recover", str(on.spec), "--lost-host", "host-9"],
            env=on.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.returncode == 1, said.stderr
        for name, of in (*dict.fromkeys(lost, one).items(), *dict.fromkeys(alive, other).items()):
            assert re.search(
                f"^{name} failed: the Pulumi stack is locked by .*@{of.name} ", said.stdout, re.MULTILINE
            )
        assert "asking engine" not in said.stderr, "an engine of a host that lives"

    on.box.control.set_modes(task_seconds=1.0)
    on.box.control.advance(LINK_SECONDS)
    assert not on.end(driver)
    assert not on.fell_short()
    for name in lost:
        assert re.search(
            rf"\[recover\] removed the lock of .*@{one.name} .*, which is dead", logs(other)[name]
        )
    assert not on.end(cluster.up())
    assert not on.fell_short(), "the next run made something"
