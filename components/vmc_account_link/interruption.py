"""Noticing Ctrl-C in the engine's provider process.

On the first Ctrl-C the engine calls `Cancel` on each provider and then waits for the calls in flight. The
SDK's dynamic provider answers `Cancel` with nothing done, and no signal reaches its process (it has a process
group of its own), so a wait of half an hour would go on to its end. Seen on the engine; ADR 0008.
"""

import sys
import threading
from typing import Any

CANCELED = threading.Event()
"""Set once the engine has said that the person wants to stop."""


def _cancel(self: Any, request: Any, context: Any) -> Any:  # noqa: ARG001  # the signature of a gRPC method
    # Runs with the globals of the SDK's module, see below: what it needs it has to look up itself.
    import sys  # noqa: PLC0415

    from google.protobuf import empty_pb2  # noqa: PLC0415

    sys.modules["vmc_account_link.interruption"].CANCELED.set()
    return empty_pb2.Empty()


def watch_for_cancel() -> None:
    """Have the SDK's server set `CANCELED` when the engine calls `Cancel`; does nothing elsewhere.

    The server has bound its methods before any provider of ours is loaded, so the method's code is replaced
    rather than the method. Without the SDK's class there is nothing to replace, and a wait just can't be
    interrupted.
    """
    servicer = getattr(sys.modules.get("__main__"), "DynamicResourceProviderServicer", None)
    method = getattr(servicer, "Cancel", None)
    if method is not None:
        method.__code__ = _cancel.__code__
