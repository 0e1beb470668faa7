"""The sandbox's AWS, as somebody sees it who is not the program under test."""

from collections.abc import Mapping
from typing import Any

import boto3


def aws_client(environment: Mapping[str, str], service: str, region: str = "us-west-2") -> Any:
    """A client with the keys of a sandbox's environment."""
    make: Any = boto3.client
    return make(
        service,
        region_name=region,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def role_environment(environment: Mapping[str, str], arn: str) -> dict[str, str]:
    """The variables of a session as a role."""
    sts = aws_client(environment, "sts")
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
