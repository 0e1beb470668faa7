"""`recover`: after a crash, find out what became of what was under way, and put it right.

It looks before it writes, writes once, and can itself be killed at any point and run again: until the last
step nothing but dead things (a dead holder's lock, orphaned processes) has been removed.
"""

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labs import cloud, file_backend, leftovers, pending
from labs.engine import Engine
from labs.errors import LabsError, StackLocked, StateUnreadable
from labs.holder import holders, is_dead

_ATTEMPTS = 3
"""How often the state is read anew: a dead holder's lock had to be removed, or somebody has changed it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecoverRequest:
    """What to put right."""

    stack: str
    folder: Path
    """The project's folder."""
    lost_hosts: tuple[str, ...] = ()
    """Machines that are known to be gone: a lock of theirs is nobody's."""


def run(request: RecoverRequest, *, tell: Callable[[str], None]) -> None:
    """Recover one stack, telling each thing that is done in a line.

    Raises:
        LabsError: it could not be done; nothing is lost, run it again.
    """
    engine = Engine(request.folder, request.stack)
    state: dict[str, Any] | None = None
    for _ in range(_ATTEMPTS):
        _end_leftovers(engine, tell)
        is_new = state is None
        if state is None:
            state = _readable_state(engine, tell)
            repaired = _repair(engine, state, tell)
        took_time = not is_new or pending.pending_stacks(state)
        if took_time and engine.export() != state:
            # An `up` has ended, or another recovery: what was found out is of no use any more.
            tell("the state has changed meanwhile: looking again")
            state = None
            continue
        backup = _keep_copy(engine, state)
        try:
            with _written(repaired.state, backup.parent) as file:
                engine.import_(file)
        except StackLocked as locked:
            backup.unlink()
            _unlock(engine, str(locked), request.lost_hosts, tell)
            continue
        for line in repaired.lines:
            tell(line)
        if repaired.lines:
            tell(f"stack {engine.stack} is ready for the next run; the state from before is kept in {backup}")
        else:
            backup.unlink()
            tell(f"stack {engine.stack} has nothing under way")
        return
    raise LabsError(
        f"stack {engine.stack} is in use by somebody else: wait for the end of it, then this again"
    )


def _repair(engine: Engine, state: dict[str, Any], tell: Callable[[str], None]) -> pending.Repair:
    """Find out what became of what was under way."""
    if not pending.pending_stacks(state):
        return pending.repair(state, state, {})
    # In plaintext, in memory alone: a template has to be compared, a provider's credentials are secret.
    secrets = engine.export(show_secrets=True)
    return pending.repair(state, secrets, _look_up(secrets, tell))


def _end_leftovers(engine: Engine, tell: Callable[[str], None]) -> None:
    orphans = leftovers.left_behind(engine.folder)
    leftovers.end(orphans)
    for orphan in orphans:
        tell(f"ended {orphan.command} (pid {orphan.pid}), whose engine is gone")


def _readable_state(engine: Engine, tell: Callable[[str], None]) -> dict[str, Any]:
    """Export the state, mending what a kill in the middle of the engine's write has left."""
    try:
        return engine.export()
    except StateUnreadable:
        stack = engine.stack.rpartition("/")[2]
        broken = file_backend.drop_broken_sidecars(engine.backend_url(), engine.project(), stack)
        if not broken:
            raise
        tell(f"removed {', '.join(path.name for path in broken)}, cut off in the middle of a write")
        return engine.export()


def _look_up(secrets: dict[str, Any], tell: Callable[[str], None]) -> dict[str, cloud.FoundStack | None]:
    found = {}
    for stack in pending.pending_stacks(secrets):
        tell(f"asking AWS about CloudFormation stack {stack.name}, of which the state knows no end")
        found[stack.urn] = cloud.find_stack(
            stack.name,
            access=stack.access,
            account_number=stack.account_number,
            may_be_on_its_way=stack.is_creation,
            tell=tell,
        )
    return found


def _unlock(engine: Engine, message: str, lost_hosts: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Remove the lock if all its holders are dead.

    Raises:
        LabsError: one is alive, or it can't be known.
    """
    dead_ones = holders(message)
    for holder in dead_ones:
        dead = is_dead(holder)
        if dead is None and holder.host in lost_hosts:
            dead = True
        if dead is None:
            raise LabsError(
                f"the stack is locked by {holder}, elsewhere: if that machine is gone for good, run this "
                f"with --lost-host {holder.host}"
            )
        if not dead:
            raise LabsError(f"the stack is in use by {holder}: wait for it, or press Ctrl-C there")
    if not file_backend.remove_locks(tuple(holder.lock for holder in dead_ones)):
        engine.unlock()
    for holder in dead_ones:
        tell(f"removed the lock of {holder}, which is dead")


def _keep_copy(engine: Engine, state: dict[str, Any]) -> Path:
    """Keep the state from before, its secrets encrypted as in the backend."""
    folder = engine.folder / ".recovered"
    folder.mkdir(mode=0o700, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{engine.stack.replace('/', '.')}-{stamp}.json"
    path.write_text(json.dumps(state), encoding="utf-8")
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def _written(state: dict[str, Any], folder: Path) -> Iterator[Path]:
    """The state in a file of this user's alone, for as long as the engine reads it."""
    descriptor, name = tempfile.mkstemp(suffix=".new", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file)
        yield Path(name)
    finally:
        Path(name).unlink()
