"""AWS as somebody sees it who checks what the command did."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.support.aws import aws_client


@pytest.fixture
def aws(box: Sandbox) -> Callable[..., Any]:
    """A boto3 client of a service in the sandbox."""
    return functools.partial(aws_client, box.environment)
