"""The providers as plain objects in front of the emulated service."""

import dataclasses
import os
from collections.abc import Callable
from time import monotonic as real_monotonic
from typing import Any

import boto3
import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox, ambient_names
from tests.support.lab import ACCOUNT
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.api.transport import Transport
from vmc_account_link.call_context import CallContext
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.unlink import evaluate_unlink
from vmc_account_link.link.wait import EvaluateUnlink, unlink_until_gone, wait_until_linked
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import VmcSettings


@dataclasses.dataclass(frozen=True)
class Program:
    """The link request's provider, asked as the engine does for a program; a call may change an input."""

    link: LinkRequestProvider
    inputs: dict[str, Any]

    def create(self, **changes: Any) -> dict[str, Any]:
        """Request a link."""
        return self.link.create({**self.inputs, **changes}).outs or {}

    def changes(self, olds: dict[str, Any], **changes: Any) -> bool:
        """Whether an update would do something."""
        return bool(self.link.diff("id", olds, {**self.inputs, **changes}).changes)

    def update(self, olds: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Do it."""
        return self.link.update("id", olds, {**self.inputs, **changes}).outs or {}


@pytest.fixture
def program(settings: VmcSettings) -> Program:
    """A program that wants a link for CloudFormation stack "ours"."""
    link = LinkRequestProvider()
    link.settings = settings
    inputs = {
        "org_id": settings.org_id,
        "account_number": ACCOUNT,
        "stack_name": "ours",
        "template_hosts": [],
        "__provider": "as the engine sends it",
    }
    return Program(link, inputs)


@dataclasses.dataclass
class Time:
    """A clock that only sleeping moves; each sleep moves the sandbox's clock too."""

    control: SandboxControl
    now: float = 0.0
    pauses: list[float] = dataclasses.field(default_factory=list)
    began: float = dataclasses.field(default_factory=real_monotonic)

    @property
    def passed(self) -> float:
        """By the sandbox's clock, which runs on by itself too."""
        return self.now + real_monotonic() - self.began

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


def report(box: Sandbox, tracking_task: str | None) -> None:
    """What VMware's Lambda does when a stack runs the link's template."""
    assert tracking_task
    box.world.links.complete_link(
        link_id=tracking_task, account_number=ACCOUNT, stack_name="ours", role_arns=ROLES
    )


@dataclasses.dataclass(frozen=True)
class StartedLink:
    """A link whose stack has just been made, and who waits for it by the test's clock."""

    target: LinkTarget
    box: Sandbox
    time: Time
    new_client: NewClient

    def report(self) -> None:
        """See `report`."""
        report(self.box, self.target.tracking_task)

    def wait(self, *, minutes: float = 30, **context: Any) -> AccountRecord:
        """Wait until the account is linked."""
        with self.new_client() as vmc:
            return wait_until_linked(
                vmc, self.target, timeout_seconds=minutes * 60, context=self.time.context(**context)
            )

    def unlink(
        self, *, evaluate: EvaluateUnlink = evaluate_unlink, minutes: float = 30, **context: Any
    ) -> bool:
        """Unlink until the account is gone; whether it had come."""
        with self.new_client() as vmc:
            return unlink_until_gone(
                vmc,
                self.target,
                timeout_seconds=minutes * 60,
                context=self.time.context(**context),
                evaluate=evaluate,
            )

    def renewing(self) -> "StartedLink":
        """The same as a link that renews the record which the service lists."""
        with self.new_client() as vmc:
            (record,) = vmc.list_connected_accounts()
        revision = record.revision
        renewal = dataclasses.replace(self.target, previous_revision=revision, revision_at_request=revision)
        return dataclasses.replace(self, target=renewal)


@pytest.fixture
def started(new_client: NewClient, control: SandboxControl, box: Sandbox, time: Time) -> StartedLink:
    """A link for CloudFormation stack "ours"; the service needs two minutes for its part."""
    control.set_modes(task_seconds=120.0)
    with new_client() as vmc:
        task = vmc.request_link().tracking_task
    target = LinkTarget(account_number=ACCOUNT, stack_name="ours", tracking_task=task)
    return StartedLink(target, box, time, new_client)


@pytest.fixture
def aws(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """CloudFormation's client, and an environment that leads to the emulated AWS."""
    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return boto3.client("cloudformation", region_name="us-west-2")
