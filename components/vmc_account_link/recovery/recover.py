"""`recover`: after a crash, find out what became of what was under way, and put it right.

It looks before it writes, writes once, and can itself be killed at any point and run again: until the last
step nothing but dead things (a dead holder's lock, orphaned processes) has been removed. What is not
certainly dead counts as alive.
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

from vmc_account_link.errors import CommandFailed, StackLocked, StateUnreadable
from vmc_account_link.recovery import (
    cloudformation,
    file_backend,
    orphaned_engines,
    orphaned_plugins,
    pending,
)
from vmc_account_link.recovery.engine import Engine
from vmc_account_link.recovery.lock_owner import is_dead, is_visible, owners

_ATTEMPTS = 4
"""How often the state is read anew: a dead holder's lock had to be removed, or somebody has changed it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecoverRequest:
    """What to put right."""

    stack: str
    folder: Path
    """The project's folder."""
    lost_hosts: tuple[str, ...] = ()
    """Machines that are known to be gone: a lock of theirs is nobody's."""
    force: bool = False
    """Whether a lock whose holder may be alive, for all that can be known, is nobody's."""


def run(request: RecoverRequest, *, emit_progress: Callable[[str], None]) -> None:
    """Recover one stack, telling each thing that is done in a line.

    Raises:
        CommandFailed: it could not be done; nothing is lost, run it again.
    """
    engine = Engine(request.folder, request.stack)
    state: dict[str, Any] | None = None
    done: list[str] = []
    """What was changed outside the state."""

    def hint(line: str) -> None:
        done.append(line)
        emit_progress(line)

    for _ in range(_ATTEMPTS):
        _end_orphaned_plugins(engine, hint)
        if state is None:
            state = _readable_state(engine, hint)
            repaired = _repair(engine, state, emit_progress)
        if engine.export() != state:
            # An `up` has ended, or another recovery: what was found out is of no use any more.
            emit_progress("the state has changed meanwhile: looking again")
            state = None
            continue
        backup = _keep_copy(engine, state)
        try:
            with _written(repaired.state, backup.parent) as file:
                engine.import_(file)
        except StackLocked as locked:
            backup.unlink()
            _unlock(engine, str(locked), request, hint)
            continue
        for line in (*repaired.lines, *repaired.notes):
            emit_progress(line)
        if repaired.lines:
            emit_progress(
                f"Pulumi stack {engine.stack} is ready for the next run; the earlier state is kept in "
                f"{backup}"
            )
            return
        backup.unlink()
        what = "is ready for the next run; nothing was under way" if done else orphaned_engines.NOTHING
        emit_progress(f"Pulumi stack {engine.stack} {what}")
        return
    raise CommandFailed(
        f"Pulumi stack {engine.stack} is in use by somebody else: wait for the end of that, then run this "
        "again"
    )


def _repair(engine: Engine, state: dict[str, Any], emit_progress: Callable[[str], None]) -> pending.Repair:
    """Find out what became of what was under way."""
    if not pending.pending_stacks(state):
        return pending.repair(state, state, {})
    # In plaintext, in memory alone: a template has to be compared, a provider's credentials are secret.
    secrets = engine.export(show_secrets=True)
    return pending.repair(state, secrets, _find_record(secrets, emit_progress))


def _end_orphaned_plugins(engine: Engine, emit_progress: Callable[[str], None]) -> None:
    orphaned_engines = orphaned_plugins.left_behind(engine.folder, engine.stack)
    orphaned_plugins.end(orphaned_engines)
    for orphaned in orphaned_engines:
        emit_progress(f"ended {orphaned.command} (pid {orphaned.pid}), whose engine is gone")


def _readable_state(engine: Engine, emit_progress: Callable[[str], None]) -> dict[str, Any]:
    """Export the state, mending what a kill in the middle of the engine's write has left."""
    try:
        return engine.export()
    except StateUnreadable:
        stack = engine.stack.rpartition("/")[2]
        broken = file_backend.drop_broken_sidecars(engine.backend_url(), engine.project(), stack)
        if not broken:
            raise
        emit_progress(f"removed {', '.join(path.name for path in broken)}, cut off in the middle of a write")
        return engine.export()


def _find_record(
    secrets: dict[str, Any], emit_progress: Callable[[str], None]
) -> dict[str, cloudformation.FoundStack | None]:
    found = {}
    for stack in pending.pending_stacks(secrets):
        emit_progress(f"asking AWS about CloudFormation stack {stack.name}, which was interrupted")
        found[stack.urn] = cloudformation.find_stack(
            stack.name,
            access=stack.access,
            account_number=stack.account_number,
            may_be_on_its_way=stack.is_creation,
            emit_progress=emit_progress,
        )
    return found


def _unlock(
    engine: Engine, message: str, request: RecoverRequest, emit_progress: Callable[[str], None]
) -> None:
    """Remove the lock if all its holders are certainly dead, or the person says so.

    Raises:
        CommandFailed: one is alive, or it can't be known.
    """
    found = owners(message)
    if not found and not request.force:
        raise CommandFailed(
            f"Pulumi stack {engine.stack} is locked, and by whom can't be read: if nobody works on it, "
            f"`vmc-account-link recover --stack {engine.stack} --force` removes the lock"
        )
    for owner in found:
        if is_visible(owner):
            raise CommandFailed(f"the Pulumi stack is in use by {owner}: wait for it, or press Ctrl-C there")
        is_lost = owner.host in request.lost_hosts or request.force
        if not is_lost and is_dead(owner, engine.folder) is not True:
            raise CommandFailed(
                f"the Pulumi stack is locked by {owner}, and whether that still runs can't be known here: if "
                f"it does not, `vmc-account-link recover --stack {engine.stack} --force` removes the lock "
                f"(of a machine that is gone, --lost-host {owner.host})"
            )
    if not file_backend.remove_locks(tuple(owner.lock for owner in found)):
        engine.unlock()
    for owner in found:
        emit_progress(f"removed the lock of {owner}, which is dead")
    if not found:
        emit_progress("removed the lock")


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
