"""Programs of several labs in one process. Real: the SDK's callback servers, on an event loop each."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc
from pulumi.runtime.settings import reset_options

import labs.engine

PROGRAMS = 4


def test_a_program_that_ends_leaves_the_callback_servers_of_the_others_alone() -> None:
    assert labs.engine.__name__ in sys.modules, "what is tested happened when it was loaded"
    servers: Any = _CallbackServicer
    all_serve, first_has_ended = threading.Barrier(PROGRAMS), threading.Event()

    async def program(number: int) -> grpc.StatusCode:
        # An earlier program of this process may have left its engine, now gone, to be logged to. The names
        # are the SDK's own: what is set first in a thread is what all threads see that set nothing.
        reset_options(project="project", stack="stack")
        server = servers(None)
        await server.serve()
        all_serve.wait(timeout=10)
        if number:
            await asyncio.to_thread(first_has_ended.wait, 10)
        try:
            return await _asked(server._target)
        finally:
            await servers.shutdown()
            first_has_ended.set()

    with ThreadPoolExecutor(PROGRAMS) as pool:
        codes = list(pool.map(lambda number: asyncio.run(program(number)), range(PROGRAMS)))
    assert codes == [grpc.StatusCode.INVALID_ARGUMENT] * PROGRAMS, "each answered that it knows no such hook"
    assert list(servers._servicers) == [], "they don't pile up"


async def _asked(target: str) -> grpc.StatusCode:
    """What a callback server answers to a hook that it does not know."""
    async with grpc.aio.insecure_channel(target) as channel:
        stub = callback_pb2_grpc.CallbacksStub(channel)
        try:
            await stub.Invoke(callback_pb2.CallbackInvokeRequest(token="none"), timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK
