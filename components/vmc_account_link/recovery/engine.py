"""The Pulumi CLI in a project's folder, for one stack: what a recovery asks of it and has it write."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import CommandError, PulumiCommand

from vmc_account_link.errors import CommandFailed, RequestError, StackLocked, StateUnreadable
from vmc_account_link.pulumi_state import parse_export
from vmc_account_link.recovery.lock_owner import recorded


class Engine:
    """The CLI in one project folder, for one stack."""

    def __init__(self, folder: Path, stack: str) -> None:
        """Find the CLI.

        Raises:
            RequestError: there is no project in the folder, or no CLI on PATH.
        """
        if not (folder / "Pulumi.yaml").is_file():
            raise RequestError(
                f"there is no Pulumi.yaml in {folder}: run this in the project's folder, or name it"
            )
        self.folder = folder.resolve()
        self.stack = stack
        try:
            self._command = PulumiCommand()
        except (CommandError, OSError):
            raise RequestError(
                "there is no `pulumi` on PATH: run `make setup`, then `. .engine/env`"
            ) from None

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's state. With `show_secrets` it is for this process's eyes: never write it anywhere.

        Raises:
            StateUnreadable: the backend's copy is damaged.
            CommandFailed: the engine refused, in its own words.
        """
        flags = ["--show-secrets"] if show_secrets else []
        return parse_export(self._run("stack", "export", *flags))

    def backend_url(self) -> str:
        """The URL of the backend in use.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        who: dict[str, Any] = json.loads(self._run("whoami", "--verbose", "--json", of_stack=False))
        return str(who.get("url", ""))

    def project(self) -> str:
        """The project's name."""
        described = yaml.safe_load((self.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        return str(described["name"])

    def import_(self, file: Path) -> None:
        """Replace the stack's state by that of `file`; the engine keeps the old one as a backup too.

        Raises:
            StackLocked: somebody holds the stack, alive or dead; nothing was changed.
            CommandFailed: the engine refused, in its own words.
        """
        # Not by `_run`: an import that is killed leaves a lock, and then it has to be known whose.
        command = [
            "pulumi",
            "stack",
            "import",
            "--file",
            str(file),
            "--stack",
            self.stack,
            "--non-interactive",
        ]
        with (
            subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            recorded(process.pid, self.folder),
        ):
            _, said = process.communicate()
        if process.returncode:
            raise self._refused(said, "stack", "import")

    def unlock(self) -> None:
        """Delete the stack's lock, whoever holds it.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        self._run("cancel", "--yes")

    def _run(self, *arguments: str, of_stack: bool = True) -> str:
        stack = ["--stack", self.stack] if of_stack else []
        try:
            return self._command.run([*arguments, *stack], str(self.folder), {}).stdout
        except CommandError as error:
            raise self._refused(str(error), *arguments) from None

    def _refused(self, text: str, *arguments: str) -> CommandFailed:
        if "currently locked by" in text:
            return StackLocked(text)
        if "failed to load checkpoint" in text:
            return StateUnreadable(f"read the state of stack {self.stack}: {_said(text)}")
        return CommandFailed(f"pulumi {' '.join(arguments[:2])}: {_said(text)}")


def _said(text: str) -> str:
    """The engine's error out of all that a failed command printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "it failed")
