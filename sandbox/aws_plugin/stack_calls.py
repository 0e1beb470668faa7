"""What the Stack resource does to CloudFormation, in the order in which the real provider does it."""

import json
import os
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from sandbox.aws_plugin import stack_plan
from sandbox.aws_plugin.configuration import Aws
from sandbox.aws_plugin.values import Properties

FIRST_POLL_VARIABLE = "SANDBOX_AWS_FIRST_POLL_SECONDS"
_FIRST_POLL_SECONDS = 10.0
_LATER_POLL_SECONDS = 5.0
DEFAULT_TIMEOUT_SECONDS = 30 * 60.0
_PENDING = {
    "create": {"CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"},
    "update": {
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    },
    "delete": {"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"},
}
_FINAL = {
    "create": {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "DELETE_COMPLETE",
        "DELETE_FAILED",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
    },
    "update": {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"},
    "delete": {"DELETE_COMPLETE", "DELETE_FAILED"},
}
FAILURES = (ClientError, BotoCoreError, ResponseParserError, LookupError)
"""What boto3 raises, and, of an answer that is well-formed XML and none of AWS's, the look for its parts."""
_MODELLED = frozenset(
    {"AlreadyExistsException", "InsufficientCapabilitiesException", "LimitExceededException"}
)


class StackError(Exception):
    """A call that failed; the text is what the real provider says."""


class StackGone(Exception):
    """The stack does not exist, or is DELETE_COMPLETE."""


class StackCalls:
    """The calls about one stack; `wait` sleeps, so each runs on its request's own thread."""

    def __init__(self, aws: Aws, inputs: Mapping[str, Any], *, timeout_seconds: float) -> None:
        self._aws = aws
        self._region = inputs.get("region") or aws.region
        self._client = aws.client("cloudformation", region=self._region)
        self._timeout_seconds = timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        self._token = uuid.uuid4().hex
        self._pause = threading.Event()

    def create(self, inputs: Properties) -> str:
        """Start the stack; returns its ARN.

        Raises:
            StackError: CloudFormation refuses, or can't be reached.
        """
        name = inputs["name"]
        request = {
            "StackName": name,
            "Capabilities": inputs.get("capabilities"),
            "DisableRollback": inputs.get("disableRollback") or None,
            "OnFailure": inputs.get("onFailure"),
            "RoleARN": inputs.get("iamRoleArn"),
            "NotificationARNs": inputs.get("notificationArns"),
            "StackPolicyBody": inputs.get("policyBody"),
            "StackPolicyURL": inputs.get("policyUrl"),
            "TemplateBody": _normalised(inputs.get("templateBody")),
            "TemplateURL": inputs.get("templateUrl"),
            "TimeoutInMinutes": inputs.get("timeoutInMinutes"),
            **self._common(inputs),
        }
        try:
            return str(self._client.create_stack(**_without_none(request))["StackId"])
        except FAILURES as error:
            raise StackError(f"creating CloudFormation Stack ({name}): {describe(error)}") from error

    def update(self, stack_id: str, inputs: Properties, olds: Properties) -> bool:
        """Start an update with the whole template, whatever has changed.

        Returns:
            False when CloudFormation has nothing to do.

        Raises:
            StackError: CloudFormation refuses, or can't be reached.
        """
        url = inputs.get("templateUrl")
        request = {
            "StackName": stack_id,
            "Capabilities": inputs.get("capabilities"),
            "RoleARN": inputs.get("iamRoleArn"),
            "NotificationARNs": inputs.get("notificationArns"),
            "TemplateURL": url,
            "TemplateBody": None
            if url
            else _normalised(inputs.get("templateBody") or olds.get("templateBody")),
            **self._common({**inputs, "parameters": inputs.get("parameters") or olds.get("parameters")}),
        }
        try:
            self._client.update_stack(**_without_none(request))
        except FAILURES as error:
            if "No updates are to be performed" in str(error):
                return False
            raise StackError(f"updating CloudFormation Stack ({stack_id}): {describe(error)}") from error
        return True

    def delete(self, stack_id: str) -> None:
        """Delete the stack and wait until it is gone; gone before is fine.

        Raises:
            StackError: CloudFormation refuses, can't be reached, or ends in DELETE_FAILED.
        """
        try:
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=self._token)
        except FAILURES as error:
            if _code(error) == "ValidationError":
                return
            raise StackError(f"deleting CloudFormation Stack ({stack_id}): {describe(error)}") from error
        try:
            self.wait(stack_id, "delete")
        except StackGone:
            return

    def wait(self, stack_id: str, verb: str) -> None:
        """Wait for the end of a create, update or delete.

        Raises:
            StackError: it ends badly, or not in time.
            StackGone: the stack is no longer there.
        """
        label = f"waiting for CloudFormation Stack ({stack_id}) {verb}"
        deadline = time.monotonic() + self._timeout_seconds
        first = first_poll_seconds(os.environ)
        self._pause.wait(min(first, self._timeout_seconds))
        while True:
            try:
                stack = self._describe(stack_id)
            except FAILURES as error:
                raise StackError(f"{label}: {describe(error)}") from error
            status = stack["StackStatus"]
            if status in _FINAL[verb]:
                break
            if status not in _PENDING[verb]:
                wanted = ", ".join(sorted(_FINAL[verb]))
                raise StackError(f"{label}: unexpected state '{status}', wanted target '{wanted}'")
            left = deadline - time.monotonic()
            if left <= 0:
                raise StackError(
                    f"{label}: timeout while waiting for state to become "
                    f"'{', '.join(sorted(_FINAL[verb]))}' (last state: '{status}', "
                    f"timeout: {self._timeout_seconds:g}s)"
                )
            self._pause.wait(min(first, _LATER_POLL_SECONDS, left))
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} or (
            verb == "delete" and status == "DELETE_COMPLETE"
        ):
            return
        reasons = self._reasons(stack_id, status) or stack.get("StackStatusReason", "")
        raise StackError(f"{label}: stack status ({status}): {reasons}")

    def read(self, name_or_id: str, known: Properties) -> tuple[str, Properties]:
        """What the stack is now: its ARN and its outputs, without `templateUrl`, which AWS does not keep.

        Args:
            name_or_id: an ARN, or the name when the stack is being imported.
            known: the stored outputs; they decide which of several equal forms is kept.

        Raises:
            StackGone: it does not exist or is deleted.
            StackError: CloudFormation can't say.
        """
        try:
            stack = self._describe(name_or_id)
            if stack["StackStatus"] == "DELETE_COMPLETE":
                raise StackGone(name_or_id)
            template = self._client.get_template(StackName=name_or_id, TemplateStage="Original")[
                "TemplateBody"
            ]
        except FAILURES as error:
            raise StackError(f"reading CloudFormation Stack ({name_or_id}): {describe(error)}") from error
        text = template if isinstance(template, str) else stack_plan.normalised_template(json.dumps(template))
        tags = {one["Key"]: one["Value"] for one in stack.get("Tags", [])}
        defaults = self._aws.config.default_tags
        own = set(known.get("tags") or {})
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
        state: Properties = {
            "id": stack["StackId"],
            "name": stack["StackName"],
            "region": self._region,
            "templateBody": stack_plan.normalised_template(text),
            "capabilities": sorted(stack.get("Capabilities", [])) or None,
            "disableRollback": stack.get("DisableRollback") or known.get("disableRollback"),
            "iamRoleArn": stack.get("RoleARN"),
            "notificationArns": stack.get("NotificationARNs") or None,
            "timeoutInMinutes": stack.get("TimeoutInMinutes"),
            "outputs": {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])},
            "parameters": _kept_secrets(parameters, known.get("parameters") or {}),
            "tags": {key: one for key, one in tags.items() if key in own or defaults.get(key) != one} or None,
            "tagsAll": tags,
        }
        for key in ("onFailure", "policyBody", "policyUrl", "templateUrl"):
            state[key] = known.get(key)
        return str(stack["StackId"]), {key: value for key, value in state.items() if value is not None}

    def _common(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        tags = stack_plan.all_tags(dict(inputs), self._aws.config.default_tags)
        parameters = inputs.get("parameters") or {}
        return {
            "ClientRequestToken": self._token,
            "Tags": [{"Key": key, "Value": str(value)} for key, value in tags.items()],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
            ]
            or None,
        }

    def _describe(self, name_or_id: str) -> Any:
        try:
            return self._client.describe_stacks(StackName=name_or_id)["Stacks"][0]
        except ClientError as error:
            if _code(error) == "ValidationError" and "does not exist" in str(error):
                raise StackGone(name_or_id) from None
            raise

    def _reasons(self, stack_id: str, status: str) -> str:
        """The reasons of this operation's failed events, newest first, as CloudFormation lists them."""
        try:
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
            events = [event for page in pages for event in page["StackEvents"]]
        except FAILURES:
            return ""
        return "\n".join(
            event["ResourceStatusReason"]
            for event in events
            if event.get("ClientRequestToken") == self._token
            and event.get("ResourceStatusReason")
            and (
                event["ResourceStatus"].endswith("_FAILED")
                or event["ResourceStatus"].startswith("ROLLBACK_")
                or (status == "DELETE_COMPLETE" and event["ResourceStatus"] == "DELETE_IN_PROGRESS")
            )
        )


def first_poll_seconds(environment: Mapping[str, str]) -> float:
    """How long the provider waits before it looks for the first time: 10 s, less in tests."""
    return float(environment.get(FIRST_POLL_VARIABLE) or _FIRST_POLL_SECONDS)


def describe(error: Exception) -> str:
    """AWS's error in the words of the real provider; a failure to connect without URL or credentials."""
    if isinstance(error, ResponseParserError | LookupError):
        return "operation error: deserialization failed, failed to decode response body"
    if not isinstance(error, ClientError):
        return f"operation error CloudFormation: request send failed, {type(error).__name__}"
    detail = error.response["Error"]
    meta = error.response.get("ResponseMetadata", {})
    code = detail.get("Code", "")
    kind = "" if code in _MODELLED else "api error "
    return (
        f"operation error CloudFormation: {error.operation_name}, https response error StatusCode: "
        f"{meta.get('HTTPStatusCode', 0)}, RequestID: {meta.get('RequestId', '')}, {kind}{code}: "
        f"{detail.get('Message', '')}"
    )


def _code(error: Exception) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _normalised(text: str | None) -> str | None:
    return stack_plan.normalised_template(text) if text else None


def _kept_secrets(parameters: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str] | None:
    """AWS shows a NoEcho parameter as ****; the value that was sent stays."""
    kept = {key: known.get(key, value) if set(value) == {"*"} else value for key, value in parameters.items()}
    return kept or None


def _without_none(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if value is not None}
