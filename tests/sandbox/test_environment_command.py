"""`python -m sandbox` as people run it: real processes, real signals."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sandbox.__main__ import export_lines
from sandbox.control.client import SandboxControl
from tests.support.paths import REPOSITORY
from tests.support.patience import until

PATIENCE_SECONDS = 60.0
PLAIN = {**os.environ, "AWS_PROFILE": "work"}


def sandbox(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=REPOSITORY, env={**PLAIN, **environment}, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return sandbox("run", "--", *command)


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox process that ends with the block, in a process group of its own."""
    started = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=REPOSITORY, env=PLAIN, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


def exports(lines: str) -> dict[str, str]:
    commands = [shlex.split(line) for line in lines.splitlines() if line.startswith("export ")]
    return {name: value for _, word in commands for name, _, value in [word.partition("=")]}


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/sandbox/clock", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("code", [0, 7])
def test_run_exits_with_the_commands_code(code: int) -> None:
    assert run("sh", "-c", f"exit {code}").returncode == code


def test_run_exits_with_128_and_the_signal_that_ended_the_command() -> None:
    assert run("sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_run_says_in_one_line_that_there_is_no_such_command() -> None:
    result = run("no-such-command")
    assert (result.returncode, result.stderr) == (
        127,
        "sandbox: no-such-command: No such file or directory\n",
    )


def test_run_gives_the_command_the_sandbox_and_stops_it_after() -> None:
    script = "import json, os, requests; print(json.dumps(dict(os.environ))); "
    script += "requests.get(os.environ['VMC_URL'] + '/sandbox/modes', timeout=5).raise_for_status()"
    result = run(sys.executable, "-c", script)
    assert result.returncode == 0, result.stderr
    environment = json.loads(result.stdout)
    assert "AWS_PROFILE" not in environment
    assert not is_up(environment["VMC_URL"])
    assert not Path(environment["PULUMI_HOME"]).exists()


def test_run_sets_modes() -> None:
    script = "import os, requests; print(requests.get(os.environ['VMC_URL'] + '/sandbox/modes').json())"
    modes = (
        "--mode",
        "task_seconds=9",
        "--mode",
        "task_outcome=fail",
        "--mode",
        "deleted_records_listed=true",
    )
    result = sandbox("run", *modes, "--", sys.executable, "-c", script)
    assert "'task_outcome': 'fail', 'task_seconds': 9.0" in result.stdout
    assert "'deleted_records_listed': True" in result.stdout


@pytest.mark.parametrize(
    ("mode", "reason"), [("speed=1", "no mode 'speed'"), ("speed", "not of the form key=value")]
)
def test_wrong_mode_is_a_wrong_request(mode: str, reason: str) -> None:
    result = sandbox("run", "--mode", mode, "--", "true")
    assert result.returncode == 2
    assert reason in result.stderr


def test_run_passes_sigterm_on_and_waits() -> None:
    script = "trap 'echo ended; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with process("run", "--", "sh", "-c", script) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        started.terminate()
        assert started.stdout.read() == "ended\n"
        assert started.wait(PATIENCE_SECONDS) == 3


def test_run_leaves_ctrl_c_to_the_command_and_waits() -> None:
    script = "trap 'echo one; sleep 0.3; exit 4' INT; echo ready; while :; do sleep 0.05; done"
    with process("run", "--", "sh", "-c", script) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        # As a terminal does: to the whole group.
        os.killpg(started.pid, signal.SIGINT)
        assert started.stdout.read() == "one\n"
        assert started.wait(PATIENCE_SECONDS) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_shows_exports_and_stays_until_interrupted(number: signal.Signals) -> None:
    with process("serve") as started:
        assert started.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("export no_proxy="):
            lines.append(started.stdout.readline())
            assert lines[-1], "it ended"
        assert "unset AWS_PROFILE\n" in lines
        url = exports("".join(lines))["VMC_URL"]
        with SandboxControl(url) as control:
            assert control.links() == ()
        started.send_signal(number)
        assert started.wait(PATIENCE_SECONDS) == 0
    assert not is_up(url)


def test_serve_writes_a_private_file_and_removes_it(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.env"
    with process("serve", "--env-file", str(file)) as started:
        until(file.exists, patience_seconds=PATIENCE_SECONDS, pause_seconds=0.02)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        sourced = subprocess.run(
            ["sh", "-c", f". {shlex.quote(str(file))}; echo $VMC_URL"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert is_up(sourced.stdout.strip())
        started.terminate()
        assert started.wait(PATIENCE_SECONDS) == 0
    assert list(tmp_path.iterdir()) == []


def test_export_lines_quote_what_a_shell_would_read() -> None:
    lines = export_lines({"A": "it's $HOME", "B": ""}, unset=("A", "C"))
    assert lines == "unset C\nexport A='it'\\''s $HOME'\nexport B=''\n"
    assert exports(lines) == {"A": "it's $HOME", "B": ""}
