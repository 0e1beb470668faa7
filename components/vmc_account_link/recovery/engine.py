"""The Pulumi CLI for one stack: what a recovery asks of it and has it write."""

import functools
from pathlib import Path

import yaml

from vmc_account_link.errors import RequestError
from vmc_account_link.pulumi_cli import PulumiCli, find_project_file
from vmc_account_link.recovery.lock_owner import recorded

_IMPORT_SECONDS = 600.0
"""For writing a state: to stop it on the way costs another recovery."""


class Engine(PulumiCli):
    """The CLI in one project folder, for one stack."""

    stack: str

    def __init__(self, folder: Path, stack: str) -> None:
        """Find the project.

        Raises:
            RequestError: there is none in the folder, nor above it.
        """
        file = find_project_file(folder)
        if file is None:
            raise RequestError(
                f"there is no Pulumi.yaml in {folder}: run this in the project's folder, or name it"
            )
        self._project_file = file
        super().__init__(file.parent, stack)

    def project(self) -> str:
        """The project's name."""
        described = yaml.safe_load(self._project_file.read_text(encoding="utf-8"))
        return str(described["name"])

    def import_(self, file: Path) -> None:
        """Replace the stack's state by that of `file`; the engine keeps the old one as a backup too.

        Raises:
            StackLocked: somebody holds the stack, alive or dead; nothing was changed.
            CommandFailed: the engine refused, in its own words.
        """
        # An import that is killed leaves a lock, and then it has to be known whose.
        whose = functools.partial(recorded, folder=self.folder)
        self.ask("stack", "import", "--file", str(file), seconds=_IMPORT_SECONDS, around=whose)

    def unlock(self) -> None:
        """Delete the stack's lock, whoever holds it.

        Raises:
            CommandFailed: the engine refused, in its own words.
        """
        self.ask("cancel", "--yes")
