"""A backend in a folder: what a kill leaves there, and how it is put right.

The engine writes a checkpoint beside its place and renames it, so the state itself is whole. But each file
has a sidecar, `.attrs`, which is written in place: cut off, it makes the engine say "failed to load
checkpoint: EOF" (seen after a kill). Without it the engine reads the file as it is.
"""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit


def drop_broken_sidecars(backend_url: str, project: str, stack: str) -> tuple[Path, ...]:
    """Delete the sidecars of a stack's files that are cut off, and return them.

    Args:
        backend_url: `file://…`; any other backend has no sidecars.
        project: the project's name.
        stack: the stack's name, without organisation and project.
    """
    parts = urlsplit(backend_url)
    if parts.scheme != "file":
        return ()
    root = Path(unquote(parts.path)).expanduser() / ".pulumi"
    candidates = [
        *(root / "stacks" / project).glob(f"{stack}.json*.attrs"),
        *(root / "locks" / "organization" / project / stack).glob("*.attrs"),
    ]
    broken = tuple(path for path in candidates if not _is_json(path))
    for path in broken:
        path.unlink(missing_ok=True)
    return broken


def remove_locks(locks: tuple[str, ...]) -> bool:
    """Delete these locks and no other, where all are files; whether they were.

    The engine's own `cancel` deletes every lock, that of somebody who came meanwhile too.

    Args:
        locks: as the engine names them.
    """
    parts = [urlsplit(lock) for lock in locks]
    if not locks or any(part.scheme != "file" for part in parts):
        return False
    for part in parts:
        path = Path(unquote(part.path))
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.attrs").unlink(missing_ok=True)
    return True


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    except FileNotFoundError:
        return True
    return True
