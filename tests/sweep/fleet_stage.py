"""A sandbox with many accounts, a spec for them, and the fleet command as a process of its own."""

import dataclasses
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from sandbox.environment import Backend, Sandbox
from tests.support.paths import REPOSITORY

_STACK_SECONDS = 3.0
_LINK_SECONDS = 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetStage:
    """Everything is set up, nothing has been requested."""

    box: Sandbox
    folder: Path
    spec: Path
    labs: int

    def environment(self) -> Mapping[str, str]:
        """Of the fleet command."""
        return {**self.box.process_environment(), "XDG_STATE_HOME": str(self.folder / "state")}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the fleet; its standard error is the pipe with the progress."""
        with self._results.open("w", encoding="utf-8") as results:
            return subprocess.Popen(
                [sys.executable, "-m", "vmc_labs", arguments[0], str(self.spec), *arguments[1:]],
                cwd=REPOSITORY,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=results,
                stderr=subprocess.PIPE,
                text=True,
            )

    @property
    def _results(self) -> Path:
        """What the latest command wrote on its standard output."""
        return self.folder / "results"

    def end(self, driver: subprocess.Popen[str]) -> str:
        """Wait for a command: empty, or the labs that failed, or else the end of its output."""
        said = driver.communicate()[1]
        failed = [line for line in self._results.read_text("utf-8").splitlines() if " failed: " in line]
        return "; ".join(failed or [said[-300:]]) if driver.returncode else ""

    def calls(self) -> Counter[str]:
        """How often each call of VMware's services was answered since the journal was cleared."""
        return Counter(entry.call for entry in self.box.control.journal() if entry.service in {"vmc", "csp"})

    def stacks_requested(self) -> int:
        """How many stacks CloudFormation was requested to make, in all accounts."""
        return len(self.box.control.journal(call="cloudformation.CreateStack"))

    def fell_short(self) -> str:
        """In what the labs are not as requested, each linked once; empty where they are."""
        control = self.box.control
        numbers = Counter(account.number for account in self.box.accounts)
        records = [one for one in control.connected_accounts() if one.state == "ACTIVE"]
        made = Counter(
            entry.account_number or ""
            for entry in control.journal(call="cloudformation.CreateStack")
            if entry.status == 200
        )
        short = []
        if (linked := Counter(one.account_number for one in records)) != numbers:
            short.append(f"{linked.total()} of {self.labs} accounts are ACTIVE")
        if made != numbers:
            short.append(f"{made.total()} stacks were made for {self.labs} labs: {made - numbers}")
        return "; ".join(short)


@contextmanager
def fleet_stage(
    folder: Path, labs: int, *, backend: Backend = Backend.FILE, first_poll_seconds: float | None = None
) -> Iterator[FleetStage]:
    """A stage for so many labs, in as many accounts; the rest as for a sandbox."""
    folder.mkdir(parents=True)
    with Sandbox.start(
        folder / "sandbox", accounts=labs, backend=backend, first_poll_seconds=first_poll_seconds
    ) as box:
        box.control.set_modes(stack_seconds=_STACK_SECONDS, task_seconds=_LINK_SECONDS)
        entries = [
            {"name": f"lab-{number:03}", "awsProfile": one.profile, "awsAccountId": one.number}
            for number, one in enumerate(box.accounts, 1)
        ]
        spec = folder / "spec.yaml"
        spec.write_text(yaml.safe_dump({"event": "fleet", "labs": entries}), encoding="utf-8")
        yield FleetStage(box=box, folder=folder, spec=spec, labs=labs)
