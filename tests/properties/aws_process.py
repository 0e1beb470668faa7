"""The AWS provider's quick build as a child of this process, and the port at which it finds AWS."""

import atexit
import functools
import os
import subprocess
import threading
from collections.abc import Iterable
from concurrent import futures
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc

from sandbox.plugins import find_provider

_FIRST_POLL_SECONDS = 0.001
"""Of real time: whoever serves the provider lets the stack settle before it looks."""

_LARGEST_METADATA = 1024 * 1024


class AwsProcess:
    """The provider's process; it has one configuration, and makes one call at a time."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            FileNotFoundError: `make setup` has built no provider.
        """
        self.application: WSGIApplication | None = None
        """What answers the provider's calls to AWS."""
        provider = find_provider(_FIRST_POLL_SECONDS)
        if provider is None:
            raise FileNotFoundError("start the AWS provider: there is none in .engine. Run `make setup`.")
        server = make_server("127.0.0.1", 0, self._answer, server_class=_Server, handler_class=_Silent)
        threading.Thread(target=server.serve_forever, name="aws-of-histories", daemon=True).start()
        # It does not start without an engine to talk to.
        self._engine = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), self._engine)
        engine_port = self._engine.add_insecure_port("127.0.0.1:0")
        self._engine.start()
        self._process = subprocess.Popen(
            [provider.folder / "pulumi-resource-aws", f"127.0.0.1:{engine_port}"],
            env={
                **provider.environment,
                **aws_environment(f"http://127.0.0.1:{server.server_port}"),
                "HOME": os.devnull,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self._stop)
        assert self._process.stdout is not None
        channel = grpc.insecure_channel(
            f"127.0.0.1:{int(self._process.stdout.readline())}",
            # A failed update answers with the resource's properties, the template among them, as metadata.
            options=[("grpc.max_metadata_size", _LARGEST_METADATA)],
        )
        self.calls: Any = provider_pb2_grpc.ResourceProviderStub(channel)
        """Its gRPC methods."""

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert self.application is not None
        return self.application(environ, start_response)

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@functools.cache
def aws_process() -> AwsProcess:
    """The one of this process: a start takes 0.14 s of CPU, a history has some dozens of operations."""
    return AwsProcess()


def aws_environment(url: str) -> dict[str, str]:
    """What leads a client of AWS to this URL, and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "sandbox-access-key",
        "AWS_SECRET_ACCESS_KEY": "sandbox-secret-key",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class _Server(ThreadingMixIn, WSGIServer):
    """Closes each connection once it has answered: with every configuration the provider opens new ones.

    The sandbox's own server keeps them open, and takes 100.
    """

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Engine(engine_pb2_grpc.EngineServicer):
    """What the provider says beside its answers is for the engine to show."""

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802, ARG002 - gRPC's names
        return empty_pb2.Empty()
