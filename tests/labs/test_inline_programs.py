"""Serving many programs in one process: what the SDK leaves behind in it."""

import pickle
from typing import Any

from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2_grpc

from vmc_account_link.link_request import LinkRequestProvider
from vmc_labs.engine.sdk_private import unwrap_pickler
from vmc_labs.engine.server import serve


def test_pickling_is_as_deep_after_hundreds_of_labs_as_before_the_first() -> None:
    pickler: Any = getattr(pickle, "_Pickler")  # noqa: B009 - private, and not in the stubs
    unwrap_pickler()  # Other tests of this process have declared dynamic resources without `serve`.
    before = pickler._batch_setitems
    for _ in range(3):
        with serve(provider_pb2_grpc.ResourceProviderServicer()):
            serialize_provider(LinkRequestProvider())
            assert pickler._batch_setitems is not before, (
                "the SDK unwraps by itself: vmc_labs.engine.sdk_private need not"
            )
        assert pickler._batch_setitems is before
