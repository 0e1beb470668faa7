"""The providers as plain objects in front of the emulated service."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox, ambient_names
from tests.support.lab import ACCOUNT
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.transport import Transport
from vmc_account_link.call_context import CallContext
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import VmcSettings


@pytest.fixture
def link(settings: VmcSettings) -> LinkRequestProvider:
    """The link request's provider, as the engine configures it."""
    made = LinkRequestProvider()
    made.settings = settings
    return made


@pytest.fixture
def link_inputs(settings: VmcSettings) -> dict[str, Any]:
    """What the program asks of it."""
    return {
        "org_id": settings.org_id,
        "account_number": ACCOUNT,
        "stack_name": "ours",
        "template_hosts": [],
        "__provider": "as the engine sends it",
    }


@dataclasses.dataclass
class Time:
    """A clock that only sleeping moves; each sleep moves the sandbox's clock too."""

    control: SandboxControl
    now: float = 0.0
    pauses: list[float] = dataclasses.field(default_factory=list)

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the time without waiting."""
        self.pauses.append(seconds)
        self.now += seconds
        self.control.advance(seconds)

    def context(self, **others: Any) -> CallContext:
        """A call's context by this clock."""
        return CallContext(**{"monotonic": self.monotonic, "sleep": self.sleep, **others})


@pytest.fixture
def time(control: SandboxControl) -> Time:
    """The test's clock."""
    return Time(control)


NewClient = Callable[..., VmcClient]


@pytest.fixture
def new_client(settings: VmcSettings, time: Time) -> NewClient:
    """Make a client whose repeats do not wait, with tokens of its own."""

    def new(settings: VmcSettings = settings) -> VmcClient:
        return VmcClient(settings, transport=Transport(sleep=time.sleep), tokens=AccessTokens(time.monotonic))

    return new


@pytest.fixture
def aws(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """CloudFormation's client, and an environment that leads to the emulated AWS."""
    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.client("cloudformation", region_name="us-west-2")
