"""The stacks' states, read from where the backend keeps them instead of through a CLI process for each.

For backends that are files: `file://` and `s3://`, in the engine's layout since 3.61
(`.pulumi/stacks/<project>/<stack>.json`, tags beside it in `.pulumi-tags`). Any other backend is asked
through the engine. Nothing is written here but the tags of a stack that has none yet (ADR 0019).
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from labs.errors import LabsError
from labs.state import LabState, read_state

_TAGS_VERSION = 1
_FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""What boto3 raises where S3 refused, or something else than S3 answered."""
_LEGACY_VARIABLE = "PULUMI_DIY_BACKEND_LEGACY_LAYOUT"


class Store(Protocol):
    """Where files are kept."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names of the files in a folder, `prefix` ending in a slash; without the folder."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file."""
        ...


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

    def write_first_tags(self, stack: str, tags: Mapping[str, str]) -> bool:
        """Write the tags of a stack that has none, as the engine would; False where it has some."""
        name = self._tags_name(stack)
        if self._store.read(name) is not None:
            return False
        self._store.write(name, json.dumps({"version": _TAGS_VERSION, "tags": dict(tags)}).encode())
        return True

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
    """The files behind a backend's URL; None where it is none of files, or in a layout of before 3.61.

    Raises:
        LabsError: the backend can't be read.
    """
    parts = urlsplit(backend)
    store: Store
    if environment.get(_LEGACY_VARIABLE):
        return None
    if parts.scheme == "file":
        store = _Folder(Path(unquote(parts.netloc + parts.path)).expanduser())
    elif parts.scheme == "s3":
        store = _Bucket(backend)
    else:
        return None
    meta = store.read(".pulumi/meta.yaml")
    if meta is None and any(name.endswith(".json") for name in store.names(".pulumi/stacks/")):
        return None
    return StateFiles(store, project)


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, prefix: str) -> Iterator[str]:
        folder = self._root / prefix
        return (path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else iter(())

    def read(self, name: str) -> bytes | None:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LabsError(f"read the backend in {self._root}: {error.strerror}; check its rights") from None

    def write(self, name: str, content: bytes) -> None:
        (self._root / name).write_bytes(content)


class _Bucket:
    """An S3 bucket, by the URL that the engine takes: its query may name region, endpoint and profile."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        endpoint = query.get("endpoint")
        if endpoint and "://" not in endpoint:
            endpoint = f"{'http' if query.get('disableSSL') == 'true' else 'https'}://{endpoint}"
        style: Literal["path", "auto"] = "path" if query.get("s3ForcePathStyle") == "true" else "auto"
        try:
            session = boto3.Session(
                profile_name=query.get("profile") or query.get("awsprofile"), region_name=query.get("region")
            )
            self._s3: Any = session.client(
                "s3",
                endpoint_url=endpoint,
                config=Config(
                    s3={"addressing_style": style}, retries={"mode": "standard", "max_attempts": 5}
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise LabsError(f"open the backend s3://{self._bucket}: {error}") from None

    def names(self, prefix: str) -> Iterator[str]:
        whole = self._prefix + prefix
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=whole, Delimiter="/"
            )
            for page in pages:
                yield from (entry["Key"].removeprefix(whole) for entry in page.get("Contents", ()))
        except _FAILURES as error:
            raise self._failed("list", error) from None

    def read(self, name: str) -> bytes | None:
        try:
            content: bytes = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except _FAILURES as error:
            raise self._failed("read", error) from None
        return content

    def write(self, name: str, content: bytes) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)
        except _FAILURES as error:
            raise self._failed("write to", error) from None

    def _failed(self, verb: str, error: Exception) -> LabsError:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return LabsError(
            f"{verb} the backend s3://{self._bucket}: {code}; check its name and the credentials"
        )


def _parsed(content: bytes, stack: str) -> Mapping[str, Any]:
    try:
        wire = json.loads(content)
    except ValueError:
        wire = None
    if not isinstance(wire, dict):
        raise LabsError(f"read the state of stack {stack}: it is cut off or no JSON; `labs recover` may help")
    return wire
