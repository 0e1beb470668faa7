"""Completion of the two commands in a shell. Real: the scripts, and bash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

SCRIPTS = Path(sys.executable).parent
COMMANDS = {
    "vmc-account-link": {"doctor", "inspect", "recover", "status", "unlink"},
    "vmc-labs": {"doctor", "down", "logs", "outputs", "plan", "reap", "recover", "report", "status", "up"},
}
OPTIONS = {"vmc-account-link": ("doctor", "--iam-policy"), "vmc-labs": ("up", "--failed")}


def variable(script: str) -> str:
    return f"_{script.upper().replace('-', '_')}_COMPLETE"


def reply(script: str, instruction: str, *typed: str) -> str:
    """What the script says where a shell's completion asks it."""
    line = (script, *typed)
    completing = {"COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    environment = {**os.environ, variable(script): instruction, **completing}
    done = subprocess.run([SCRIPTS / script], env=environment, capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout


def offered(script: str, shell: str, *typed: str) -> set[str]:
    """What the script offers for the last of the words."""
    lines = reply(script, f"{shell}_complete", *typed).splitlines()
    # bash: `plain,doctor`; zsh: three lines for each, kind, name and help.
    return {line.partition(",")[2] for line in lines} if shell == "bash" else set(lines[1::3])


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("script", COMMANDS)
def test_a_shell_is_offered_commands_and_their_options(script: str, shell: str) -> None:
    assert offered(script, shell, "") >= COMMANDS[script]
    assert script in reply(script, f"{shell}_source")
    command, option = OPTIONS[script]
    assert option in offered(script, shell, command, "--")


@pytest.mark.parametrize("script", COMMANDS)
def test_the_line_for_bash_completes_what_is_typed(script: str) -> None:
    """The line of the page "Install", and what bash then does at the Tab key."""
    line = f'eval "$({variable(script)}=bash_source {script})"'
    name = script.replace("-", "_")
    press = f'COMP_WORDS=({script} do); COMP_CWORD=1; _{name}_completion {script}; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{line}; complete -p {script}; {press}"],
        env={**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    bound, completed = done.stdout.splitlines()
    assert bound.endswith(f" {script}")
    assert set(completed.split()) == {name for name in COMMANDS[script] if name.startswith("do")}


@pytest.mark.parametrize("script", COMMANDS)
def test_the_page_names_the_line(script: str) -> None:
    page = REPOSITORY / "docs" / "how-to" / "install.md"
    assert f'eval "$({variable(script)}=bash_source {script})"' in page.read_text(encoding="utf-8")
