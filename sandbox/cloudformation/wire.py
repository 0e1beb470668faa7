"""AWS's query protocol, outwards: stacks and refusals -> XML."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from xml.etree import ElementTree as ET

from sandbox.cloudformation.errors import Refusal
from sandbox.cloudformation.lifecycle import Event, StackResource
from sandbox.cloudformation.records import StackRecord

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

Node: TypeAlias = "str | Mapping[str, Node] | Sequence[Node] | None"
"""An answer before it is XML: None is left out, a list becomes `member`s."""


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
    root = ET.Element(f"{action}Response", xmlns=NAMESPACE)
    if result is not None:
        _append(root, f"{action}Result", result)
    _append(root, "ResponseMetadata", {"RequestId": str(uuid.uuid4())})
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def refusal_xml(refusal: Refusal) -> bytes:
    """An error answer."""
    root = ET.Element("ErrorResponse", xmlns=NAMESPACE)
    kind = "Sender" if refusal.status < 500 else "Receiver"
    _append(root, "Error", {"Type": kind, "Code": refusal.code, "Message": refusal.message})
    _append(root, "RequestId", str(uuid.uuid4()))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _append(parent: ET.Element, name: str, node: Node) -> None:
    if node is None:
        return
    element = ET.SubElement(parent, name)
    children: Iterable[tuple[str, Node]]
    if isinstance(node, str):
        element.text = node
        return
    children = node.items() if isinstance(node, Mapping) else (("member", one) for one in node)
    for key, value in children:
        _append(element, key, value)
