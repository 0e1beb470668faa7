"""The meter on real processes: nothing that a command starts goes unaccounted, and nothing outlives it."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.measure import CommandFailed, measure

_BURN = "import time\nwhile time.process_time() < {}: pass\n"
_ORPHANED = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {burn!r}], start_new_session=True)
"""


def test_a_process_that_outlives_its_parent_is_counted(tmp_path: Path) -> None:
    code = _ORPHANED.format(burn=_BURN.format(0.6))
    begun = time.monotonic()
    cost = measure([sys.executable, "-c", code], environment=dict(os.environ), folder=tmp_path)
    assert 0.6 <= cost.cpu_seconds <= 1.2
    assert cost.wall_seconds < time.monotonic() - begun - 0.4, "the wall time is the command's own"


def test_what_is_left_behind_is_ended_and_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_GRACE_SECONDS", "0.2")
    code = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    with pytest.raises(CommandFailed, match="left behind") as failure:
        measure([sys.executable, "-c", code], environment=dict(os.environ), folder=tmp_path)
    pid = int(str(failure.value).splitlines()[-1])
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_a_command_that_fails_gives_no_figure(tmp_path: Path) -> None:
    code = "import sys; print('no such lab'); sys.exit(3)"
    with pytest.raises(CommandFailed, match=r"exit code 3\nno such lab"):
        measure([sys.executable, "-c", code], environment=dict(os.environ), folder=tmp_path)


def test_a_bench_that_a_script_started_in_the_background_measures_the_same(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
        measure([sys.executable, "-c", code], environment=dict(os.environ), folder=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
