"""Where a backend of files keeps them: a folder or an S3 bucket, by the URL that the engine takes."""

import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from vmc_account_link.errors import CommandFailed

_FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""What boto3 raises where S3 refused, or something else than S3 answered."""
AT_A_TIME = 32
"""Files that may be read side by side: an S3 keeps so many connections open."""
_OPENING = threading.Lock()


class Store(Protocol):
    """Where files are kept."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names of the files in a folder, `prefix` ending in a slash; without the folder."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        ...


def open_store(backend: str) -> Store | None:
    """The store behind a backend's URL; None where it is none of files. One for all labs; for any thread.

    Args:
        backend: an absolute URL (`vmc_labs.spec.backend`).

    Raises:
        CommandFailed: it can't be opened.
    """
    with _OPENING:
        return _open(backend)


@functools.cache
def _open(backend: str) -> Store | None:
    # A client of S3's costs as much CPU as some hundred of its requests.
    parts = urlsplit(backend)
    if parts.scheme == "file":
        return _Folder(Path(unquote(parts.path)))
    return _Bucket(backend) if parts.scheme == "s3" else None


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, prefix: str) -> Iterator[str]:
        try:
            with os.scandir(self._root / prefix) as entries:
                return iter([entry.name for entry in entries if entry.is_file()])
        except (FileNotFoundError, NotADirectoryError):
            return iter(())
        except OSError as error:
            raise self._failed(error) from None

    def read(self, name: str) -> bytes | None:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> CommandFailed:
        return CommandFailed(f"read the backend in {self._root}: {error.strerror}; check its rights")


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
                    s3={"addressing_style": style},
                    retries={"mode": "standard", "max_attempts": 5},
                    max_pool_connections=AT_A_TIME,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise CommandFailed(f"open the backend s3://{self._bucket}: {error}") from None

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

    def _failed(self, verb: str, error: Exception) -> CommandFailed:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return CommandFailed(
            f"{verb} the backend s3://{self._bucket}: {code}; check its name and the credentials"
        )
