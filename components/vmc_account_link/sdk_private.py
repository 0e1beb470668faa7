"""All that our servers use of the SDK's private parts, each with why and until when.

A name that is gone is an error at import; `tests/unit/test_sdk_private.py` looks at what they do. For the
dynamic resources there is such a module too, `provider_process`; for the fleet `vmc_labs.engine.sdk_private`.
"""

from typing import Any

import grpc
import pulumi
from pulumi.provider.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2

from vmc_account_link.internal_errors import internal_error

CHANNEL_OPTIONS = _GRPC_CHANNEL_OPTIONS
"""How large a message may be, among others. Until the SDK's servers can be had whole (ADR 0021, 0024)."""


class ComponentServicer(ProviderServicer):
    """The SDK's server of components, with every failure as one line.

    The SDK's `Construct` calls `_construct`, and answers what that raises with a traceback. Until a
    `RunError` reaches the person as its text, and `pulumi.provider` offers a server for a `Provider`.
    """

    async def Construct(  # noqa: N802 - gRPC's name
        self, request: provider_pb2.ConstructRequest, context: Any
    ) -> provider_pb2.ConstructResponse:
        """Declare a component as the provider does."""
        try:
            return await self._construct(request, context)
        except pulumi.RunError as error:
            line = str(error)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw
            line = str(internal_error(f"construct {request.name}", error))
        # Raises, and unlike any other exception is not printed by gRPC.
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, line)
        raise AssertionError
