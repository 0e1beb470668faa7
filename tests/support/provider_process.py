"""A process of the AWS provider, driven over gRPC as the engine drives it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.plugins import find_provider

PROVIDER = "urn:pulumi:dev::proof::pulumi:providers:aws::aws"
STACK = "urn:pulumi:dev::proof::aws:cloudformation/stack:Stack::lab"


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """A message of these values."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """A message's values."""
    values: dict[str, Any] = json_format.MessageToDict(message)
    return values


class Provider:
    """A process of the provider, driven as the engine does it."""

    def __init__(self, stub: Any, url: str) -> None:
        """Take over a started process; `url` is AWS."""
        self.stub = stub
        self._url = url

    def check_config(self, **arguments: str) -> Any:
        """The engine's check of the provider's arguments, which it passes as JSON."""
        endpoints = json.dumps([{"cloudformation": self._url, "sts": self._url}])
        news = struct({"endpoints": endpoints, **arguments})
        return self.stub.CheckConfig(provider_pb2.CheckRequest(urn=PROVIDER, news=news))

    def configure(self, **arguments: str) -> None:
        """Check, then configure; the check must succeed."""
        checked = self.check_config(region="us-west-2", **arguments)
        assert [one.reason for one in checked.failures] == []
        self.stub.Configure(provider_pb2.ConfigureRequest(args=checked.inputs, acceptSecrets=True))

    def check(self, **news: Any) -> struct_pb2.Struct:
        """A stack's inputs as the provider completes them."""
        checked = self.stub.Check(
            provider_pb2.CheckRequest(urn=STACK, news=struct(news), randomSeed=os.urandom(8))
        )
        assert [one.reason for one in checked.failures] == []
        inputs: struct_pb2.Struct = checked.inputs
        return inputs

    def create(self, **news: Any) -> Any:
        """Create a stack."""
        return self.stub.Create(provider_pb2.CreateRequest(urn=STACK, properties=self.check(**news)))

    def diff(self, made: Any, **news: Any) -> Any:
        """Compare a stack that was made with new arguments."""
        request = provider_pb2.DiffRequest(
            id=made.id, urn=STACK, olds=made.properties, news=self.check(**news)
        )
        return self.stub.Diff(request)

    def update(self, made: Any, **news: Any) -> Any:
        """Update a stack that was made."""
        request = provider_pb2.UpdateRequest(
            id=made.id, urn=STACK, olds=made.properties, news=self.check(**news)
        )
        return self.stub.Update(request)

    def read(self, made: Any, **news: Any) -> Any:
        """Read a stack that was made."""
        inputs = self.check(**news)
        request = provider_pb2.ReadRequest(id=made.id, urn=STACK, properties=made.properties, inputs=inputs)
        return self.stub.Read(request)

    def delete(self, made: Any) -> None:
        """Delete a stack."""
        self.stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=STACK, properties=made.properties))


def half_done(error: Any) -> Any:
    """The ErrorResourceInitFailed of a failed call, decoded as the engine does it."""
    trailing = {one.key: one.value for one in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail


@contextmanager
def running_provider(folder: Path, *, url: str, **variables: str) -> Iterator[Provider]:
    """The quick build at work in a folder, with these variables and no others that lead to AWS.

    Args:
        folder: its home and working folder.
        url: where AWS is.
        variables: of its environment.
    """
    found = find_provider(0.02)
    assert found is not None, "there is no provider: run `python -m tools.engine --quick`"
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        [found.folder / "pulumi-resource-aws", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        text=True,
        env={**ambient, **found.environment, "HOME": str(folder), **variables},
        cwd=folder,
    ) as process:
        assert process.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                yield Provider(provider_pb2_grpc.ResourceProviderStub(channel), url)
        finally:
            process.kill()
