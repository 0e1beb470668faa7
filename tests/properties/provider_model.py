"""The providers as the model of the engine sees them: ours as objects, the sandbox's AWS plugin as one.

What happens to values between the engine and a provider's process happens to them here too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Never, TypeVar

import grpc
import pulumi.dynamic
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.aws_plugin import provider as plugin
from sandbox.aws_plugin.values import UNKNOWN as UNKNOWN_TEXT
from sandbox.aws_plugin.values import from_struct, to_struct
from tests.properties.engine_model import UNKNOWN, Difference, InitFailed, StepFailed, Values

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
        seen = failing(lambda: self._provider.read(id_, outputs))
        return (_sent(seen.outs or {}), inputs) if seen.id else None

    def delete(self, id_: str, outputs: Values) -> None:
        """Ask the provider."""
        failing(lambda: self._provider.delete(id_, outputs))


def failing(ask: Callable[[], T]) -> T:
    """Whatever a provider or a hook raises ends the step; the cause is kept for the tests to judge."""
    try:
        return ask()
    except Exception as error:
        raise StepFailed(str(error)) from error


def _sent(values: Mapping[str, Any]) -> Values:
    """Top-level values as they pass over gRPC."""
    numbers = {k: float(v) for k, v in values.items() if isinstance(v, int) and not isinstance(v, bool)}
    return {key: value for key, value in {**values, **numbers}.items() if value is not None}


class _Aborted(Exception):
    """gRPC's `abort`."""


class _Context:
    """gRPC's context as far as the plugin uses it."""

    def __init__(self) -> None:
        self.metadata: dict[str, bytes] = {}

    def set_trailing_metadata(self, metadata: Sequence[tuple[str, bytes]]) -> None:
        """Keep what goes beside the status."""
        self.metadata |= dict(metadata)

    def abort(self, _code: grpc.StatusCode, details: str) -> Never:
        """End the call."""
        raise _Aborted(details)


class StackProvider:
    """The sandbox's AWS plugin, called as an object; what it says over gRPC is said here."""

    def __init__(self) -> None:
        """Start the first process."""
        self.restart()

    def restart(self) -> None:
        """A new process, which is configured before its first use."""
        self._plugin = plugin.AwsProvider()
        self._is_configured = False

    def start(self) -> None:
        """Configure it, which asks AWS whose credentials these are."""
        if not self._is_configured:
            arguments = to_struct({"region": "us-west-2"})
            self._answer("Configure", provider_pb2.ConfigureRequest(args=arguments))
            self._is_configured = True

    def caller_account(self) -> str:
        """The AWS account, as `getCallerIdentity` tells it."""
        answer = self._call("Invoke", provider_pb2.InvokeRequest(tok=CALLER))
        return str(from_struct(getattr(answer, "return"))["accountId"])

    def check(self, olds: Values, news: Values) -> Values:
        """Fill in the defaults."""
        request = provider_pb2.CheckRequest(urn=STACK_URN, olds=to_struct(olds), news=_struct(news))
        answer = self._call("Check", request)
        if answer.failures:
            raise StepFailed(f"{answer.failures[0].property}: {answer.failures[0].reason}")
        return _unstruct(answer.inputs)

    def diff(self, id_: str, olds: Values, news: Values) -> Difference:
        """Ask the plugin."""
        request = provider_pb2.DiffRequest(id=id_, urn=STACK_URN, olds=to_struct(olds), news=_struct(news))
        answer = self._call("Diff", request)
        return Difference(
            changes=answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
            replaces=bool(answer.replaces),
            delete_before_replace=answer.deleteBeforeReplace,
        )

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Ask the plugin."""
        made = self._call("Create", provider_pb2.CreateRequest(urn=STACK_URN, properties=to_struct(inputs)))
        return made.id, from_struct(made.properties)

    def update(self, id_: str, olds: Values, news: Values) -> Values:
        """Ask the plugin."""
        request = provider_pb2.UpdateRequest(
            id=id_, urn=STACK_URN, olds=to_struct(olds), news=to_struct(news)
        )
        return from_struct(self._call("Update", request).properties)

    def read(self, id_: str, outputs: Values, inputs: Values) -> tuple[Values, Values] | None:
        """Ask the plugin."""
        request = provider_pb2.ReadRequest(
            id=id_, urn=STACK_URN, properties=to_struct(outputs), inputs=to_struct(inputs)
        )
        seen = self._call("Read", request)
        return (from_struct(seen.properties), from_struct(seen.inputs)) if seen.id else None

    def delete(self, id_: str, outputs: Values) -> None:
        """Ask the plugin."""
        self._call("Delete", provider_pb2.DeleteRequest(id=id_, urn=STACK_URN, properties=to_struct(outputs)))

    def _call(self, method: str, request: Any) -> Any:
        self.start()
        return self._answer(method, request)

    def _answer(self, method: str, request: Any) -> Any:
        context = _Context()
        try:
            return getattr(self._plugin, method)(request, context)
        except _Aborted as error:
            details = context.metadata.get("grpc-status-details-bin")
            if details is None:
                raise StepFailed(str(error)) from error
            half_done = provider_pb2.ErrorResourceInitFailed()
            status_pb2.Status.FromString(details).details[0].Unpack(half_done)
            raise InitFailed(str(error), half_done.id, from_struct(half_done.properties)) from error


def _struct(values: Values) -> Any:
    return to_struct({key: UNKNOWN_TEXT if value is UNKNOWN else value for key, value in values.items()})


def _unstruct(struct: Any) -> Values:
    values = from_struct(struct)
    return {key: UNKNOWN if value == UNKNOWN_TEXT else value for key, value in values.items()}
