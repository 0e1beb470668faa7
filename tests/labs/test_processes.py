"""A lock's holder and processes left behind: real processes on this machine."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from labs import leftovers
from labs.holder import Holder, holders, is_dead

MESSAGE = """error: the stack is currently locked by 2 lock(s). Either wait for the other processes or …
  file:///state/.pulumi/locks/organization/p/dev/1.json: created by ann@here (pid 12) at 2026-11-24T04:30:16Z
  file:///state/.pulumi/locks/organization/p/dev/2.json: created by bob@there (pid 34) at 2026-11-24T04:31:00Z
"""


LOCK = "file:///state/.pulumi/locks/organization/p/dev/1.json"


def holder(pid: int, *, host: str = "here", since: datetime | None = None) -> Holder:
    moment = (since or datetime.now(UTC)).isoformat(timespec="seconds")
    return Holder(lock=LOCK, user="ann", host=host, pid=pid, since=moment)


def test_the_engines_message_names_every_holder() -> None:
    assert [(h.user, h.host, h.pid) for h in holders(MESSAGE)] == [("ann", "here", 12), ("bob", "there", 34)]
    assert holders(MESSAGE)[0].lock == LOCK
    assert holders("error: something else") == ()


def test_a_holder_on_another_machine_is_neither_dead_nor_alive() -> None:
    assert is_dead(holder(1, host="elsewhere"), host="here") is None


def test_a_holder_that_ended_is_dead_and_so_is_a_number_that_another_program_got() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_dead(holder(ended.pid), host="here") is True
    with running([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        assert is_dead(holder(other.pid), host="here") is True


def test_a_running_pulumi_is_alive(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    with running([str(program), "60"]) as pulumi:
        assert is_dead(holder(pulumi.pid), host="here") is False
        assert is_dead(holder(pulumi.pid, host=socket.gethostname())) is False


def test_a_pulumi_that_is_younger_than_the_lock_got_the_number_later(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    with running([str(program), "60"]) as pulumi:
        assert is_dead(holder(pulumi.pid, since=datetime.now(UTC) - timedelta(hours=1)), host="here") is True


@contextmanager
def running(command: list[str], folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=folder)
    time.sleep(0.3)  # until it has become what it is
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def engine_port() -> Iterator[int]:
    """The port of an engine that listens for as long as the test holds it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_provider_whose_engine_is_gone_is_found_and_ended(tmp_path: Path) -> None:
    with running([*SLEEPER, "127.0.0.1:9"], tmp_path) as orphan:
        (found,) = leftovers.left_behind(tmp_path)
        assert found.pid == orphan.pid
        leftovers.end((found,))
        assert not psutil.pid_exists(orphan.pid)
    assert leftovers.left_behind(tmp_path) == ()


def test_one_that_does_not_listen_to_reason_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_GRACE_SECONDS", 0.5)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with running([sys.executable, "-c", stubborn, "127.0.0.1:9"], tmp_path) as orphan:
        leftovers.end(leftovers.left_behind(tmp_path))
        assert not psutil.pid_exists(orphan.pid)


def test_a_provider_of_a_living_engine_or_of_another_project_is_let_be(
    tmp_path: Path, engine_port: int
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with (
        running([*SLEEPER, f"127.0.0.1:{engine_port}"], tmp_path),
        running([*SLEEPER, "127.0.0.1:9"], elsewhere),
        running([*SLEEPER, "no address"], tmp_path),
    ):
        assert leftovers.left_behind(tmp_path) == ()
