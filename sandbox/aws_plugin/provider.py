"""The plugin's gRPC service."""

# ruff: noqa: N802, ARG002 - gRPC's names and signatures

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.aws_plugin import stack_plan
from sandbox.aws_plugin.configuration import Aws, ConfigurationError, ProviderConfig, environment
from sandbox.aws_plugin.functions import FUNCTIONS, NoSuchFunction, invoke
from sandbox.aws_plugin.stack_calls import FAILURES, StackCalls, StackError, StackGone, describe
from sandbox.aws_plugin.stack_plan import Change
from sandbox.aws_plugin.values import Properties, from_struct, is_unknown, to_struct

_Kind = provider_pb2.PropertyDiff.Kind
_KINDS: Mapping[tuple[Change, bool], Any] = {
    (Change.ADD, False): _Kind.ADD,
    (Change.ADD, True): _Kind.ADD_REPLACE,
    (Change.DELETE, False): _Kind.DELETE,
    (Change.DELETE, True): _Kind.DELETE_REPLACE,
    (Change.UPDATE, False): _Kind.UPDATE,
    (Change.UPDATE, True): _Kind.UPDATE_REPLACE,
}
Context: TypeAlias = grpc.ServicerContext


def plugin_version() -> str:
    """The version of the SDK that this plugin stands behind."""
    return version("pulumi_aws")


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One plugin process; each request runs on its own thread.

    Secrets: `acceptSecrets` is not claimed, so the engine sends plain values and marks every output whose
    input of the same name was secret; the real provider, which claims it, marks the same ones itself.
    """

    def __init__(self) -> None:
        self._aws = Aws(ProviderConfig())

    def Handshake(self, request: Any, context: Context) -> NoReturn:
        """Not there yet in the real provider either."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake is not implemented")
        raise AssertionError("abort raises")

    def Attach(self, request: Any, context: Context) -> Any:
        """Serve an engine that did not start this process."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Context) -> Any:
        """Say which version this is."""
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetSchema(self, request: Any, context: Context) -> Any:
        """The least a package schema can be."""
        tokens: dict[str, Any] = {stack_plan.TYPE: {"inputProperties": {}, "properties": {}}}
        schema = {
            "name": "aws",
            "version": plugin_version(),
            "resources": tokens,
            "functions": {token: {} for token in FUNCTIONS},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: Context) -> Any:
        """Take the provider's arguments as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Context) -> Any:
        """A changed provider is updated in place; its resources decide for themselves."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed)

    def Configure(self, request: Any, context: Context) -> Any:
        """Take the arguments into use and ask AWS who we are."""
        arguments = from_struct(request.args)
        arguments = arguments or {key.split(":")[-1]: value for key, value in request.variables.items()}
        try:
            aws = Aws(ProviderConfig.from_arguments(arguments, environment()))
            if not is_unknown(arguments):
                aws.check_account()
        except ConfigurationError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except FAILURES as error:
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED, f"unable to validate AWS credentials: {describe(error)}"
            )
        self._aws = aws
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Invoke(self, request: Any, context: Context) -> Any:
        """Run a function."""
        try:
            result = invoke(self._aws, request.tok)
        except NoSuchFunction as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except FAILURES as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"invoking {request.tok}: {describe(error)}")
        response = provider_pb2.InvokeResponse()
        # The field's name is a keyword of Python.
        getattr(response, "return").CopyFrom(to_struct(result))
        return response

    def Check(self, request: Any, context: Context) -> Any:
        """Fill in the name and look at the values."""
        _only_stacks(request.urn, context)
        inputs, problems = stack_plan.checked(
            from_struct(request.news),
            from_struct(request.olds),
            name=request.urn.rsplit("::", 1)[-1],
            seed=bytes(request.randomSeed) or request.urn.encode(),
        )
        failures = [provider_pb2.CheckFailure(property=one.property, reason=one.reason) for one in problems]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def Diff(self, request: Any, context: Context) -> Any:
        """Say what would change, and whether in place."""
        difference = stack_plan.difference(
            from_struct(request.olds),
            from_struct(request.news),
            self._aws.config.default_tags,
            request.ignoreChanges,
        )
        replaces = difference.replaces
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if difference.changes else none,
            replaces=replaces,
            diffs=sorted(difference.changes),
            detailedDiff={
                key: provider_pb2.PropertyDiff(kind=_KINDS[change, key in stack_plan.FORCE_NEW])
                for key, change in difference.changes.items()
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces) and difference.delete_before_replace,
        )

    def Create(self, request: Any, context: Context) -> Any:
        """Start the stack, note its id, wait."""
        _only_stacks(request.urn, context)
        inputs = from_struct(request.properties)
        if request.preview:
            planned = self._planned(inputs, {}, outputs_change=False)
            return provider_pb2.CreateResponse(id="", properties=to_struct(planned))
        calls = StackCalls(self._aws, inputs, timeout_seconds=request.timeout)
        try:
            stack_id = calls.create(inputs)
        except StackError as error:
            context.abort(grpc.StatusCode.UNKNOWN, _listed(error))
        partial = {**self._stored(inputs, {}), "id": stack_id}
        try:
            calls.wait(stack_id, "create")
            _, state = calls.read(stack_id, partial)
        except (StackError, StackGone) as error:
            reason = f"creating {request.urn}: {_listed(error)}"
            _abort_half_done(context, stack_id, reason, properties=partial, inputs=inputs)
        return provider_pb2.CreateResponse(id=stack_id, properties=to_struct(state))

    def Read(self, request: Any, context: Context) -> Any:
        """Say what the stack is now; an empty id when it is gone."""
        _only_stacks(request.urn, context)
        known, old_inputs = from_struct(request.properties), from_struct(request.inputs)
        calls = StackCalls(self._aws, known, timeout_seconds=0)
        try:
            stack_id, state = calls.read(request.id, known)
        except StackGone:
            return provider_pb2.ReadResponse()
        except StackError as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"refreshing {request.urn}: {_listed(error)}")
        inputs = stack_plan.inputs_after_read(old_inputs, state)
        return provider_pb2.ReadResponse(id=stack_id, properties=to_struct(state), inputs=to_struct(inputs))

    def Update(self, request: Any, context: Context) -> Any:
        """Send the template again, whatever has changed, and wait; without a change do nothing."""
        olds, inputs = from_struct(request.olds), from_struct(request.news)
        difference = stack_plan.difference(olds, inputs, self._aws.config.default_tags, request.ignoreChanges)
        if request.preview:
            planned = self._planned(inputs, olds, outputs_change=difference.has_updates)
            return provider_pb2.UpdateResponse(properties=to_struct(planned))
        stored = self._stored(inputs, olds)
        if not difference.changes:
            return provider_pb2.UpdateResponse(properties=to_struct(stored))
        calls = StackCalls(self._aws, stored, timeout_seconds=request.timeout)
        try:
            if calls.update(request.id, inputs, olds):
                calls.wait(request.id, "update")
            _, state = calls.read(request.id, stored)
        except (StackError, StackGone) as error:
            reason = f"updating {request.urn}: {_listed(error)}"
            _abort_half_done(context, request.id, reason, properties=stored, inputs=inputs)
        return provider_pb2.UpdateResponse(properties=to_struct(state))

    def Delete(self, request: Any, context: Context) -> Any:
        """Delete the stack and wait until it is gone."""
        known = from_struct(request.properties)
        try:
            StackCalls(self._aws, known, timeout_seconds=request.timeout).delete(request.id)
        except StackError as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"deleting {request.urn}: {_listed(error)}")
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Context) -> Any:
        """Nothing: calls in flight go on to their end, as in the real provider."""
        return empty_pb2.Empty()

    def _planned(self, inputs: Properties, olds: Properties, *, outputs_change: bool) -> Properties:
        return stack_plan.planned_outputs(
            inputs,
            olds,
            default_tags=self._aws.config.default_tags,
            region=self._aws.region,
            outputs_change=outputs_change,
        )

    def _stored(self, inputs: Properties, olds: Properties) -> Properties:
        """What the state says before AWS has been read: the new inputs over the old outputs."""
        planned = self._planned(inputs, olds, outputs_change=False)
        return {key: value for key, value in planned.items() if not is_unknown(value)}


def _only_stacks(urn: str, context: Context) -> None:
    kind = urn.split("::")[2].rsplit("$", 1)[-1]
    if kind != stack_plan.TYPE:
        message = f"the sandbox's stand-in for the AWS plugin has only {stack_plan.TYPE}, not {kind}"
        context.abort(grpc.StatusCode.NOT_FOUND, message)


def _abort_half_done(
    context: Context, stack_id: str, reason: str, *, properties: Properties, inputs: Properties
) -> NoReturn:
    """End a call so that the engine stores the resource with its init errors."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=stack_id, properties=to_struct(properties), reasons=[reason], inputs=to_struct(inputs)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, reason)
    raise AssertionError("abort raises")


def _listed(error: StackError | StackGone) -> str:
    """An error as Terraform's list of one, which is how the real provider hands it on."""
    text = str(error) if isinstance(error, StackError) else f"couldn't find CloudFormation Stack ({error})"
    return f"1 error occurred:\n\t* {text}\n\n"
