"""The provider of a lab's dynamic resources, served by the driver itself (ADR 0021).

The engine would start a process of the SDK's for each update, which spends its CPU on imports to make four
calls. It is attached to this instead. The calls mean what the SDK's `pulumi.dynamic.__main__` makes of them
(which can't be imported: it serves as soon as it is), for the resources of this package and no others.
"""

# ruff: noqa: N802, ARG002 - gRPC's names and signatures

import asyncio
import base64
import functools
import io
import pickle  # nosec B403 - see _OnlyOurs
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, get_args

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic import ResourceProvider
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from vmc_account_link.api.client import VmcClient
from vmc_account_link.call_context import CallContext
from vmc_account_link.compatible_subnets import CompatibleSubnetsProvider
from vmc_account_link.connected_account import ConnectedAccountProvider
from vmc_account_link.connection_wait import ConnectionWaitProvider
from vmc_account_link.errors import CommandFailed
from vmc_account_link.existing_account import ExistingAccountProvider
from vmc_account_link.internal_errors import internal_error
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.provider_process import error_line
from vmc_account_link.settings import VmcSettings

PACKAGE = "pulumi-python"
"""The engine's name for what provides Python's dynamic resources."""
_PICKLED = "__provider"
"""The property that holds a resource's provider."""
OurProvider: TypeAlias = (
    LinkRequestProvider
    | ConnectedAccountProvider
    | ConnectionWaitProvider
    | ExistingAccountProvider
    | CompatibleSubnetsProvider
)
_OURS: Mapping[tuple[str, str], type[OurProvider]] = {
    (kind.__module__, kind.__qualname__): kind for kind in get_args(OurProvider)
}
_DiffResponse = provider_pb2.DiffResponse
_T = TypeVar("_T")
Context: TypeAlias = grpc.ServicerContext
_Method: TypeAlias = Callable[["DynamicProvider", Any, Context], Any]


def _failing_in_one_line(method: _Method) -> _Method:
    """Answer a failure of the method with its one line."""

    @functools.wraps(method)
    def answer(self: "DynamicProvider", request: Any, context: Context) -> Any:
        try:
            return method(self, request, context)
        except CommandFailed as error:
            line = str(error)
        except Exception as error:  # noqa: BLE001 - a bug is one line too
            secrets = self._settings.secrets
            line = error_line(error, secrets) or str(
                internal_error(f"{method.__name__.lower()} a dynamic resource", error, secrets)
            )
        return context.abort(grpc.StatusCode.UNKNOWN, line)

    return answer


class DynamicProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The provider for one engine, from its start to its end."""

    def __init__(
        self,
        settings: VmcSettings,
        emit_progress: Callable[[str], object],
        new_client: Callable[..., VmcClient],
    ) -> None:
        """Serve one lab.

        Args:
            settings: of all its providers; those of the stack's configuration don't count.
            emit_progress: takes the providers' lines.
            new_client: makes their clients, see `ServiceProvider.new_client`.
        """
        self._settings = settings
        self._context = CallContext(emit_progress=emit_progress, canceled=threading.Event())
        self._new_client = new_client

    def close(self) -> None:
        """End the waits that are under way: nobody is there any more to hear what comes of them."""
        self._context.canceled.set()

    def Attach(self, request: Any, context: Context) -> Any:
        """Serve an engine that did not start this process."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Context) -> Any:
        """Say which version this is: the SDK's own number."""
        return plugin_pb2.PluginInfo(version="0.1.0")

    def Configure(self, request: Any, context: Context) -> Any:
        """Leave the stack's configuration aside, and take secrets as plain values."""
        return provider_pb2.ConfigureResponse(acceptSecrets=False)

    @_failing_in_one_line
    def Check(self, request: Any, context: Context) -> Any:
        """Judge the inputs."""
        olds, news = _read(request.olds, unknowns=True), _read(request.news, unknowns=True)
        pickled = _pickled(news, olds)
        result = self._call(pickled, lambda provider: provider.check(olds, news))
        failures = [
            provider_pb2.CheckFailure(property=one.property, reason=one.reason) for one in result.failures
        ]
        return provider_pb2.CheckResponse(inputs=_written(result.inputs, news[_PICKLED]), failures=failures)

    @_failing_in_one_line
    def Diff(self, request: Any, context: Context) -> Any:
        """Say what there is to do."""
        olds, news = _read(request.olds, unknowns=True), _read(request.news, unknowns=True)
        result = self._call(_pickled(news, olds), lambda provider: provider.diff(request.id, olds, news))
        changes = {
            None: _DiffResponse.DIFF_UNKNOWN,
            True: _DiffResponse.DIFF_SOME,
            False: _DiffResponse.DIFF_NONE,
        }
        return _DiffResponse(
            changes=changes[result.changes],
            replaces=result.replaces or [],
            deleteBeforeReplace=bool(result.delete_before_replace),
        )

    @_failing_in_one_line
    def Create(self, request: Any, context: Context) -> Any:
        """Make the resource."""
        inputs = _read(request.properties)
        result = self._call(inputs[_PICKLED], lambda provider: provider.create(inputs))
        return provider_pb2.CreateResponse(
            id=result.id, properties=_written(result.outs or {}, inputs[_PICKLED])
        )

    @_failing_in_one_line
    def Read(self, request: Any, context: Context) -> Any:
        """Look at the resource; without an id it is gone."""
        state = _read(request.properties)
        result = self._call(state[_PICKLED], lambda provider: provider.read(request.id, state))
        return provider_pb2.ReadResponse(
            id=result.id or "", properties=_written(result.outs or {}, state[_PICKLED])
        )

    @_failing_in_one_line
    def Update(self, request: Any, context: Context) -> Any:
        """Change the resource."""
        olds, news = _read(request.olds), _read(request.news)
        result = self._call(news[_PICKLED], lambda provider: provider.update(request.id, olds, news))
        return provider_pb2.UpdateResponse(properties=_written(result.outs or {}, news[_PICKLED]))

    @_failing_in_one_line
    def Delete(self, request: Any, context: Context) -> Any:
        """Take the resource away."""
        state = _read(request.properties)
        self._call(state[_PICKLED], lambda provider: provider.delete(request.id, state))
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Context) -> Any:
        """Hear of Ctrl-C; the engine waits for the calls that are under way."""
        self.close()
        return empty_pb2.Empty()

    def _call(self, pickled: str, of: Callable[[ResourceProvider], _T]) -> _T:
        provider = unpickled(pickled)
        provider.settings, provider.context = self._settings, self._context
        provider.new_client = self._new_client
        return of(provider)


def unpickled(text: str) -> OurProvider:
    """A provider of this package, as the SDK has pickled it into a resource's inputs.

    Raises:
        CommandFailed: it is somebody else's. What is pickled can be any code, and this process has the
            organisation's token.
    """
    try:
        provider: object = _OnlyOurs(io.BytesIO(base64.b64decode(text))).load()
    except (pickle.UnpicklingError, ValueError, EOFError, AttributeError, TypeError):
        provider = None
    if not isinstance(provider, OurProvider):
        raise CommandFailed(
            "a dynamic resource of this Pulumi stack is not one of vmc-labs: remove it with a plain "
            "`pulumi up` or `pulumi destroy`"
        )
    return provider


class _OnlyOurs(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[OurProvider]:
        try:
            return _OURS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name}") from None


def _read(properties: struct_pb2.Struct, *, unknowns: bool = False) -> dict[str, Any]:
    values: dict[str, Any] = rpc.deserialize_properties(properties, unknowns)
    return values


def _pickled(news: Mapping[str, Any], olds: Mapping[str, Any]) -> str:
    """The provider of the inputs, or, where a preview can't know it, the one that made the resource."""
    pickled = news[_PICKLED]
    return str(pickled if isinstance(pickled, str) else olds[_PICKLED])


def _written(values: Mapping[str, Any], pickled: object) -> struct_pb2.Struct:
    return asyncio.run(rpc.serialize_properties({**values, _PICKLED: pickled}, {}))
