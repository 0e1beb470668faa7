"""The provider's functions."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws_plugin.configuration import Aws
from sandbox.aws_plugin.values import Properties


class NoSuchFunction(LookupError):
    """A token that the stand-in does not know."""


def invoke(aws: Aws, token: str) -> Properties:
    """Run the function of that token.

    Raises:
        NoSuchFunction: there is none.
    """
    function = FUNCTIONS.get(token)
    if function is None:
        known = ", ".join(sorted(FUNCTIONS))
        raise NoSuchFunction(
            f"the sandbox's stand-in for the AWS plugin has no function {token}; it has {known}"
        )
    return function(aws)


def _caller_identity(aws: Aws) -> Properties:
    answer: Mapping[str, Any] = aws.client("sts").get_caller_identity()
    return {
        "accountId": answer["Account"],
        "arn": answer["Arn"],
        "id": answer["Account"],
        "userId": answer["UserId"],
    }


def _region(aws: Aws) -> Properties:
    region = aws.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(aws: Aws) -> Properties:
    partition, suffix = (
        ("aws-cn", "amazonaws.com.cn") if aws.region.startswith("cn-") else ("aws", "amazonaws.com")
    )
    return {
        "id": partition,
        "partition": partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
        "region": aws.region,
    }


FUNCTIONS: Mapping[str, Callable[[Aws], Properties]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}
