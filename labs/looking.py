"""Looking at a fleet: one look at each stack's state, and one list of accounts for each organisation."""

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labs.credentials import vmc_settings
from labs.lab_engine import PROJECT, LabEngine
from labs.plan import Seen
from labs.spec import FleetSpec, LabSpec
from labs.state import LabState, read_state
from labs.state_files import open_state_files
from vmc_account_link.client import VmcClient
from vmc_account_link.models import AccountRecord

_AT_A_TIME = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """From where a fleet is looked at."""

    backend: str
    """The Pulumi backend's URL, as the engine resolved it."""
    environment: Mapping[str, str]
    """The process's own: the backend's credentials and the VMC tokens."""
    scratch: Path
    """A folder for the engine's own files, where a backend has to be asked through it."""

    def look(self, spec: FleetSpec, *, ask_service: bool) -> Seen:
        """Look at every lab of the spec.

        Args:
            spec: the fleet.
            ask_service: whether to ask the VMC service too, which needs its token: one list for each
                organisation in which a lab seems linked.

        Raises:
            LabsError: the backend could not be read.
            RequestError: the token is not set.
            VmcError: the service could not be asked.
        """
        states = self.states(spec.labs)
        linked = [lab for lab in spec.labs if lab.stack in states and states[lab.stack].is_linked]
        return Seen(states=states, accounts=self.accounts(linked) if ask_service else {})

    def states(self, labs: Iterable[LabSpec]) -> dict[str, LabState]:
        """The states of the stacks that exist.

        Raises:
            LabsError: the backend could not be read.
        """
        files = open_state_files(self.backend, PROJECT, self.environment)
        get = files.get if files else self._ask_engine
        stacks = [lab.stack for lab in labs]
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            found = zip(stacks, pool.map(get, stacks), strict=True)
            return {stack: state for stack, state in found if state is not None}

    def locked(self, labs: Iterable[LabSpec]) -> frozenset[str] | None:
        """The stacks that somebody holds, alive or dead; None where the backend can't tell.

        Raises:
            LabsError: the backend could not be read.
        """
        files = open_state_files(self.backend, PROJECT, self.environment)
        return frozenset(lab.stack for lab in labs if files.is_locked(lab.stack)) if files else None

    def accounts(self, labs: Iterable[LabSpec]) -> dict[str, tuple[AccountRecord, ...]]:
        """The connected accounts of the labs' organisations.

        Raises:
            RequestError: a token is not set.
            VmcError: the service could not be asked.
        """
        found = {}
        for service in {lab.service for lab in labs}:
            with VmcClient(vmc_settings(service, self.environment)) as vmc:
                found[service.org_id] = vmc.list_connected_accounts()
        return found

    def tagged(self, event: str) -> dict[str, str]:
        """The stacks whose tags say that they are labs of the event: stack -> lab.

        Raises:
            LabsError: the backend could not be read.
        """
        files = open_state_files(self.backend, PROJECT, self.environment)
        stacks = files.stacks() if files else self._engine("").stacks(f"event={event}")
        get = files.get if files else self._ask_engine
        found = {stack: get(stack) for stack in stacks if stack.startswith(f"{event}-")}
        return {
            stack: state.tags.get("lab", stack.removeprefix(f"{event}-"))
            for stack, state in found.items()
            if state is not None and state.tags.get("event") == event
        }

    def _ask_engine(self, stack: str) -> LabState | None:
        engine = self._engine(stack)
        state = engine.export()
        return None if state is None else read_state(stack, state["deployment"], engine.tags())

    def _engine(self, stack: str) -> LabEngine:
        return LabEngine(
            stack=stack,
            folder=self.scratch / stack,
            environment={**self.environment, "PULUMI_BACKEND_URL": self.backend},
            log=lambda _: None,
            stop=threading.Event(),
            hurry=threading.Event(),
            may_stop=lambda: True,
        )
