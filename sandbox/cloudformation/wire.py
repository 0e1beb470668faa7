"""AWS's query protocol: form -> request, answer -> XML."""

import dataclasses
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment
from xml.etree import ElementTree

from sandbox.cloudformation.errors import Refusal, validation_error
from sandbox.cloudformation.lifecycle import Event, OnFailure, StackResource
from sandbox.cloudformation.state import StackRecord, StackRequest
from sandbox.cloudformation.template import Template

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_SCOPE = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*")

Node: TypeAlias = "str | Mapping[str, Node] | Sequence[Node] | None"
"""An answer before it is XML: None is left out, a list becomes `member`s."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What the signature says of a request."""

    access_key: str
    region: str
    service: str


def scope_of(environ: WSGIEnvironment) -> Scope | None:
    """Key, region and service of a signed request; None for one that is not signed."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return Scope(match["key"], match["region"], match["service"]) if match else None


def form_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The fields of the query and of a form body; the body must be seekable and is rewound."""
    fields = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"]
        text = body.read().decode("utf-8", errors="replace")
        body.seek(0)
        fields |= dict(parse_qsl(text, keep_blank_values=True))
    return fields


def call_name(environ: WSGIEnvironment) -> str:
    """`cloudformation.CreateStack` and the like; `s3.GET` for a service without actions."""
    scope = scope_of(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "").rsplit(".", 1)[-1]
    action = form_of(environ).get("Action") or target or environ["REQUEST_METHOD"]
    return f"{scope.service if scope else 'aws'}.{action}"


def members(form: Mapping[str, str], name: str) -> list[str] | None:
    """`Name.member.1`, `Name.member.2` …; None when the field is absent, [] when it is there but empty."""
    found = []
    while (key := f"{name}.member.{len(found) + 1}") in form:
        found.append(form[key])
    return found if found or name in form else None


def structures(form: Mapping[str, str], name: str) -> list[dict[str, str]] | None:
    """`Name.member.1.Key`, … as dictionaries; None and [] as for `members`."""
    pattern = re.compile(rf"{re.escape(name)}\.member\.(\d+)\.(\w+)")
    found: dict[int, dict[str, str]] = {}
    for key, value in form.items():
        if match := pattern.fullmatch(key):
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [found[number] for number in sorted(found)] if found or name in form else None


def stack_request(form: Mapping[str, str], template: Template | None) -> StackRequest:
    """Read CreateStack's or UpdateStack's fields.

    Raises:
        Refusal: a name CloudFormation does not accept, or fields that exclude each other.
    """
    name = form.get("StackName", "")
    if not _STACK_NAME.fullmatch(name) or (len(name) > 128 and not name.startswith("arn:")):
        raise validation_error(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    disable_rollback = form.get("DisableRollback", "false") == "true"
    if disable_rollback and "OnFailure" in form:
        raise validation_error("You can specify either DisableRollback or OnFailure, but not both.")
    notification_arns = members(form, "NotificationARNs")
    tags = structures(form, "Tags")
    return StackRequest(
        name=name,
        template=template,
        parameters={
            one["ParameterKey"]: None if one.get("UsePreviousValue") == "true" else one.get("ParameterValue", "")
            for one in structures(form, "Parameters") or []
        },
        capabilities=tuple(members(form, "Capabilities") or ()),
        tags=None if tags is None else {one["Key"]: one["Value"] for one in tags},
        role_arn=form.get("RoleARN"),
        notification_arns=None if notification_arns is None else tuple(notification_arns),
        timeout_in_minutes=int(form["TimeoutInMinutes"]) if "TimeoutInMinutes" in form else None,
        disable_rollback=disable_rollback,
        on_failure=OnFailure(form.get("OnFailure") or "ROLLBACK"),
        client_request_token=form.get("ClientRequestToken"),
    )


def stack_node(record: StackRecord, now: datetime) -> Node:
    """One member of DescribeStacks."""
    phase = record.phase(now)
    request = record.request
    shows_outputs = record.made is not None and not phase.status.startswith(("CREATE_IN", "DELETE"))
    hidden = record.made.resource_map.no_echo_parameter_keys if record.made else []
    return {
        "StackId": record.stack_id,
        "StackName": record.name,
        "Description": record.template.description,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": "****" if key in hidden else value}
            for key, value in record.parameters.items()
        ],
        "CreationTime": moment(record.created_at),
        "LastUpdatedTime": moment(record.updated_at),
        "DeletionTime": moment(record.deleted_at),
        "StackStatus": phase.status,
        "StackStatusReason": None if phase.reason == "User Initiated" else phase.reason,
        "DisableRollback": str(request.disable_rollback).lower(),
        "NotificationARNs": list(request.notification_arns or ()),
        "TimeoutInMinutes": None if request.timeout_in_minutes is None else str(request.timeout_in_minutes),
        "Capabilities": list(request.capabilities),
        "RoleARN": request.role_arn,
        "EnableTerminationProtection": "false",
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        "Tags": [{"Key": key, "Value": value} for key, value in (request.tags or {}).items()],
        "Outputs": [
            {
                "OutputKey": one["OutputKey"],
                "OutputValue": str(one["OutputValue"]),
                "Description": one["Description"],
                "ExportName": one["ExportName"],
            }
            for one in ((record.made.outputs or []) if record.made and shows_outputs else [])
        ],
    }


def summary_node(record: StackRecord, now: datetime) -> Node:
    """One member of ListStacks."""
    phase = record.phase(now)
    return {
        "StackId": record.stack_id,
        "StackName": record.name,
        "TemplateDescription": record.template.description,
        "CreationTime": moment(record.created_at),
        "LastUpdatedTime": moment(record.updated_at),
        "DeletionTime": moment(record.deleted_at),
        "StackStatus": phase.status,
        "StackStatusReason": None if phase.reason == "User Initiated" else phase.reason,
    }


def event_node(event: Event) -> Node:
    """One member of DescribeStackEvents."""
    return {
        "StackId": event.stack_id,
        "EventId": event.event_id,
        "StackName": event.stack_name,
        "LogicalResourceId": event.resource.logical_id,
        "PhysicalResourceId": event.resource.physical_id,
        "ResourceType": event.resource.type,
        "Timestamp": moment(event.at),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ClientRequestToken": event.client_request_token,
    }


def resource_node(record: StackRecord, resource: StackResource, *, moment_key: str) -> dict[str, Node]:
    """One resource, for the three calls that list them; they differ in the name of the moment."""
    return {
        "StackId": record.stack_id,
        "StackName": record.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        moment_key: moment(record.updated_at or record.created_at),
        "ResourceStatus": "UPDATE_COMPLETE" if record.updated_at else "CREATE_COMPLETE",
    }


def moment(at: datetime | None) -> str | None:
    """A moment as AWS writes it."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def answer_xml(action: str, result: Mapping[str, Node] | None) -> bytes:
    """A successful answer."""
    root = ElementTree.Element(f"{action}Response", xmlns=NAMESPACE)
    if result is not None:
        _append(root, f"{action}Result", result)
    _append(root, "ResponseMetadata", {"RequestId": str(uuid.uuid4())})
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def refusal_xml(refusal: Refusal) -> bytes:
    """An error answer."""
    root = ElementTree.Element("ErrorResponse", xmlns=NAMESPACE)
    kind = "Sender" if refusal.status < 500 else "Receiver"
    _append(root, "Error", {"Type": kind, "Code": refusal.code, "Message": refusal.message})
    _append(root, "RequestId", str(uuid.uuid4()))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _append(parent: ElementTree.Element, name: str, node: Node) -> None:
    if node is None:
        return
    element = ElementTree.SubElement(parent, name)
    children: Iterable[tuple[str, Node]]
    if isinstance(node, str):
        element.text = node
        return
    children = node.items() if isinstance(node, Mapping) else (("member", one) for one in node)
    for key, value in children:
        _append(element, key, value)
