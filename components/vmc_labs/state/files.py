"""The stacks' states, read from where the backend keeps them instead of through a CLI process for each.

For backends that are files: `file://` and `s3://`, in the engine's layout since 3.61
(`.pulumi/stacks/<project>/<stack>.json`, tags beside it in `.pulumi-tags`). Any other backend is asked
through the engine. Nothing is written here: a backend's files are the engine's.
"""

import gzip
import json
from collections.abc import Mapping
from typing import Any

from vmc_account_link.errors import CommandFailed
from vmc_labs.state.reader import LabState, read_state
from vmc_labs.state.stores import Store, open_store

_TAGS_VERSION = 1
_META = ".pulumi/meta.yaml"
_UNREADABLE = ("LEGACY_LAYOUT", "ZSTD")


class StateFiles:
    """The files of one project's stacks."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project
        self._folder = f".pulumi/stacks/{project}/"

    def stacks(self) -> tuple[str, ...]:
        """The names of the project's stacks, sorted."""
        names = (n.removesuffix(".gz") for n in self._store.names(self._folder) if not n.endswith(".attrs"))
        return tuple(sorted({name.removesuffix(".json") for name in names if name.endswith(".json")}))

    def get(self, stack: str) -> LabState | None:
        """The stack's state; None where there is no such stack.

        Raises:
            CommandFailed: the file can't be read, which does not mean that there is none.
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

    def _tags(self, stack: str) -> Mapping[str, str]:
        content = self._store.read(f"{self._folder}{stack}.pulumi-tags")
        if content is None:
            return {}
        wire = _parsed(content, stack)
        if wire.get("version") != _TAGS_VERSION:
            raise CommandFailed(
                f"Pulumi stack {stack}: its tags are of version {wire.get('version')}, which is not known"
            )
        return {str(key): str(value) for key, value in (wire.get("tags") or {}).items()}


def open_state_files(backend: str, project: str, environment: Mapping[str, str]) -> StateFiles | None:
    """The files behind a backend's URL; None where they are none, or not to be read here.

    Not read are states in the layout of before 3.61, and those that the environment has packed with zstd.

    Raises:
        CommandFailed: the backend can't be read.
    """
    store = None if _is_unreadable(environment) else open_store(backend)
    if store is None:
        return None
    if store.read(_META) is None and any(name.endswith(".json") for name in store.names(".pulumi/stacks/")):
        return None
    return StateFiles(store, project)


def _is_unreadable(environment: Mapping[str, str]) -> bool:
    """Whether the engine keeps states in a way that is not read here; its options have an old name too."""
    prefixes = ("PULUMI_DIY_BACKEND_", "PULUMI_SELF_MANAGED_STATE_")
    return any(environment.get(prefix + option) for prefix in prefixes for option in _UNREADABLE)


def _parsed(content: bytes, stack: str) -> Mapping[str, Any]:
    try:
        wire = json.loads(content)
    except ValueError:
        wire = None
    if not isinstance(wire, dict):
        raise CommandFailed(
            f"read the state of Pulumi stack {stack}: it is cut off or not JSON; `vmc-labs recover` may help"
        )
    return wire
