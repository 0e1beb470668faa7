"""A CLI that does not answer, does not end, or whose output nobody takes. Real: processes, as scripts."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import until
from vmc_account_link import pulumi_cli
from vmc_account_link.api.client import VmcClient
from vmc_account_link.errors import CommandFailed, Interrupted
from vmc_account_link.settings import ApiToken, VmcSettings
from vmc_labs.engine import lab_engine
from vmc_labs.engine.dynamic_provider import DynamicProvider
from vmc_labs.engine.lab_engine import LabEngine

SETTINGS = VmcSettings(org_id="none", credentials=ApiToken(value="none"))
Make = Callable[..., LabEngine]


def ignore(_: object) -> None:
    """Take an event, or a line."""


def no_dynamic_resources() -> DynamicProvider:
    return DynamicProvider(SETTINGS, ignore, VmcClient)


@pytest.fixture
def engine(tmp_path: Path) -> Make:
    """An engine whose CLI is a script of the shell's."""

    def make(script: str, **options: Any) -> LabEngine:
        cli = tmp_path / "pulumi"
        cli.write_text(f"#!/bin/bash\n{script}\n")
        cli.chmod(0o755)
        values: dict[str, Any] = {
            "log": ignore,
            "stop": threading.Event(),
            "force_stop": threading.Event(),
            "is_interruptible": lambda: True,
            **options,
        }
        return LabEngine(
            stack="event-one",
            folder=tmp_path / "one",
            environment={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            **values,
        )

    return make


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_a_cli_without_an_answer_ends_in_one_line(engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_cli, "_ANSWER_SECONDS", 0.5)
    with pytest.raises(CommandFailed, match=r"^pulumi stack tag: no answer within 0 s: is the backend"):
        engine("sleep 60").tag("a", "b")


def test_a_question_is_ended_at_once_by_the_second_ctrl_c(engine: Make) -> None:
    stop, force_stop = threading.Event(), threading.Event()
    requested = engine("sleep 60", stop=stop, force_stop=force_stop)
    for event in (stop, force_stop):
        threading.Timer(0.5, event.set).start()
    begin = time.monotonic()
    with pytest.raises(Interrupted, match="interrupted before it answered"):
        requested.read_state()
    assert time.monotonic() - begin < 5


def test_a_question_has_a_little_time_after_the_first_ctrl_c(
    engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the tag that says how an interrupted lab ended."""
    monkeypatch.setattr(pulumi_cli, "_LAST_ANSWER_SECONDS", 2.0)
    stop = threading.Event()
    stop.set()
    assert engine("sleep 0.7; echo []", stop=stop).stacks("a=b") == ()
    with pytest.raises(Interrupted):
        engine("sleep 60", stop=stop).read_state()


SIGNALLED = 'trap "echo INT" INT; echo ready; while true; do sleep 0.1; done'


@pytest.mark.parametrize("is_interruptible", [True, False])
def test_a_second_ctrl_c_ends_an_update_whatever_it_does(
    is_interruptible: bool,  # noqa: FBT001
    engine: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that was asked to end before: it hears two SIGINTs, and is killed where they do not help."""
    monkeypatch.setattr(lab_engine, "_GRACE_SECONDS", 1.0)
    stop, force_stop, lines = threading.Event(), threading.Event(), list[str]()
    running = engine(
        SIGNALLED,
        stop=stop,
        force_stop=force_stop,
        is_interruptible=lambda: is_interruptible,
        log=lines.append,
    )
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(running.destroy(no_dynamic_resources(), ignore)))
    thread.start()
    until(lambda: "ready" in lines)
    stop.set()
    if is_interruptible:
        until(lambda: lines.count("INT") == 1)
    time.sleep(1.0)
    assert lines.count("INT") == int(is_interruptible), "the first Ctrl-C is one SIGINT, at a safe point"
    force_stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert lines.count("INT") == 2
    assert (ended[0].was_interrupted, ended[0].code) == (True, -9)


def test_a_listener_that_fails_does_not_kill_the_cli(engine: Make, tmp_path: Path) -> None:
    """Nobody reading it, the CLI would die of its own next line."""
    logged: list[str] = []

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    talking = """for n in $(seq 20000); do echo '{"sequence": 1}'; done
echo '{"diagnosticEvent": {"severity": "error", "message": "what went wrong"}}'; touch "$PWD/ended"; exit 3"""
    ended = engine(talking, log=logged.append).destroy(no_dynamic_resources(), fail)
    assert (tmp_path / "one" / "ended").exists()
    assert (ended.code, ended.errors) == (3, ("what went wrong",))
    assert "No space left on device" in logged[-1], "it is in the log"
