"""The meter on real processes: nothing that a command starts goes unaccounted, and nothing outlives it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench.meter import CLI, GRACE_VARIABLE, OTHER, CommandFailed, Cost, measure, role_of

_BURN = "import time\nwhile time.process_time() < 0.6: pass\n"
Run = Callable[..., Cost]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(code: str, **arguments: float) -> Cost:
        command = [sys.executable, "-c", code]
        return measure(command, environment=dict(os.environ), folder=tmp_path, **arguments)  # type: ignore[arg-type]

    return run


def test_a_process_that_outlives_its_parent_is_counted(run: Run) -> None:
    begun = time.monotonic()
    orphaned = f"subprocess.Popen([sys.executable, '-c', {_BURN!r}], start_new_session=True)"
    cost = run(f"import subprocess, sys\n{orphaned}")
    assert 0.6 <= cost.cpu_seconds <= 1.4
    assert cost.wall_seconds < time.monotonic() - begun - 0.4, "the wall time is the command's own"


def test_what_is_left_behind_is_ended_and_fails_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRACE_VARIABLE, "0.2")
    code = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    with pytest.raises(CommandFailed, match="left behind") as failure:
        run(code)
    pid = int(str(failure.value).splitlines()[-1])
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_a_command_that_fails_gives_no_figure(run: Run) -> None:
    with pytest.raises(CommandFailed, match=r"exit code 3\nno such lab"):
        run("import sys; print('no such lab'); sys.exit(3)")


def test_memory_and_processes_are_seen_where_somebody_looks(run: Run) -> None:
    code = "import time; kept = bytearray(60_000_000); time.sleep(0.5)"
    assert run(code, sample_seconds=0.05).peak_bytes > 60_000_000
    assert run(code).peak_bytes == 0


def test_a_bench_that_a_script_started_in_the_background_measures_the_same(run: Run) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run("import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)")
    finally:
        signal.signal(signal.SIGINT, before)


def test_each_process_of_an_update_has_its_role() -> None:
    assert role_of(["/x/bin/pulumi", "up"]) == CLI
    assert role_of(["/x/python", "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"]) == "dynamic provider"
    assert role_of(["/x/python", "/x/pulumi-language-python-exec", "--x"]) == "program"
    assert role_of(["/x/python", "/x/vmc-labs", "up"]) == OTHER
