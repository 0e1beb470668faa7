"""The emulated state as the API's JSON: real field names, nulls explicit."""

import urllib.parse
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.modes import Modes, RecordName
from sandbox.vmc import forms
from sandbox.vmc.accounts import ConnectedAccount
from sandbox.vmc.links import Link, Task, TaskStatus
from sandbox.vmc.subnets import Subnet

_USER_ID = "11111111-2222-3333-4444-555555555555"
_USER_NAME = "user@example.com"
_OPERATOR_NAME = "vmc_operator@csp.local"
_ZONES = {"us-west-2": {zone: zone for zone in ("us-west-2a", "us-west-2b", "us-west-2c")}}


def timestamp(moment: datetime) -> str:
    """A moment (UTC) as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link_to_wire(link: Link, modes: Modes) -> dict[str, Any]:
    """A LinkRequest, in the form that the modes say."""
    stack = f"vmware-sddc-formation-{link.id}"
    query = urllib.parse.urlencode({"stackName": stack, "templateURL": link.template_url})
    console = "https://console.aws.amazon.com/cloudformation/home?region=us-west-2#/stacks/new"
    wire = {
        "tracking_task": link.id,
        "expiration_date": timestamp(link.expires_at),
        "template_url": link.template_url,
        "template_execution_url": f"{console}?{query}",
    }
    return forms.link_in_form(wire, modes.fields)


def task_to_wire(task: Task, org_id: str, modes: Modes) -> dict[str, Any]:
    """A Task, in the form that the modes say."""
    errors = []
    if task.status is TaskStatus.FAILED:
        errors.append(
            {
                "default_message": task.error_message,
                "localized_message": task.error_message,
                "original_service": "account-link",
                "original_service_error_code": "skyscraper.account.link.failed",
            }
        )
    is_over = task.ended_at is not None
    wire = {
        **_entity(task.id, task.started_at, task.updated_at, task.version),
        "status": task.status.value,
        "sub_status": task.status.value,
        "task_type": "ACCOUNT-LINK",  # what VMware calls it is not known; clients must not test it
        "task_version": None,
        "resource_type": None,
        "resource_id": None,
        "org_id": org_id,
        "org_type": "CUSTOMER",
        "parent_task_id": None,
        "correlation_id": None,
        "params": {},
        "start_time": timestamp(task.started_at),
        "end_time": timestamp(task.ended_at) if task.ended_at else None,
        "progress_percent": task.progress_percent,
        "estimated_remaining_minutes": 0 if is_over else -1,
        "phase_in_progress": "",
        "task_progress_phases": [],
        "error_message": task.error_message,
        "customer_error_message": None,
        "localized_error_message": task.error_message,
        "service_errors": errors,
        "start_resource_entity_version": None,
        "end_resource_entity_version": None,
    }
    return forms.task_in_form(wire, modes.fields)


def account_to_wire(account: ConnectedAccount, org_id: str, modes: Modes) -> dict[str, Any]:
    """An AwsCustomerConnectedAccount, in the form that the modes say."""
    arns = account.role_arns if modes.record_roles else {}
    wire = {
        **_entity(account.id, account.created_at, account.updated_at, account.version),
        "org_id": org_id,
        "account_number": account.account_number,
        "cf_stack_name": _shown_name(account, modes.record_name),
        "state": account.state.value,
        "policy_payer_arn": arns.get("RemoteRole"),
        "policy_payer_linked_arn": arns.get("RemoteRolePayer"),
        "policy_service_arn": arns.get("RemoteRoleService"),
        "policy_external_id": "vmware-vmc",
        "region_to_az_to_shadow_mapping": _ZONES,
        "region_to_datacenter_to_az_mapping": None,
    }
    return forms.account_in_form(wire, modes.fields)


def _shown_name(account: ConnectedAccount, form: RecordName) -> str | None:
    unique = uuid.uuid5(uuid.UUID(account.id), f"{account.stack_name} {account.connected_at}")
    match form:
        case RecordName.CHOSEN:
            return account.stack_name
        case RecordName.ARN:
            region = f"us-west-2:{account.account_number}"
            return f"arn:aws:cloudformation:{region}:stack/{account.stack_name}/{unique}"
        case RecordName.VMWARE:
            return f"vmware-sddc-formation-{unique}"
        case RecordName.NULL:
            return None


def unlinked_to_wire(account: ConnectedAccount, org_id: str, modes: Modes) -> dict[str, Any]:
    """What DELETE answers: the record as it was, with its state still unchanged and its mappings gone."""
    return {
        **account_to_wire(account, org_id, modes),
        "updated_by_user_name": _OPERATOR_NAME,
        "region_to_az_to_shadow_mapping": None,
    }


def connection_to_wire(sddc_id: str, account: ConnectedAccount, org_id: str) -> dict[str, Any]:
    """An AwsSddcConnection; which subnet it is in is not modelled."""
    connection_id = str(uuid.uuid5(uuid.UUID(sddc_id), account.id))
    return {
        **_entity(connection_id, account.connected_at, account.connected_at, 0),
        "sddc_id": sddc_id,
        "org_id": org_id,
        "connected_account_id": account.id,
        "vpc_id": None,
        "cidr_block_vpc": None,
        "subnet_id": None,
        "cidr_block_subnet": None,
        "subnet_availability_zone": None,
        "default_route_table": None,
        "cgw_present": True,
        "connection_order": 0,
        "eni_group": None,
        "customer_eni_infos": [],
        "state": "ACTIVE",
    }


def subnets_to_wire(subnets: Sequence[Subnet], account_id: str, region: str) -> dict[str, Any]:
    """An AwsCompatibleSubnets: every subnet of the region, those that no SDDC can use with a note."""
    vpcs = {
        subnet.vpc_id: {
            "vpc_id": subnet.vpc_id,
            "cidr_block": subnet.vpc_cidr,
            "description": subnet.vpc_id,
            "subnets": [
                _subnet_to_wire(one, account_id, region) for one in subnets if one.vpc_id == subnet.vpc_id
            ],
        }
        for subnet in subnets
    }
    zones = sorted({subnet.zone for subnet in subnets if subnet.note is None})
    return {"customer_available_zones": zones, "vpc_map": vpcs}


def _subnet_to_wire(subnet: Subnet, account_id: str, region: str) -> dict[str, Any]:
    return {
        "connected_account_id": account_id,
        "region_name": region,
        "availability_zone": subnet.zone,
        "availability_zone_id": subnet.zone_id,
        "subnet_id": subnet.id,
        "subnet_cidr_block": subnet.cidr,
        "vpc_id": subnet.vpc_id,
        "vpc_cidr_block": subnet.vpc_cidr,
        "name": subnet.name or None,
        "compatible": subnet.note is None,
        "note": subnet.note,
    }


def organization_to_wire(org_id: str, created_at: datetime) -> dict[str, Any]:
    """An Organization."""
    return {
        **_entity(org_id, created_at, created_at, 0),
        "name": org_id.split("-", maxsplit=1)[0],
        "display_name": "Sandbox",
        "org_type": "CUSTOMER",
        "project_state": "CREATED",
        "org_seller_info": None,
        "properties": {"values": {}},
    }


def error_to_wire(status: int, path: str, code: str, message: str) -> dict[str, Any]:
    """An ErrorResponse."""
    return {
        "status": status,
        "path": path,
        "retryable": False,
        "error_code": code,
        "error_messages": [message],
    }


def _entity(id_: str, created_at: datetime, updated_at: datetime, version: int) -> dict[str, Any]:
    """The fields that every entity of the API begins with."""
    return {
        "id": id_,
        "created": timestamp(created_at),
        "updated": timestamp(updated_at),
        "version": version,
        "user_id": _USER_ID,
        "user_name": _USER_NAME,
        "updated_by_user_id": _USER_ID,
        "updated_by_user_name": _USER_NAME,
    }
