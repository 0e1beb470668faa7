"""VMware's SDK as far as account linking goes: the shapes it decodes answers into.

The runtime is VMware's own (`vmware-vapi-runtime`). Its bindings for this API are in no package registry (the
`vmwarecloud-aws` there is an empty placeholder), so the shapes are recorded: field, kind and whether it is
required, as in `com.vmware.vmc.model` of VMware's SDK for Python, 2019; LinkRequest and
`availability_zone_id`, which are younger, as in its SDK for Go, 2025.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from vmware.vapi.bindings import type as kinds
from vmware.vapi.bindings.converter import RestConverter, TypeConverter
from vmware.vapi.bindings.struct import VapiStruct
from vmware.vapi.data.serializers.cleanjson import DataValueConverter

TEXT, NUMBER, TRUTH, MOMENT = "text", "number", "truth", "moment"
_ENTITY = {"updated": MOMENT, "user_id": TEXT, "updated_by_user_id": TEXT, "created": MOMENT,
           "version": NUMBER, "updated_by_user_name?": TEXT, "user_name": TEXT, "id": TEXT}  # fmt: skip

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "LinkRequest": {
        "expiration_date?": MOMENT, "template_url?": TEXT, "template_execution_url?": TEXT,
        "tracking_task?": TEXT,
    },
    "AwsCustomerConnectedAccount": {
        **_ENTITY, "policy_payer_arn?": TEXT, "region_to_az_to_shadow_mapping?": {"": {"": TEXT}},
        "org_id?": TEXT, "cf_stack_name?": TEXT, "state?": TEXT, "account_number?": TEXT,
        "policy_service_arn?": TEXT, "policy_external_id?": TEXT, "policy_payer_linked_arn?": TEXT,
    },
    "AwsCompatibleSubnets": {"customer_available_zones?": [TEXT], "vpc_map?": {"": "VpcInfoSubnets"}},
    "VpcInfoSubnets": {
        "vpc_id?": TEXT, "cidr_block?": TEXT, "description?": TEXT, "subnets?": ["SubnetInfo"],
    },
    "SubnetInfo": {
        "connected_account_id?": TEXT, "region_name?": TEXT, "availability_zone?": TEXT, "subnet_id?": TEXT,
        "subnet_cidr_block?": TEXT, "vpc_id?": TEXT, "vpc_cidr_block?": TEXT, "name?": TEXT,
        "availability_zone_id?": TEXT, "compatible?": TRUTH, "note?": TEXT,
    },
    "AwsSddcConnection": {
        **_ENTITY, "cidr_block_subnet?": TEXT, "connected_account_id?": TEXT, "eni_group?": TEXT,
        "subnet_id?": TEXT, "cgw_present?": TRUTH, "org_id?": TEXT, "sddc_id?": TEXT, "cidr_block_vpc?": TEXT,
        "connection_order?": NUMBER, "state?": TEXT, "subnet_availability_zone?": TEXT, "vpc_id?": TEXT,
        "customer_eni_infos?": ["CustomerEniInfo"], "default_route_table?": TEXT,
    },
    "CustomerEniInfo": {
        "secondary_ip_addresses?": [TEXT], "eni_id?": TEXT, "primary_ip_address?": TEXT,
    },
    "Task": {
        **_ENTITY, "status?": TEXT, "localized_error_message?": TEXT, "resource_id?": TEXT,
        "parent_task_id?": TEXT, "task_version?": TEXT, "correlation_id?": TEXT,
        "start_resource_entity_version?": NUMBER, "sub_status?": TEXT, "task_type?": TEXT,
        "start_time?": MOMENT, "task_progress_phases?": ["TaskProgressPhase"], "error_message?": TEXT,
        "org_id?": TEXT,
        "end_resource_entity_version?": NUMBER, "service_errors?": ["ServiceError"], "org_type?": TEXT,
        "estimated_remaining_minutes?": NUMBER, "params?": None, "progress_percent?": NUMBER,
        "phase_in_progress?": TEXT, "resource_type?": TEXT, "end_time?": MOMENT,
    },
    "TaskProgressPhase": {"id": TEXT, "name": TEXT, "progress_percent": NUMBER},
    "ServiceError": {
        "default_message?": TEXT, "original_service?": TEXT, "localized_message?": TEXT,
        "original_service_error_code?": TEXT,
    },
    "ErrorResponse": {
        "status": NUMBER, "path": TEXT, "retryable": TRUTH, "error_code": TEXT, "error_messages": [TEXT],
    },
}  # fmt: skip
"""Name -> field -> kind; `?` marks an optional field, None a free object."""
_PLAIN = {
    TEXT: kinds.StringType,
    NUMBER: kinds.IntegerType,
    TRUTH: kinds.BooleanType,
    MOMENT: kinds.DateTimeType,
}


def decode(text: str, shape: Any) -> Any:
    """What VMware's runtime makes of an answer's body; `[shape]` for a list.

    Raises:
        Exception: whatever it raises of a body that it can't decode.
    """
    value = DataValueConverter.convert_to_data_value(text)
    mode = RestConverter.SWAGGER_REST
    return TypeConverter.convert_to_python(value, _kind(shape), rest_converter_mode=mode)


def unknown_fields(answer: Any, shape: Any) -> set[str]:
    """The fields of an answer, at any depth, that the SDK has no place for."""
    if isinstance(shape, list):
        return {name for one in answer or [] for name in unknown_fields(one, shape[0])}
    if isinstance(shape, dict):
        return {name for one in (answer or {}).values() for name in unknown_fields(one, shape[""])}
    if shape not in SHAPES or answer is None:
        return set()
    fields = {name.rstrip("?"): kind for name, kind in SHAPES[shape].items()}
    deeper = {name for field, kind in fields.items() for name in unknown_fields(answer.get(field), kind)}
    return (set(answer) - set(fields)) | deeper


def as_text(answer: Any) -> str:
    """An answer as a body."""
    return json.dumps(answer)


@functools.cache
def _struct(name: str) -> Any:
    made = type(name, (VapiStruct,), {"__init__": _take})
    fields = {
        field.rstrip("?"): kinds.OptionalType(_kind(kind)) if field.endswith("?") else _kind(kind)
        for field, kind in SHAPES[name].items()
    }
    return kinds.StructType(f"com.vmware.vmc.model.{name}", fields, made)


def _take(self: Any, **fields: Any) -> None:
    vars(self).update(fields)
    VapiStruct.__init__(self)


def _kind(kind: Any) -> Any:
    if kind is None:
        return kinds.DynamicStructType("vmware.vapi.dynamic_struct", {}, VapiStruct)
    if isinstance(kind, list):
        return kinds.ListType(_kind(kind[0]))
    if isinstance(kind, dict):
        return kinds.MapType(kinds.StringType(), _kind(kind[""]))
    return _PLAIN[kind]() if kind in _PLAIN else _struct(kind)
