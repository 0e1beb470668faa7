"""AWS as somebody sees it who checks what the command did."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sandbox.environment import Sandbox


@pytest.fixture
def aws(box: Sandbox) -> Callable[..., Any]:
    """A boto3 client of a service in the sandbox."""

    def client(service: str, region: str = "us-west-2") -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=box.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=box.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=box.environment["AWS_SECRET_ACCESS_KEY"],
        )

    return client
