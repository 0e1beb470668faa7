"""Property values as the engine sends them -> Python values, and back. Pure."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that a preview can't know."""
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark, public
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

Properties = dict[str, Any]


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Plain values: secrets and outputs unwrapped, whole numbers as int, nulls left out."""
    plain = _unwrapped(json_format.MessageToDict(struct))
    return {key: value for key, value in plain.items() if value is not None}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """A Struct without the keys whose value is None."""
    struct = struct_pb2.Struct()
    struct.update({key: value for key, value in values.items() if value is not None})
    return struct


def is_unknown(value: object) -> bool:
    """Whether a value, or a part of it, can't be known in this preview."""
    if isinstance(value, Mapping):
        return any(is_unknown(one) for one in value.values())
    if isinstance(value, list):
        return any(is_unknown(one) for one in value)
    return value == UNKNOWN


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict):
        mark = value.get(_SIGNATURE)
        if mark == _SECRET:
            return _unwrapped(value.get("value"))
        if mark == _OUTPUT:
            return _unwrapped(value["value"]) if "value" in value else UNKNOWN
        return {key: _unwrapped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_unwrapped(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
