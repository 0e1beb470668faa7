"""A lock's holder and processes left behind: real processes on this machine."""

import dataclasses
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from vmc_account_link.recovery import orphaned_plugins
from vmc_account_link.recovery.lock_owner import LockOwner, Machine, is_dead, is_visible, owners, recorded
from vmc_account_link.recovery.orphaned_engines import orphaned_engines

MESSAGE = """error: the stack is currently locked by 2 lock(s). Either wait for the other processes or …
  file:///state/.pulumi/locks/organization/p/dev/1.json: created by ann@here (pid 12) at 2026-11-24T04:30:16Z
  file:///state/.pulumi/locks/organization/p/dev/2.json: created by bob@there (pid 34) at 2026-11-24T04:31:00Z
"""


LOCK = "file:///state/.pulumi/locks/organization/p/dev/1.json"


def owner(pid: int, *, host: str | None = None, since: datetime | None = None) -> LockOwner:
    moment = (since or datetime.now(UTC)).isoformat(timespec="seconds")
    return LockOwner(lock=LOCK, user="ann", host=host or socket.gethostname(), pid=pid, since=moment)


@contextmanager
def engine(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of that name, which ends with the block."""
    program = folder / "pulumi"
    if not program.exists():
        program.symlink_to("/bin/sleep")
    with running([str(program), "60"]) as process:
        yield process


def killed_engine(folder: Path) -> int:
    """The number of an engine that was written down and killed, and whose driver could not strike it out."""
    with engine(folder) as process, ExitStack() as ours:
        ours.enter_context(recorded(process.pid, folder))
        ours.pop_all()
        return process.pid


def test_the_engines_message_names_every_lock_owner() -> None:
    assert [(h.user, h.host, h.pid) for h in owners(MESSAGE)] == [("ann", "here", 12), ("bob", "there", 34)]
    assert owners(MESSAGE)[0].lock == LOCK
    assert owners("error: something else") == ()


def test_a_message_with_an_unreadable_owner_names_none() -> None:
    assert owners(MESSAGE.replace("bob@there (pid 34)", "somebody")) == ()


def test_an_engine_of_ours_is_alive_while_it_runs_and_dead_after(tmp_path: Path) -> None:
    with engine(tmp_path) as process:
        with recorded(process.pid, tmp_path):
            assert is_dead(owner(process.pid), tmp_path) is False
        assert is_dead(owner(process.pid), tmp_path) is None, "the record goes when the engine has ended"
    pid = killed_engine(tmp_path)
    assert is_dead(owner(pid), tmp_path) is True
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.json")} == {0o600}


def test_a_lock_that_no_record_tells_of_is_neither_dead_nor_alive(tmp_path: Path) -> None:
    """Its number may be free here and in use in another container of the same host name."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_dead(owner(ended.pid), tmp_path) is None
    pid = killed_engine(tmp_path)
    assert is_dead(owner(pid, host="elsewhere"), tmp_path) is None
    before = datetime.now(UTC) - timedelta(hours=1)
    assert is_dead(owner(pid, since=before), tmp_path) is None, "an older lock of the same number"


@pytest.mark.parametrize("part", ["boot", "machine", "namespace"])
@pytest.mark.parametrize("value", ["another", ""], ids=["another", "not known"])
def test_a_record_of_another_machine_start_or_container_proves_nothing(
    tmp_path: Path, part: str, value: str
) -> None:
    pid = killed_engine(tmp_path)
    there = dataclasses.replace(Machine.here(), **{part: value})
    assert is_dead(owner(pid), tmp_path, here=there) is None


def test_a_number_that_another_program_got_is_no_engine_of_ours(tmp_path: Path) -> None:
    pid = killed_engine(tmp_path)
    (file,) = tmp_path.rglob("*.json")
    with running(SLEEPER) as other:
        record = json.loads(file.read_text())
        file.write_text(json.dumps({**record, "pid": other.pid}))
        assert is_dead(owner(other.pid), tmp_path) is True
    assert is_dead(owner(pid), tmp_path) is None


def test_an_engine_as_old_as_the_lock_is_visible_here(tmp_path: Path) -> None:
    with engine(tmp_path) as process:
        assert is_visible(owner(process.pid))
        assert not is_visible(owner(process.pid, host="elsewhere"))
        assert not is_visible(owner(process.pid, since=datetime.now(UTC) - timedelta(hours=1)))
    assert not is_visible(owner(process.pid))


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


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def program(folder: Path, name: str, text: str = "import time; time.sleep(60)") -> list[str]:
    """A script of that name, started as the engine starts a provider's."""
    script = folder / name
    script.write_text(text)
    return [sys.executable, str(script)]


def test_a_provider_whose_engine_is_gone_is_found_and_ended(tmp_path: Path) -> None:
    with running([*program(tmp_path, "pulumi-resource-aws"), "127.0.0.1:9"], tmp_path) as orphaned:
        (found,) = orphaned_plugins.left_behind(tmp_path, "dev")
        assert (found.pid, found.command) == (orphaned.pid, "pulumi-resource-aws")
        orphaned_plugins.end((found,))
        assert not psutil.pid_exists(orphaned.pid)
    assert orphaned_plugins.left_behind(tmp_path, "dev") == ()


def test_one_that_does_not_listen_to_reason_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphaned_plugins, "_GRACE_SECONDS", 0.5)
    with running([*program(tmp_path, "pulumi-resource-aws", STUBBORN), "127.0.0.1:9"], tmp_path) as orphaned:
        orphaned_plugins.end(orphaned_plugins.left_behind(tmp_path, "dev"))
        assert not psutil.pid_exists(orphaned.pid)


def test_a_provider_of_a_living_engine_or_of_another_project_is_let_be(
    tmp_path: Path, engine_port: int
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    provider = program(tmp_path, "pulumi-resource-aws")
    with (
        running([*provider, f"127.0.0.1:{engine_port}"], tmp_path),
        running([*provider, "127.0.0.1:9"], elsewhere),
        running([*provider, "no address"], tmp_path),
    ):
        assert orphaned_plugins.left_behind(tmp_path, "dev") == ()


def test_whatever_else_has_an_address_as_its_last_argument_is_let_be(tmp_path: Path) -> None:
    with running([*SLEEPER, "127.0.0.1:9"], tmp_path):
        assert orphaned_plugins.left_behind(tmp_path, "dev") == ()


def test_a_provider_of_another_stack_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_STACK", "other")
    with running([*program(tmp_path, "pulumi-resource-aws"), "127.0.0.1:9"], tmp_path):
        assert orphaned_plugins.left_behind(tmp_path, "org/project/dev") == ()
        assert orphaned_plugins.left_behind(tmp_path, "org/project/other") != ()


def test_an_engine_is_orphaned_once_its_driver_is_gone(tmp_path: Path, engine_port: int) -> None:
    (tmp_path / "pulumi").symlink_to(sys.executable)
    sleep = [str(tmp_path / "pulumi"), "-c", "import time; time.sleep(60)"]
    gone, stack = "--client=127.0.0.1:9", ("--stack", "dev")
    with (
        running([*sleep, gone, *stack], tmp_path) as orphaned,
        running([*sleep, gone, "--stack", "other"], tmp_path),
        running([*sleep, f"--client=127.0.0.1:{engine_port}", *stack], tmp_path),
        running([*SLEEPER, gone, *stack], tmp_path),
    ):
        assert [process.pid for process in orphaned_engines(tmp_path, "dev")] == [orphaned.pid]
