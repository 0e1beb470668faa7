"""The stacks' states, read from where the backend keeps them instead of through a CLI process for each.

For backends that are files: `file://` and `s3://`, in the engine's layout since 3.61
(`.pulumi/stacks/<project>/<stack>.json`, tags beside it in `.pulumi-tags`). Any other backend is asked
through the engine. Only what is not there yet is written here: the empty state of a new stack and its first
tags; what is in a stack is the engine's alone to write (ADR 0019).
"""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import yaml

from labs.errors import LabsError
from labs.state import LabState, read_state
from labs.stores import Creation, Store, open_store

_TAGS_VERSION = 1
_META = ".pulumi/meta.yaml"
_KNOWN_META = {"version": 1}
_UNREADABLE = ("LEGACY_LAYOUT", "ZSTD")
_PACKED = ("GZIP", "ZSTD")


class StateFiles:
    """The files of one project's stacks."""

    def __init__(self, store: Store, project: str, meta: bytes | None) -> None:
        self._store = store
        self._project = project
        self._meta = meta
        self._folder = f".pulumi/stacks/{project}/"

    def stacks(self) -> tuple[str, ...]:
        """The names of the project's stacks, sorted."""
        names = (n.removesuffix(".gz") for n in self._store.names(self._folder) if not n.endswith(".attrs"))
        return tuple(sorted({name.removesuffix(".json") for name in names if name.endswith(".json")}))

    def get(self, stack: str) -> LabState | None:
        """The stack's state; None where there is no such stack.

        Raises:
            LabsError: the file can't be read, which does not mean that there is none.
        """
        content = self._store.read(f"{self._folder}{stack}.json")
        if content is None:
            packed = self._store.read(f"{self._folder}{stack}.json.gz")
            if packed is None:
                return None
            content = gzip.decompress(packed)
        checkpoint = _parsed(content, stack)["checkpoint"]
        return read_state(stack, checkpoint.get("latest") or {}, self._tags(stack))

    def is_locked(self, stack: str) -> bool:
        """Whether the engine holds the stack, or one that was killed has left its lock."""
        folder = f".pulumi/locks/organization/{self._project}/{stack}/"
        return any(name.endswith(".json") for name in self._store.names(folder))

    def make(self, stack: str) -> bool:
        """Write the state of a stack in which nothing was done yet, as the engine does first in `stack init`.

        What the engine adds to that, it adds in any `up` too: how secrets are encrypted. It has `up` look
        for a salt in the stack's settings and make one where there is none.

        Returns:
            Whether the stack is there: made here, or by somebody else at this moment. False where only the
            engine can make it: the backend is new, of a layout that is not known, or can't be written to in
            this way, or the stack is there in a form that is not read here.

        Raises:
            LabsError: the backend can't be read or written to.
        """
        # A backend may have been new when it was opened, and another lab's engine has set it up since.
        self._meta = self._meta or self._store.read(_META)
        name = f"{self._folder}{stack}.json"
        # The engine takes the newest of the forms: an empty state would hide what is in this one.
        if not _is_known(self._meta) or self._store.read(f"{name}.zst") is not None:
            return False
        state = {"version": 0, "checkpoint": {"stack": f"organization/{self._project}/{stack}"}}
        return self._store.create(name, _written(state)) is not Creation.NOT_HERE

    def write_first_tags(self, stack: str, tags: Mapping[str, str]) -> bool:
        """Write the tags of a stack that has none, as the engine would; False where they could not be.

        Raises:
            LabsError: the backend can't be written to.
        """
        content = _written({"version": _TAGS_VERSION, "tags": dict(sorted(tags.items()))})
        return self._store.create(self._tags_name(stack), content) is Creation.MADE

    def _tags(self, stack: str) -> Mapping[str, str]:
        content = self._store.read(self._tags_name(stack))
        if content is None:
            return {}
        wire = _parsed(content, stack)
        if wire.get("version") != _TAGS_VERSION:
            raise LabsError(
                f"stack {stack}: its tags are of version {wire.get('version')}, which is not known"
            )
        return {str(key): str(value) for key, value in (wire.get("tags") or {}).items()}

    def _tags_name(self, stack: str) -> str:
        return f"{self._folder}{stack}.pulumi-tags"


def open_state_files(backend: str, project: str, environment: Mapping[str, str]) -> StateFiles | None:
    """The files behind a backend's URL; None where they are none, or not to be read here.

    Not read are states in the layout of before 3.61, and those that the environment has packed with zstd.

    Raises:
        LabsError: the backend can't be read.
    """
    store = None if _is_set(_UNREADABLE, environment) else open_store(backend)
    if store is None:
        return None
    meta = store.read(_META)
    if meta is None and any(name.endswith(".json") for name in store.names(".pulumi/stacks/")):
        return None
    return StateFiles(store, project, meta)


def packs_states(environment: Mapping[str, str]) -> bool:
    """Whether the engine packs states in this environment, and gives their files other names."""
    return _is_set(_PACKED, environment)


def _is_set(options: tuple[str, ...], environment: Mapping[str, str]) -> bool:
    """Whether one of the backend's options is set, under the engine's new or old name for it."""
    prefixes = ("PULUMI_DIY_BACKEND_", "PULUMI_SELF_MANAGED_STATE_")
    return any(environment.get(prefix + option) for prefix in prefixes for option in options)


def _is_known(meta: bytes | None) -> bool:
    """Whether the backend's layout is the one that is written here."""
    try:
        return meta is not None and yaml.safe_load(meta) == _KNOWN_META
    except yaml.YAMLError:
        return False


def _written(wire: Mapping[str, object]) -> bytes:
    """JSON as the engine writes it."""
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode()


def _parsed(content: bytes, stack: str) -> Mapping[str, Any]:
    try:
        wire = json.loads(content)
    except ValueError:
        wire = None
    if not isinstance(wire, dict):
        raise LabsError(f"read the state of stack {stack}: it is cut off or no JSON; `labs recover` may help")
    return wire
