"""Where a fleet's files are on this machine: never in the repository."""

import dataclasses
from pathlib import Path

import platformdirs

from labs.results import LabTask, Verb
from labs.spec import FleetSpec, LabSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """An event's folders. All of them can be deleted at any time but while a lab runs."""

    root: Path
    logs: Path

    @classmethod
    def of(cls, spec: FleetSpec, *, log_dir: Path | None = None) -> "Places":
        """The event's folders below the user's state folder; logs where the person wants them."""
        root = platformdirs.user_state_path("vmc-account-link") / "events" / spec.event
        return cls(root=root, logs=log_dir or root / "logs")

    def log_file(self, lab: LabSpec) -> Path:
        """The lab's log: every run adds to it."""
        return self.logs / f"{lab.name}.log"

    def task(self, spec: FleetSpec, lab: LabSpec, verb: Verb, *, backend: str) -> LabTask:
        """What to do with a lab."""
        return LabTask(
            verb=verb,
            event=spec.event,
            lab=lab,
            backend=backend,
            work_dir=self.root / "labs" / lab.name,
            log_file=self.log_file(lab),
            secrets_provider=spec.secrets_provider,
        )
