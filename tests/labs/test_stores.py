"""States read from where a backend keeps them. Real: folders, threads, an S3 (moto)."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.labs.specs import lab_spec
from vmc_account_link.errors import CommandFailed
from vmc_labs.engine.lab_engine import PROJECT
from vmc_labs.fleet.snapshot import FleetReader
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.files import open_state_files
from vmc_labs.state.stores import open_store

STACKS = f"below/.pulumi/stacks/{PROJECT}"
LABS = 300
STATE = {
    "version": 3,
    "checkpoint": {
        "latest": {
            "resources": [
                {
                    "type": "pulumi-python:dynamic/vmc-account-link:ConnectedAccount",
                    "outputs": {"connected_account_state": "ACTIVE"},
                }
            ]
        }
    },
}


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
        client(where).create_bucket(Bucket=name)
        yield f"s3://{name}/below?endpoint={host}:{port}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1"
    finally:
        server.stop()


def client(where: str) -> Any:
    return boto3.client("s3", endpoint_url=where, region_name="us-east-1")


def lab(number: int) -> LabSpec:
    return lab_spec(f"team-{number:03}")


def fleet_reader(backend: str, folder: Path) -> FleetReader:
    return FleetReader(backend=backend, environment={}, token_variables=(), scratch=folder)


def test_300_states_in_a_bucket_are_read_in_parallel_by_one_client(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its tags; and the labs that the spec does not know, with those alone."""
    labs = [lab(number) for number in range(1, LABS + 1)]
    s3 = client(f"http://{bucket.partition('endpoint=')[2].partition('&')[0]}")
    name = bucket.removeprefix("s3://").partition("/")[0]

    def put(stack: str) -> None:
        s3.put_object(Bucket=name, Key=f"{STACKS}/{stack}.json", Body=json.dumps(STATE))
        tags = json.dumps({"version": 1, "tags": {"event": "event", "owner": stack}})
        s3.put_object(Bucket=name, Key=f"{STACKS}/{stack}.pulumi-tags", Body=tags)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, [*(one.stack for one in labs), "event-stray", "other-stray"]))
    clients: list[object] = []
    session = boto3.Session

    def counted(**options: Any) -> Any:
        clients.append(options)
        return session(**options)

    monkeypatch.setattr("vmc_labs.state.stores.boto3.Session", counted)
    begin = time.monotonic()
    states = fleet_reader(bucket, tmp_path).states(labs)
    unlisted_labs = fleet_reader(bucket, tmp_path).tagged("event", known=states.keys())
    seconds = time.monotonic() - begin
    assert [states[one.stack].tags["owner"] for one in labs] == [one.stack for one in labs]
    assert all(state.is_linked for state in states.values())
    assert list(unlisted_labs) == ["event-stray"]
    assert len(clients) == 1
    assert seconds < 20, "one after the other they take a minute from a region away"


def test_states_are_read_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the answers are: 64 of a fifth of a second each."""
    files = open_state_files(tmp_path.as_uri(), PROJECT, {})
    assert files is not None
    monkeypatch.setattr(type(files), "get", lambda _self, _stack: time.sleep(0.2))
    begin = time.monotonic()
    fleet_reader(tmp_path.as_uri(), tmp_path).states([lab(number) for number in range(64)])
    assert time.monotonic() - begin < 3


def test_all_who_read_a_bucket_share_one_client(bucket: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_store, [bucket] * 8))
    assert len(set(map(id, opened))) == 1


def test_a_missing_bucket_and_an_unreadable_folder_are_one_line(bucket: str, tmp_path: Path) -> None:
    missing = open_store(bucket.replace("s3://states-", "s3://nowhere-"))
    assert missing is not None
    with pytest.raises(
        CommandFailed, match=r"^list the backend s3://nowhere-.*: NoSuchBucket; check its name"
    ):
        list(missing.names(".pulumi/"))
    (tmp_path / "name").mkdir()
    folder = open_store(tmp_path.as_uri())
    assert folder is not None
    with pytest.raises(CommandFailed, match=r"^read the backend in .*: Is a directory; check its rights"):
        folder.read("name")
    assert list(folder.names("nowhere/")) == []
