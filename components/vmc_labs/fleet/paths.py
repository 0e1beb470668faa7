"""Where a fleet's files are on this machine: never in the repository."""

import dataclasses
import tempfile
from pathlib import Path

import platformdirs

from vmc_account_link.errors import RequestError
from vmc_labs import private_files
from vmc_labs.spec.model import FleetSpec, LabSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetPaths:
    """An event's folders. All of them can be deleted at any time but while a lab runs."""

    root: Path
    logs: Path

    @classmethod
    def of(cls, spec: FleetSpec, *, log_dir: Path | None = None) -> "FleetPaths":
        """The event's folders below the user's state folder; logs where the person wants them."""
        root = platformdirs.user_state_path("vmc-account-link") / "events" / spec.event
        return cls(root=root, logs=log_dir or root / "logs")

    def prepare(self) -> None:
        """Make the folders that every lab writes in.

        Raises:
            RequestError: one can't be made or written in.
        """
        for folder in (self.root / "labs", self.logs):
            try:
                private_files.make_folder(folder)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise RequestError(
                    f"write in {folder}: {error.strerror}; make room or choose another folder (--log-dir for "
                    "the logs, XDG_STATE_HOME for all)"
                ) from None

    def log_file(self, lab: LabSpec) -> Path:
        """The lab's log: every run adds to it."""
        return self.logs / f"{lab.name}.log"
