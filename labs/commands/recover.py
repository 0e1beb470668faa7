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

_DEFAULT_REGION = "us-west-2"
_ATTEMPTS = 3
"""How often the state is read anew because a dead holder's lock had to be removed."""


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
    for _ in range(_ATTEMPTS):
        _end_leftovers(engine, tell)
        state = _readable_state(engine, tell)
        backup = _keep_copy(engine, state)
        repaired = pending.repair(state, _with_secrets(engine, state), _look_up(state, tell))
        try:
            with _written(repaired.state) as file:
                engine.import_(file)
        except StackLocked as locked:
            backup.unlink()
            _unlock(engine, str(locked), request.lost_hosts, tell)
            continue
        for line in repaired.lines:
            tell(line)
        tell(
            f"stack {engine.stack} is ready for `pulumi up`; the state from before is kept in {backup}"
            if repaired.lines
            else f"stack {engine.stack} has nothing under way"
        )
        if not repaired.lines:
            backup.unlink()
        return
    raise LabsError(f"stack {engine.stack} was locked again and again: somebody is using it")


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


def _look_up(state: dict[str, Any], tell: Callable[[str], None]) -> dict[str, cloud.FoundStack | None]:
    found = {}
    for stack in pending.pending_stacks(state):
        tell(f"looking for CloudFormation stack {stack.name}, of which the state knows no end")
        region = stack.region or _DEFAULT_REGION
        found[stack.urn] = cloud.find_stack(stack.name, region=region, profile=stack.profile)
    return found


def _with_secrets(engine: Engine, state: dict[str, Any]) -> dict[str, Any]:
    """The state in plaintext, in memory alone; only where a template has to be compared."""
    return engine.export(show_secrets=True) if pending.pending_stacks(state) else state


def _unlock(engine: Engine, message: str, lost_hosts: tuple[str, ...], tell: Callable[[str], None]) -> None:
    """Remove the lock if all its holders are dead.

    Raises:
        LabsError: one is alive, or it can't be known.
    """
    for holder in holders(message):
        dead = is_dead(holder) or (holder.host in lost_hosts or None)
        if dead is None:
            raise LabsError(
                f"the stack is locked by {holder}, elsewhere: if that machine is gone for good, run this "
                f"with --lost-host {holder.host}"
            )
        if not dead:
            raise LabsError(f"the stack is in use by {holder}: wait for it, or press Ctrl-C there")
        tell(f"removed the lock of {holder}, which is dead")
    engine.unlock()


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
def _written(state: dict[str, Any]) -> Iterator[Path]:
    """The state in a file of this user's alone, for as long as the engine reads it."""
    descriptor, name = tempfile.mkstemp(suffix=".json")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file)
        yield Path(name)
    finally:
        Path(name).unlink()
