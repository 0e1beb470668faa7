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
from vmc_account_link.link.progress import LONGEST_PAUSE_SECONDS, LinkTarget
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


EARLY_SECONDS = LONGEST_PAUSE_SECONDS
"""The sandbox's clock runs on by itself too: by the test's, an answer can come one look earlier."""


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


ROLES = {
    name: f"arn:aws:iam::{ACCOUNT}:role/{name}"
    for name in ("RemoteRole", "RemoteRolePayer", "RemoteRoleService")
}
"""Template's role -> ARN."""


@pytest.fixture
def inputs(settings: VmcSettings) -> dict[str, Any]:
    """What the program gives to the resources that stand for a link."""
    return {
        "org_id": settings.org_id,
        "account_number": ACCOUNT,
        "stack_name": "ours",
        "stack_id": "arn:1",
        "tracking_task": "task-1",
        "link_timeout_minutes": 30.0,
    }


@pytest.fixture
def target(new_client: NewClient, control: SandboxControl) -> LinkTarget:
    """A link whose stack has just run; the service needs two minutes for its part."""
    control.set_modes(task_seconds=120.0)
    with new_client() as vmc:
        link = vmc.request_link()
    return LinkTarget(account_number=ACCOUNT, stack_name="ours", tracking_task=link.tracking_task)


def report(box: Sandbox, target: LinkTarget) -> None:
    """What VMware's Lambda does when the stack runs."""
    assert target.tracking_task
    box.world.links.complete_link(
        link_id=target.tracking_task,
        account_number=ACCOUNT,
        stack_name=target.stack_name,
        role_arns=ROLES,
    )


@pytest.fixture
def aws(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """CloudFormation's client, and an environment that leads to the emulated AWS."""
    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.client("cloudformation", region_name="us-west-2")
