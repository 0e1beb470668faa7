"""Recover's order of things, with an engine that a test plays: what is written rests on what is there."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vmc_account_link.errors import CommandFailed, StackLocked
from vmc_account_link.recovery import recover
from vmc_account_link.recovery.recover import RecoverRequest
from vmc_account_link.resource_types import LINK_REQUEST

HERE = (
    "the stack is currently locked by 1 lock(s).\n  s3://b/l.json: created by ann@{host} (pid {pid}) at {at}"
)


def state(*pending: str, resources: int = 1) -> dict[str, Any]:
    operations = [{"type": "creating", "resource": {"urn": f"u::{kind}", "type": kind}} for kind in pending]
    links = [{"urn": f"u::{n}", "type": "t"} for n in range(resources)]
    return {"version": 3, "deployment": {"resources": links, "pending_operations": operations}}


class PlayedEngine:
    """An engine whose states and refusals are given."""

    stack = "dev"

    def __init__(self, folder: Path, states: list[dict[str, Any]], refusals: list[str]) -> None:
        self.folder, self.states, self.refusals = folder, states, refusals
        self.imported: list[dict[str, Any]] = []
        self.unlocked = 0

    def export(self) -> dict[str, Any]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def import_(self, file: Path) -> None:
        if self.refusals:
            raise StackLocked(self.refusals.pop(0))
        self.imported.append(json.loads(file.read_text()))

    def unlock(self) -> None:
        self.unlocked += 1


def play(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    states: list[dict[str, Any]],
    *refusals: str,
    lost_hosts: tuple[str, ...] = (),
    force: bool = False,
) -> tuple[PlayedEngine, list[str]]:
    engine, messages = PlayedEngine(folder, states, list(refusals)), list[str]()
    monkeypatch.setattr(recover, "Engine", lambda *_: engine)
    recover.run(
        RecoverRequest(stack="dev", folder=folder, lost_hosts=lost_hosts, force=force),
        emit_progress=messages.append,
    )
    return engine, messages


def test_a_state_that_changed_while_it_was_locked_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Between two looks an `up` has ended: its result must stay."""
    before, after = state(LINK_REQUEST), state(resources=3)
    lost = HERE.format(host="gone", pid=1, at="2026-01-10T12:00:00Z")
    engine, messages = play(monkeypatch, tmp_path, [before, before, after], lost, lost_hosts=("gone",))
    assert engine.imported == [after]
    assert "the state has changed meanwhile: looking again" in messages
    assert messages[-1] == "Pulumi stack dev is ready for the next run; nothing was under way"


def test_a_state_that_changed_meanwhile_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, messages = play(monkeypatch, tmp_path, [state(), state(resources=3)])
    assert engine.imported == [state(resources=3)]
    assert messages == [
        "the state has changed meanwhile: looking again",
        "Pulumi stack dev has nothing under way",
    ]


def test_a_lost_machines_lock_that_is_no_file_is_removed_by_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = HERE.format(host="gone", pid=1, at="2026-01-10T12:00:00Z")
    engine, messages = play(monkeypatch, tmp_path, [state(LINK_REQUEST)], lost, lost_hosts=("gone",))
    assert engine.unlocked == 1
    assert any("removed the lock of ann@gone" in line for line in messages)
    (kept,) = (tmp_path / ".recovered").iterdir()
    assert json.loads(kept.read_text()) == state(LINK_REQUEST)


def test_a_lock_of_a_machine_that_may_live_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    elsewhere = HERE.format(host="there", pid=1, at="2026-01-10T12:00:00Z")
    with pytest.raises(CommandFailed, match="--lost-host there"):
        play(monkeypatch, tmp_path, [state(LINK_REQUEST)], elsewhere)
    assert not list((tmp_path / ".recovered").iterdir())


def test_a_lock_of_a_process_unknown_here_needs_force(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The host's name and the number may be those of another container."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock = HERE.format(host=socket.gethostname(), pid=ended.pid, at="2026-01-10T12:00:00Z")
    with pytest.raises(CommandFailed, match=r"can't be known here.*--force"):
        play(monkeypatch, tmp_path, [state(LINK_REQUEST)], lock)
    engine, messages = play(monkeypatch, tmp_path, [state(LINK_REQUEST)], lock, force=True)
    assert (engine.unlocked, len(engine.imported)) == (1, 1)
    assert any("removed the lock of ann" in line for line in messages)


def test_a_lock_owner_that_can_not_be_read_counts_as_alive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unreadable = "the stack is currently locked by 1 lock(s).\n  s3://b/l.json: something else"
    with pytest.raises(CommandFailed, match=r"by whom can't be read.*--force"):
        play(monkeypatch, tmp_path, [state(LINK_REQUEST)], unreadable)
    engine, messages = play(monkeypatch, tmp_path, [state(LINK_REQUEST)], unreadable, force=True)
    assert engine.unlocked == 1
    assert "removed the lock" in messages
