"""Where a backend of files keeps them: a folder or an S3 bucket, by the URL that the engine takes.

A file is only ever written where there is none: whole or not at all, and never over somebody else's.
"""

import contextlib
import enum
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from labs.errors import LabsError

_FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""What boto3 raises where S3 refused, or something else than S3 answered."""
_NO_CONDITIONS = frozenset({"NotImplemented", "ConditionalRequestConflict"})
"""An S3 of somebody else's that can't; and one where another writer was at it."""
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK})
_ENCRYPTION = frozenset({"ssetype", "kmskeyid"})
"""Of the URL's query: the engine writes with them, and a bucket may take nothing else."""


class Creation(enum.Enum):
    """What came of writing a file where there is none."""

    MADE = enum.auto()
    WAS_THERE = enum.auto()
    NOT_HERE = enum.auto()
    """The store can't write like that; nothing was written."""


class Store(Protocol):
    """Where files are kept."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names of the files in a folder, `prefix` ending in a slash; without the folder."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        ...

    def create(self, name: str, content: bytes) -> Creation:
        """Write a whole file where there is none; never half of one, never over another's."""
        ...


def open_store(backend: str) -> Store | None:
    """The store behind a backend's URL; None where it is none of files.

    Raises:
        LabsError: it can't be opened.
    """
    parts = urlsplit(backend)
    if parts.scheme == "file":
        return _Folder(Path(unquote(parts.netloc + parts.path)).expanduser())
    return _Bucket(backend) if parts.scheme == "s3" else None


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

    def create(self, name: str, content: bytes) -> Creation:
        path = self._root / name
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename it fails where the name is taken.
            path.hardlink_to(draft)
        except FileExistsError:
            return Creation.WAS_THERE
        except OSError as error:
            if error.errno in _NO_HARD_LINKS:
                return Creation.NOT_HERE
            raise LabsError(
                f"write to the backend in {self._root}: {error.strerror}; check its rights"
            ) from None
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        return Creation.MADE


class _Bucket:
    """An S3 bucket, by the URL that the engine takes: its query may name region, endpoint and profile."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._is_encrypted_by_the_engine = not query.keys().isdisjoint(_ENCRYPTION)
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

    def create(self, name: str, content: bytes) -> Creation:
        if self._is_encrypted_by_the_engine:
            return Creation.NOT_HERE
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, IfNoneMatch="*")
        except _FAILURES as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code == "PreconditionFailed":
                return Creation.WAS_THERE
            if code in _NO_CONDITIONS:
                return Creation.NOT_HERE
            raise self._failed("write to", error) from None
        return Creation.MADE

    def _failed(self, verb: str, error: Exception) -> LabsError:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return LabsError(
            f"{verb} the backend s3://{self._bucket}: {code}; check its name and the credentials"
        )
