"""Promise: what the plugin reads of values, arguments and waiting times. Pure functions only."""

from typing import Any

import pytest
from google.protobuf import struct_pb2

from sandbox.aws_plugin.configuration import ConfigurationError, ProviderConfig
from sandbox.aws_plugin.stack_calls import first_poll_seconds
from sandbox.aws_plugin.values import UNKNOWN, from_struct, is_unknown

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "v"}


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def test_secrets_are_unwrapped_wherever_they_are() -> None:
    values = from_struct(struct({"a": SECRET, "b": {"c": [SECRET]}, "n": 3, "gone": None}))
    assert values == {"a": "v", "b": {"c": ["v"]}, "n": 3}


def test_an_output_without_a_value_is_unknown() -> None:
    output = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    values = from_struct(struct({"a": {"b": [output]}, "c": "x"}))
    assert values["a"] == {"b": [UNKNOWN]}
    assert is_unknown(values["a"])
    assert not is_unknown(values["c"])


def test_arguments_that_arrive_as_strings_are_decoded() -> None:
    arguments = {
        "region": "us-west-2",
        "defaultTags": '{"tags": {"team": "x"}}',
        "endpoints": '[{"cloudformation": "http://a", "sts": ""}]',
        "assumeRoles": '[{"roleArn": "arn", "externalId": "e"}]',
        "skipCredentialsValidation": "true",
    }
    config = ProviderConfig.from_arguments(arguments, {"AWS_REGION": "eu-west-1"})
    assert config.region == "us-west-2"
    assert config.default_tags == {"team": "x"}
    assert config.endpoints == {"cloudformation": "http://a"}
    assert [(role.arn, role.external_id) for role in config.assumed_roles] == [("arn", "e")]
    assert config.skips_validation


def test_the_environment_names_the_region_where_nothing_else_does() -> None:
    assert ProviderConfig.from_arguments({}, {"AWS_REGION": "eu-west-1"}).region == "eu-west-1"
    assert ProviderConfig.from_arguments({}, {}).region is None


def test_a_malformed_argument_is_named_without_its_value() -> None:
    with pytest.raises(ConfigurationError, match=r"^the provider's argument endpoints is not valid JSON$"):
        ProviderConfig.from_arguments({"endpoints": "[planted"}, {})


def test_the_first_look_comes_after_ten_seconds_unless_told_otherwise() -> None:
    assert first_poll_seconds({}) == 10.0
    assert first_poll_seconds({"SANDBOX_AWS_FIRST_POLL_SECONDS": "0.5"}) == 0.5
