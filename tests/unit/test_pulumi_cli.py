"""The runner of the Pulumi CLI: what its refusals become, how it is ended. Real: processes, as scripts."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmc_account_link import pulumi_cli
from vmc_account_link.cli.project import Project
from vmc_account_link.errors import CommandFailed, RequestError, StackLocked, StateUnreadable
from vmc_account_link.pulumi_cli import PulumiCli, error_in
from vmc_account_link.recovery.engine import Engine

Script = Callable[[str], None]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes the CLI on PATH a script of the shell's, in a folder that is a project's too."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "Pulumi.yaml").write_text("name: proof\nruntime: python\n")

    def write(text: str) -> None:
        (tmp_path / "pulumi").write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "pulumi").chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("said", "kind", "line"),
    [
        (
            "warning: old\nerror: no stack named 'dev' found\nUsage: …",
            CommandFailed,
            "pulumi stack export: no stack named 'dev' found",
        ),
        ("error: failed to load checkpoint: EOF", StateUnreadable, "read the state of Pulumi stack dev: "),
        ("error: the stack is currently locked by 1 lock(s).", StackLocked, "error: the stack is currently"),
        ("see https://b/s?X-Signature=abc", CommandFailed, "pulumi stack export: see https://b"),
        ("", CommandFailed, "pulumi stack export: it failed"),
    ],
)
def test_a_failure_is_a_typed_error_with_the_engines_message(
    said: str, kind: type[CommandFailed], line: str, script: Script, tmp_path: Path
) -> None:
    script(f'cat >&2 <<"END"\n{said}\nEND\nexit 255')
    logged: list[str] = []
    with pytest.raises(CommandFailed) as raised:
        PulumiCli(tmp_path, "dev", log=logged.append).export()
    assert type(raised.value) is kind
    assert str(raised.value).startswith(line)
    assert "Signature" not in str(raised.value)
    assert logged == [said]


def test_the_error_is_found_among_all_that_a_command_said() -> None:
    assert error_in("Updating\n\n  error: no\nmore\n") == "no"
    assert error_in("one\ntwo\n") == "two"


def test_without_a_cli_on_path_the_request_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match="there is no `pulumi` on PATH"):
        PulumiCli(tmp_path).backend_url()


def test_a_question_has_its_arguments_its_stack_and_no_input(script: Script, tmp_path: Path) -> None:
    script('read -r line; printf "%s|" "$PWD" "$line" "$@"')
    cli = PulumiCli(tmp_path, "dev")
    start = f"{tmp_path}||--non-interactive|--color|never|"
    assert cli.ask("cancel", "--yes") == f"{start}cancel|--yes|--stack|dev|"
    assert cli.ask("whoami", of_stack=False) == f"{start}whoami|"
    assert PulumiCli(tmp_path).ask("config") == f"{start}config|"


@pytest.mark.parametrize("own_session", [True, False])
def test_a_silent_cli_is_interrupted_before_it_is_killed(
    own_session: bool,  # noqa: FBT001
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that one that writes gives its lock back; and none is left behind that does not."""
    monkeypatch.setattr(pulumi_cli, "_GRACE_SECONDS", 0.5)
    ending = "while true; do sleep 0.1; done"
    script(f'trap "touch {tmp_path}/asked" INT; {ending}')
    started: list[tuple[int, bool]] = []

    @contextlib.contextmanager
    def around(pid: int) -> Iterator[None]:
        started.append((pid, os.getsid(pid) == pid))
        yield

    cli = PulumiCli(tmp_path, stop=threading.Event() if own_session else None)
    begin = time.monotonic()
    with pytest.raises(CommandFailed, match=r"^pulumi stack import: no answer within 1 s"):
        cli.ask("stack", "import", seconds=0.8, around=around)
    assert time.monotonic() - begin < 10
    assert (tmp_path / "asked").exists()
    ((pid, has_a_session),) = started
    assert has_a_session is own_session, "else the terminal's Ctrl-C would not reach who it should"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_import_is_on_record_while_it_runs_and_no_longer(script: Script, tmp_path: Path) -> None:
    script(f"sleep 0.5; ls {tmp_path}/.recovered/engines > {tmp_path}/seen")
    Engine(tmp_path, "dev").import_(tmp_path / "state.json")
    assert (tmp_path / "seen").read_text().count(".json") == 1
    assert list((tmp_path / ".recovered" / "engines").iterdir()) == []


def test_an_unreadable_stack_is_a_wrong_request_with_a_hint(script: Script, tmp_path: Path) -> None:
    script("echo 'error: no stack selected' >&2; exit 255")
    for ask in (Project(tmp_path, None).config, Project(tmp_path, None).links):
        with pytest.raises(
            RequestError, match=r"no stack selected\. Select a Pulumi stack .* name it with --stack"
        ):
            ask()


def test_a_stack_to_which_nothing_was_done_holds_no_link(script: Script, tmp_path: Path) -> None:
    script("""echo '{"version": 3, "deployment": null}'""")
    assert Project(tmp_path, "dev").links() == ()
