"""Writing a file where there is none. Real: folders, threads, an S3 (moto)."""

import errno
import os
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from labs.errors import LabsError
from labs.stores import Creation, Store, open_store

MAKERS = 8
NAME = ".pulumi/stacks/p/dev.json"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket's URL, as for the engine."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        where = f"http://{host}:{port}"
        # A name of its own: moto keeps what is in a bucket for as long as the process lives.
        name = f"states-{uuid.uuid4()}"
        boto3.client("s3", endpoint_url=where, region_name="us-east-1").create_bucket(Bucket=name)
        yield f"s3://{name}/below?endpoint={host}:{port}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1"
    finally:
        server.stop()


def opened(backend: str) -> Store:
    store = open_store(backend)
    assert store is not None
    return store


def test_of_many_makers_one_makes_the_file_and_it_is_whole(tmp_path: Path) -> None:
    start = threading.Barrier(MAKERS)

    def make(number: int) -> Creation:
        store = opened(tmp_path.as_uri())
        start.wait()
        return store.create(NAME, str(number).encode() * 1_000_000)

    with ThreadPoolExecutor(MAKERS) as pool:
        made = list(pool.map(make, range(MAKERS)))
    assert made.count(Creation.MADE) == 1
    assert made.count(Creation.WAS_THERE) == MAKERS - 1
    assert (tmp_path / NAME).read_bytes() == str(made.index(Creation.MADE)).encode() * 1_000_000
    assert [path.name for path in (tmp_path / NAME).parent.iterdir()] == ["dev.json"], "no draft is left"


def test_an_object_is_never_written_over(bucket: str) -> None:
    store = opened(bucket)
    assert store.create(NAME, b"first") is Creation.MADE
    assert opened(bucket).create(NAME, b"second") is Creation.WAS_THERE
    assert store.read(NAME) == b"first"


def test_a_maker_that_dies_while_it_writes_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: int) -> None:
        assert not (tmp_path / NAME).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path.as_uri()).create(NAME, b"{}")
    assert not (tmp_path / NAME).exists()


def test_the_file_has_the_rights_that_the_engine_gives_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        opened(tmp_path.as_uri()).create(NAME, b"{}")
    finally:
        os.umask(before)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640


def test_a_folder_without_hard_links_is_left_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert opened(tmp_path.as_uri()).create(NAME, b"{}") is Creation.NOT_HERE
    assert list((tmp_path / NAME).parent.iterdir()) == []


def test_a_folder_that_can_not_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".pulumi").write_text("no folder")
    with pytest.raises(LabsError, match=r"write to the backend in .*: Not a directory; check its rights"):
        opened(tmp_path.as_uri()).create(NAME, b"{}")


@pytest.mark.parametrize("code", ["NotImplemented", "ConditionalRequestConflict"])
def test_an_s3_that_can_not_write_only_what_is_not_there_is_left_to_the_engine(
    code: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = opened(bucket)
    asked: list[dict[str, object]] = []

    def refuse(**request: object) -> None:
        asked.append(request)
        raise ClientError({"Error": {"Code": code}}, "PutObject")

    monkeypatch.setattr(store._s3, "put_object", refuse)
    assert store.create(NAME, b"{}") is Creation.NOT_HERE
    assert [request["IfNoneMatch"] for request in asked] == ["*"]


@pytest.mark.parametrize("query", ["ssetype=aws:kms", "kmskeyid=1234"])
def test_a_bucket_whose_states_the_engine_encrypts_is_left_to_it(query: str, bucket: str) -> None:
    assert opened(f"{bucket}&{query}").create(NAME, b"{}") is Creation.NOT_HERE
    assert opened(bucket).read(NAME) is None
