"""Serves one CLI process what it would else start processes for: the program, the dynamic provider."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import language_pb2_grpc, provider_pb2_grpc

from vmc_account_link.sdk_private import CHANNEL_OPTIONS
from vmc_labs.engine import sdk_private

_THREADS = 8
"""For each engine: its program takes one to its end, and so does a wait; `Cancel` must find one more."""


@contextlib.contextmanager
def serve(
    dynamic: provider_pb2_grpc.ResourceProviderServicer, program: Callable[[], None] | None = None
) -> Iterator[int]:
    """Serve one CLI process with what it would else start processes for; yields the port on loopback.

    The program is what the SDK's `Stack.up` serves, without the seven CLI processes around it (ADR 0019).

    Args:
        dynamic: provides the dynamic resources (ADR 0021).
        program: an inline program, for a CLI with `--client`; None: none runs.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(dynamic, server)
    if program is not None:
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(sdk_private.LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
        sdk_private.unwrap_pickler()
