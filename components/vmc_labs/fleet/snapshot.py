"""Looking at a fleet: one look at each stack's state, and one list of accounts for each organisation."""

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.errors import Refused, RequestError, Unavailable
from vmc_labs.engine.lab_engine import PROJECT, LabEngine
from vmc_labs.fleet.status import FleetSnapshot
from vmc_labs.spec.credentials import engine_environment, vmc_settings
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.files import StateFiles, open_state_files
from vmc_labs.state.reader import LabState
from vmc_labs.state.stores import AT_A_TIME

_PROCESSES = 8
"""CLI processes side by side, where a backend has to be asked through them."""
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetReader:
    """From where a fleet is looked at."""

    backend: str
    """The Pulumi backend's URL, absolute."""
    environment: Mapping[str, str]
    """The process's own: the backend's credentials and the VMC tokens."""
    token_variables: tuple[str, ...]
    """Those of its variables that hold a token, which no CLI gets."""
    scratch: Path
    """A folder for the engine's own files, where a backend has to be asked through it."""
    interrupted: threading.Event = dataclasses.field(default_factory=threading.Event)
    """Set on Ctrl-C: the CLIs that are being asked are ended."""

    def snapshot(self, labs: Iterable[LabSpec], *, ask_service: bool) -> FleetSnapshot:
        """Look at labs.

        Args:
            labs: of the fleet.
            ask_service: whether to ask the VMC service too, which needs its token: one list for each
                organisation, before anything is done there.

        Raises:
            CommandFailed: the backend could not be read.
            RequestError: a token is not set, or the service refuses it, its organisation or its role.
            VmcError: the service could not be asked.
        """
        labs = list(labs)
        return FleetSnapshot(states=self.states(labs), accounts=self.accounts(labs) if ask_service else {})

    def states(self, labs: Iterable[LabSpec]) -> dict[str, LabState]:
        """The states of the stacks that exist.

        Raises:
            CommandFailed: the backend could not be read.
        """
        return self._states([lab.stack for lab in labs], self._files())

    def locked(self, labs: Iterable[LabSpec]) -> frozenset[str] | None:
        """The stacks that somebody holds, alive or dead; None where the backend can't tell.

        Raises:
            CommandFailed: the backend could not be read.
        """
        files = self._files()
        if files is None:
            return None
        stacks = [lab.stack for lab in labs]
        held = self._side_by_side(files.is_locked, stacks, AT_A_TIME)
        return frozenset(stack for stack, is_held in zip(stacks, held, strict=True) if is_held)

    def accounts(self, labs: Iterable[LabSpec]) -> dict[str, tuple[AccountRecord, ...]]:
        """The connected accounts of the labs' organisations.

        Raises:
            RequestError: a token is not set, or the service refuses it, its organisation or its role.
            VmcError: the service could not be asked.
        """
        found = {}
        for service in dict.fromkeys(lab.service for lab in labs):
            try:
                with VmcClient(vmc_settings(service, self.environment)) as vmc:
                    found[service.org_id] = vmc.list_connected_accounts()
            except Unavailable:
                raise
            except Refused as error:
                raise RequestError(str(error)) from None
        return found

    def tagged(self, event: str, *, known: Collection[str] = ()) -> dict[str, LabState]:
        """The stacks whose tags say that they are labs of the event, by name.

        Args:
            event: its name.
            known: stacks that need not be looked at.

        Raises:
            CommandFailed: the backend could not be read.
        """
        files = self._files()
        stacks = files.stacks() if files else self._engine("").stacks(f"event={event}")
        candidates = [stack for stack in stacks if stack.startswith(f"{event}-") and stack not in known]
        found = self._states(candidates, files)
        return {stack: state for stack, state in found.items() if state.tags.get("event") == event}

    def _files(self) -> StateFiles | None:
        return open_state_files(self.backend, PROJECT, self.environment)

    def _states(self, stacks: list[str], files: StateFiles | None) -> dict[str, LabState]:
        get, at_a_time = (
            (files.get, AT_A_TIME) if files else (lambda stack: self._engine(stack).read_state(), _PROCESSES)
        )
        found = zip(stacks, self._side_by_side(get, stacks, at_a_time), strict=True)
        return {stack: state for stack, state in found if state is not None}

    def _side_by_side(self, read: Callable[[str], _T], stacks: list[str], at_a_time: int) -> list[_T]:
        """Look at stacks at the same time; the first failure, or Ctrl-C, ends it."""
        with ThreadPoolExecutor(at_a_time) as pool:
            readings = [pool.submit(read, stack) for stack in stacks]
            try:
                return [one.result() for one in readings]
            except BaseException:
                self.interrupted.set()
                for one in readings:
                    one.cancel()
                raise

    def _engine(self, stack: str) -> LabEngine:
        return LabEngine(
            stack=stack,
            folder=self.scratch / stack,
            environment=engine_environment(
                self.environment, token_variables=self.token_variables, backend=self.backend
            ),
            log=lambda _: None,
            stop=self.interrupted,
            force_stop=self.interrupted,
            is_interruptible=lambda: True,
        )
