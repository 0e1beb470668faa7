"""The SDK's private parts by which the component is served: they do what ours is built on, in this SDK."""

import asyncio
import inspect
from collections.abc import Callable

import grpc
import pulumi
import pytest
from pulumi.provider import Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2

from vmc_account_link.errors import SettingsError
from vmc_account_link.sdk_private import CHANNEL_OPTIONS, ComponentServicer

REQUEST = provider_pb2.ConstructRequest(name="account-link")
RESPONSE = provider_pb2.ConstructResponse(urn="urn:pulumi:lab::project::type::name")
LARGE = 64 * 1024 * 1024


class Aborted(Exception):
    """What gRPC's own context raises at `abort`."""


class Context:
    """As much of a call's context as is used."""

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise Aborted(code, details)


def construct(
    kind: type[ProviderServicer], raised: Exception | None = None
) -> provider_pb2.ConstructResponse:
    """What a server answers where declaring the component ends like this."""

    async def declared(request: object, context: object) -> provider_pb2.ConstructResponse:
        assert request is REQUEST
        if raised is not None:
            raise raised
        return RESPONSE

    servicer = kind(Provider("0.1.0"), [], "127.0.0.1:1")
    assert inspect.iscoroutinefunction(servicer._construct), "Construct of the SDK has another inside"
    assert [*inspect.signature(servicer._construct).parameters] == ["request", "context"]
    servicer._construct = declared  # type: ignore[method-assign]
    loop = (
        asyncio.new_event_loop()
    )  # `asyncio.run` would leave the thread without the one that Pulumi asks for
    try:
        return loop.run_until_complete(servicer.Construct(REQUEST, Context()))
    finally:
        loop.close()


@pytest.mark.parametrize("kind", [ProviderServicer, ComponentServicer])
def test_what_is_declared_is_answered(kind: type[ProviderServicer]) -> None:
    assert construct(kind) is RESPONSE


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (lambda: SettingsError("stackName", "it is no name", "Set one."), "stackName: it is no name"),
        (lambda: KeyError("planted"), "construct account-link"),
    ],
)
def test_a_failure_is_one_line(raised: Callable[[], Exception], line: str) -> None:
    with pytest.raises(Aborted) as aborted:
        construct(ComponentServicer, raised())
    code, said = aborted.value.args
    assert (code, said.count("\n")) == (grpc.StatusCode.INVALID_ARGUMENT, 0)
    assert line in said


def test_the_sdk_answers_a_failure_with_a_traceback_or_raises_it() -> None:
    mended = "the SDK answers in one line by itself: vmc_account_link.sdk_private need not"
    with pytest.raises(Exception, match=r'(?s)planted.*File ".*", line') as shown:
        construct(ProviderServicer, ValueError("planted"))
    assert type(shown.value) is Exception, mended
    with pytest.raises(pulumi.RunError):
        construct(ProviderServicer, SettingsError("stackName", "it is no name", "Set one."))


def test_large_messages_are_let_through() -> None:
    assert dict(CHANNEL_OPTIONS)["grpc.max_receive_message_length"] > LARGE
