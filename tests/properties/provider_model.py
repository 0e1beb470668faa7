"""The providers as the model of the engine sees them: ours as objects, the AWS provider over gRPC.

What happens to values between the engine and a provider's process happens to them here too.
"""

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from unittest import mock

import grpc
import pulumi.dynamic
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN_REASON

from tests.properties.aws_process import aws_environment, aws_process
from tests.properties.cloud import Cloud
from tests.properties.engine_model import UNKNOWN, Difference, InitFailed, StepFailed, Values
from tests.support.mocked_engine import mocked_engine

T = TypeVar("T")

STACK_URN = "urn:pulumi:lab::vmc-account-link::aws:cloudformation/stack:Stack::link-stack"
CALLER = "aws:index/getCallerIdentity:getCallerIdentity"


class DynamicProvider:
    """A dynamic provider behind the SDK's process: numbers arrive as floats, None does not arrive at all."""

    def __init__(self, provider: pulumi.dynamic.ResourceProvider) -> None:
        """Take the configured provider."""
        self._provider = provider

    def start(self) -> None:
        """Asks nobody anything."""

    def check(self, olds: Values, news: Values) -> Values:
        """Raise for the first failure, as the engine words it."""
        checked = failing(lambda: self._provider.check(olds, _sent(news)))
        if checked.failures:
            first = checked.failures[0]
            raise StepFailed(f"property {first.property} has a problem: {first.reason}")
        return _sent(checked.inputs)

    def diff(self, id_: str, olds: Values, news: Values) -> Difference:
        """Ask the provider."""
        answer = failing(lambda: self._provider.diff(id_, olds, news))
        return Difference(
            changes=bool(answer.changes),
            replaces=bool(answer.replaces),
            delete_before_replace=bool(answer.delete_before_replace),
        )

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Ask the provider."""
        made = failing(lambda: self._provider.create(inputs))
        return made.id, _sent(made.outs or {})

    def update(self, id_: str, olds: Values, news: Values) -> Values:
        """Ask the provider."""
        return _sent(failing(lambda: self._provider.update(id_, olds, news)).outs or {})

    def read(self, id_: str, outputs: Values, inputs: Values) -> tuple[Values, Values] | None:
        """Ask the provider; without an id it is gone."""
        found = failing(lambda: self._provider.read(id_, outputs))
        return (_sent(found.outs or {}), inputs) if found.id else None

    def delete(self, id_: str, outputs: Values) -> None:
        """Ask the provider."""
        failing(lambda: self._provider.delete(id_, outputs))


def failing(ask: Callable[[], T]) -> T:
    """Whatever a provider or a hook raises ends the step; the cause is kept for the tests."""
    try:
        return ask()
    except Exception as error:
        raise StepFailed(str(error)) from error


def _sent(values: Mapping[str, Any]) -> Values:
    """Top-level values as they pass over gRPC."""
    numbers = {k: float(v) for k, v in values.items() if isinstance(v, int) and not isinstance(v, bool)}
    return {key: value for key, value in {**values, **numbers}.items() if value is not None}


class StackProvider:
    """The AWS provider's process, called as the engine does.

    One process for all operations, configured again for each: a call in another process would find the same.
    Not modelled: CheckConfig, which checks the same arguments.
    """

    def __init__(self, cloud: Cloud) -> None:
        """Begin the first operation.

        Args:
            cloud: whose AWS the provider reaches.
        """
        self._cloud = cloud
        self._calls = aws_process().calls
        _pinned_arguments()  # Before the patches of `Cloud.in_use`.
        self.restart()

    def restart(self) -> None:
        """Begin an operation: the provider is configured before its first use."""
        self._is_configured = False

    def start(self) -> None:
        """Configure it with what the component gives the provider that it pins."""
        if not self._is_configured:
            self._answer("Configure", provider_pb2.ConfigureRequest(args=_pinned_arguments()))
            self._is_configured = True

    def caller_account(self) -> str:
        """The AWS account, as `getCallerIdentity` returns it."""
        answer = self._call("Invoke", provider_pb2.InvokeRequest(tok=CALLER))
        return str(_values(getattr(answer, "return"))["accountId"])

    def check(self, olds: Values, news: Values) -> Values:
        """Fill in the defaults."""
        request = provider_pb2.CheckRequest(urn=STACK_URN, olds=_struct(olds), news=_struct(_given(news)))
        answer = self._call("Check", request)
        if answer.failures:
            raise StepFailed(f"{answer.failures[0].property}: {answer.failures[0].reason}")
        return _values(answer.inputs)

    def diff(self, id_: str, olds: Values, news: Values) -> Difference:
        """Ask the provider."""
        request = provider_pb2.DiffRequest(id=id_, urn=STACK_URN, olds=_struct(olds), news=_struct(news))
        answer = self._call("Diff", request)
        return Difference(
            changes=answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            replaces=bool(answer.replaces),
            delete_before_replace=answer.deleteBeforeReplace,
        )

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Ask the provider."""
        request = provider_pb2.CreateRequest(urn=STACK_URN, properties=_struct(inputs))
        made = self._call("Create", request, waits=True)
        return made.id, _values(made.properties)

    def update(self, id_: str, olds: Values, news: Values) -> Values:
        """Ask the provider."""
        request = provider_pb2.UpdateRequest(id=id_, urn=STACK_URN, olds=_struct(olds), news=_struct(news))
        return _values(self._call("Update", request, waits=True).properties)

    def read(self, id_: str, outputs: Values, inputs: Values) -> tuple[Values, Values] | None:
        """Ask the provider."""
        request = provider_pb2.ReadRequest(
            id=id_, urn=STACK_URN, properties=_struct(outputs), inputs=_struct(inputs)
        )
        found = self._call("Read", request)
        return (_values(found.properties), _values(found.inputs)) if found.id else None

    def delete(self, id_: str, outputs: Values) -> None:
        """Ask the provider."""
        request = provider_pb2.DeleteRequest(id=id_, urn=STACK_URN, properties=_struct(outputs))
        self._call("Delete", request, waits=True)

    def _call(self, method: str, request: Any, *, waits: bool = False) -> Any:
        self.start()
        return self._answer(method, request, waits=waits)

    def _answer(self, method: str, request: Any, *, waits: bool = False) -> Any:
        try:
            with self._cloud.reached_by(aws_process(), waits=waits):
                return getattr(self._calls, method)(request)
        except grpc.RpcError as error:
            # The class that gRPC raises has them, the one that it documents has not.
            failed: Any = error
            metadata = dict(failed.trailing_metadata() or ())
            half_done = provider_pb2.ErrorResourceInitFailed()
            details = status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b"")).details
            if not (details and details[0].Unpack(half_done)):
                raise StepFailed(failed.details()) from error
            raise InitFailed(failed.details(), half_done.id, _values(half_done.properties)) from error


@functools.cache
def _pinned_arguments() -> struct_pb2.Struct:
    """The arguments of the component's own AWS provider, in which all but texts is JSON."""
    with mock.patch.dict(os.environ, aws_environment("http://127.0.0.1:1")), mocked_engine() as run:
        return run().of_type("pulumi:providers:aws").object


def _given(values: Values) -> Values:
    """What the program gives: the SDK leaves out what is None."""
    return {key: value for key, value in values.items() if value is not None}


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update({key: UNKNOWN_REASON if value is UNKNOWN else value for key, value in values.items()})
    return struct


def _values(struct: struct_pb2.Struct) -> Values:
    values = json_format.MessageToDict(struct)
    return {key: UNKNOWN if value == UNKNOWN_REASON else value for key, value in values.items()}
