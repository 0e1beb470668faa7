"""The one runner of the Pulumi CLI: every question has a time limit, every refusal is one line."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from vmc_account_link.errors import (
    CommandFailed,
    Interrupted,
    RequestError,
    StackLocked,
    StateUnreadable,
    safe_text,
)
from vmc_account_link.pulumi_state import parse_export

_ANSWER_SECONDS = 60.0
"""For a question to the CLI, which takes half a second; the backend may be far away."""
_LAST_ANSWER_SECONDS = 10.0
"""The same after Ctrl-C."""
_GLANCE_SECONDS = 0.3
_GRACE_SECONDS = 2.0
"""From SIGINT to SIGKILL: a CLI that writes gives its lock back."""
NO_CLI = (
    "there is no `pulumi` on PATH: install the Pulumi CLI (in a clone: `make setup`, then `. .engine/env`)"
)
_PROJECT_FILES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")
"""In the order in which the CLI takes them (seen on 3.274)."""


def find_project_file(folder: Path) -> Path | None:
    """The project's file that the CLI takes in a folder: its own, or that of the next folder above it."""
    start = folder.resolve()
    candidates = (one / name for one in (start, *start.parents) for name in _PROJECT_FILES)
    return next((file for file in candidates if file.is_file()), None)


class PulumiCli:
    """The CLI in one project folder, for one stack."""

    def __init__(
        self,
        folder: Path,
        stack: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        log: Callable[[str], object] = lambda _: None,
        stop: threading.Event | None = None,
        force_stop: threading.Event | None = None,
    ) -> None:
        """Keep what is the same for every question.

        Args:
            folder: of the project.
            stack: its name; None for the one selected in the folder.
            environment: all of the CLI's; None: this process's.
            log: takes all that a failed command said.
            stop: once set, a question has `_LAST_ANSWER_SECONDS` more: it may be what is needed to end well.
                With it, Ctrl-C is this process's to handle: the terminal's does not reach the CLI.
            force_stop: once set, a question is ended.
        """
        self.folder, self.stack = folder, stack
        self._environment, self._log = environment, log
        self._is_driven = stop is not None
        self._stop, self._force_stop = stop or threading.Event(), force_stop or threading.Event()

    def ask(
        self,
        *arguments: str,
        of_stack: bool = True,
        seconds: float | None = None,
        around: Callable[[int], AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> str:
        """Put a question to the CLI, and return what it answered.

        Args:
            arguments: of the CLI.
            of_stack: whether it is about the stack.
            seconds: how long it may take; None: `_ANSWER_SECONDS`.
            around: entered with the process's number while it runs.

        Raises:
            RequestError: there is no CLI on PATH.
            Interrupted: the person did not want to wait for it any more.
            StackLocked: somebody holds the stack, alive or dead.
            StateUnreadable: the backend's copy of the state is damaged.
            CommandFailed: it refused, in its own words, or took too long.
        """
        action = f"pulumi {' '.join(arguments[:2])}"
        stack = ["--stack", self.stack] if of_stack and self.stack else []
        process = start(
            [*arguments, *stack], self.folder, self._environment, own_session=self._is_driven, merged=False
        )
        with process, around(process.pid):
            out, said = self._answer(process, action, _ANSWER_SECONDS if seconds is None else seconds)
        if process.returncode:
            raise self._cli_error(said.strip() or out.strip(), action)
        return out

    def _answer(self, process: "subprocess.Popen[str]", action: str, seconds: float) -> tuple[str, str]:
        until = time.monotonic() + seconds
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.communicate(timeout=_GLANCE_SECONDS)
                if self._stop.is_set():
                    until = min(until, time.monotonic() + _LAST_ANSWER_SECONDS)
                if self._force_stop.is_set() or time.monotonic() > until:
                    break
        finally:
            if process.poll() is None:
                _end(process)
        if self._stop.is_set():
            raise Interrupted(f"{action}: interrupted before it answered; run the command again")
        raise CommandFailed(f"{action}: no answer within {seconds:.0f} s: is the backend reachable?")

    def _cli_error(self, text: str, action: str) -> CommandFailed:
        self._log(text)
        if "currently locked by" in text:
            return StackLocked(text)
        if "failed to load checkpoint" in text:
            return StateUnreadable(f"read the state of Pulumi stack {self.stack}: {error_in(text)}")
        return CommandFailed(f"{action}: {error_in(text)}")

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's state. With `show_secrets` it is for this process's eyes: never write it anywhere.

        Raises:
            CommandFailed: as `ask`.
        """
        return parse_export(self.ask("stack", "export", *(["--show-secrets"] if show_secrets else [])))

    def backend_url(self) -> str:
        """The URL of the backend in use.

        Raises:
            CommandFailed: as `ask`.
        """
        who: dict[str, Any] = json.loads(self.ask("whoami", "--verbose", "--json", of_stack=False))
        return str(who.get("url", ""))


def start(
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str] | None,
    *,
    own_session: bool,
    merged: bool,
) -> "subprocess.Popen[str]":
    """Start the CLI.

    Args:
        arguments: of the CLI.
        folder: of the project.
        environment: all of its environment; None: this process's.
        own_session: whether the terminal's Ctrl-C reaches this process alone.
        merged: whether its errors come in between its answers.

    Raises:
        RequestError: there is none on PATH.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - no shell
            ["pulumi", "--non-interactive", "--color", "never", *arguments],  # noqa: S607 - the person's own
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=own_session,
        )
    except FileNotFoundError:
        raise RequestError(NO_CLI) from None


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a process, and what it has started where that is in a session of its own."""
    _signal(process, signal.SIGKILL)


def error_in(text: str) -> str:
    """The CLI's error out of all that a failed command said, as one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "it failed")
    return safe_text(said.removeprefix("error: "))


def _end(process: "subprocess.Popen[str]") -> None:
    """Have it end, and kill it where it does not."""
    _signal(process, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    if process.poll() is None:
        kill(process)


def _signal(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
