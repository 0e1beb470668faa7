"""VMware Cloud and AWS emulated in this thread: no sockets, no waiting, one clock that only jumps."""

import os
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import requests

from sandbox.clock import Clock
from sandbox.cloudformation.app import build_aws_app
from sandbox.cloudformation.resources import AccountRegion
from sandbox.csp.state import Credentials, TokenService
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.middleware import ConnectionCut
from sandbox.modes import ModeSwitch
from sandbox.vmc.organizations import Organization, Organizations
from sandbox.vmc.state import LinkStore
from sandbox.vmware_app import build_vmware_app
from sandbox.world import World
from tests.properties.aws_process import AwsProcess, aws_environment
from tests.properties.wsgi import BotocoreSession, Network, RequestsAdapter
from tests.support.lab import ACCOUNT
from vmc_account_link import aws_reader
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.transport import Transport
from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.call_context import CallContext
from vmc_account_link.settings import ApiToken, VmcSettings

VMWARE, AWS = "127.0.0.1:8001", "127.0.0.1:8002"
"""Where they would listen; nobody does."""
REGION = AccountRegion(account_number=ACCOUNT, region="us-west-2")
"""Where our stacks are."""
_POLL_SECONDS, _PAUSE_SECONDS = 10.0, 1.0
"""Emulated time: between two looks of the AWS provider at a stack, and before it tries again to connect."""
_ORG = "6f0a2d58-6a77-4a0e-9d0b-3f0f5a111100"
_BEGIN = datetime(2026, 1, 10, 12, tzinfo=UTC)


class StoppedClock(Clock):
    """A clock that moves only on request, so that a failing sequence fails again."""

    def now(self) -> datetime:
        """The emulated moment, in UTC."""
        return _BEGIN + self._offset

    def advance(self, seconds: float) -> datetime:
        """Jump by `seconds` and return the new moment."""
        self._offset += timedelta(seconds=seconds)
        return self.now()


class PromptFaults(Faults):
    """Faults whose holding takes the emulated time only."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock to move."""
        super().__init__()
        self._clock = clock

    def hold(self, seconds: float) -> None:
        """Let the time pass at once."""
        self._clock.advance(seconds)


class Cloud:
    """One organisation, one AWS account, and the way to both."""

    def __init__(self) -> None:
        """Begin with nothing in either."""
        clock, modes = StoppedClock(), ModeSwitch()
        self.world = World(
            clock=clock,
            modes=modes,
            journal=Journal(),
            faults=PromptFaults(clock),
            organizations=Organizations(
                (
                    Organization(
                        tokens=TokenService(Credentials.new(), org_id=_ORG, clock=clock, modes=modes),
                        links=LinkStore(org_id=_ORG, clock=clock, modes=modes),
                    ),
                )
            ),
        )
        aws = build_aws_app(
            clock=clock,
            modes=modes,
            journal=self.world.journal,
            faults=self.world.faults,
            links=self.world.organizations,
            organizations=self.world.organizations,
        )
        self.world.links.s3_url = f"http://{AWS}"
        self._aws = aws
        self.stacks = aws.stacks
        self._closed_until = {VMWARE: 0.0, AWS: 0.0}
        self.world.faults.refuse |= {"vmware": partial(self.close, VMWARE), "aws": partial(self.close, AWS)}
        self._network = Network(
            {VMWARE: build_vmware_app(self.world), AWS: aws},
            is_closed=self._is_closed,
        )
        self.skew_seconds = 0.0
        """How far the clock of the machine that runs `pulumi` is ahead."""
        self.settings = VmcSettings(
            org_id=_ORG,
            credentials=ApiToken(value=self.world.tokens.credentials.api_token),
            vmc_url=f"http://{VMWARE}",
            csp_url=f"http://{VMWARE}",
            s3_url=f"http://{AWS}",
        )
        self.interrupted_at: float | None = None
        """When the person presses Ctrl-C, by `monotonic`; None: not at all."""
        self._clients: dict[str, Any] = {}
        self._tokens = AccessTokens(self.monotonic)

    def close(self, address: str, seconds: float) -> None:
        """Refuse connections for so long; 0: no longer."""
        self._closed_until[address] = self.monotonic() + seconds

    def _is_closed(self, address: str) -> bool:
        return self.monotonic() < self._closed_until[address]

    def is_interrupted(self) -> bool:
        """Whether the person has pressed Ctrl-C."""
        return self.interrupted_at is not None and self.monotonic() >= self.interrupted_at

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return (self.world.clock.now() - _BEGIN).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Pass the time without waiting."""
        self.world.clock.advance(seconds)

    def now(self, _zone: object = None) -> datetime:
        """The moment by the clock of the machine that runs `pulumi`."""
        return self.world.clock.now() + timedelta(seconds=self.skew_seconds)

    def new_process(self) -> None:
        """Begin an operation of the engine: its provider process holds no access token yet."""
        self._tokens = AccessTokens(self.monotonic)

    def context(self) -> CallContext:
        """A provider's call on the machine that runs `pulumi`."""
        canceled: Any = types.SimpleNamespace(is_set=self.is_interrupted)
        return CallContext(monotonic=self.monotonic, now=self.now, sleep=self.sleep, canceled=canceled)

    def new_client(self, settings: VmcSettings, *, context: CallContext) -> VmcClient:
        """A client whose time and network are this cloud's."""
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", RequestsAdapter(self._network.exchange))
        transport = Transport(session=session, sleep=self.sleep, now=self.now)
        return VmcClient(settings, context=context, transport=transport, tokens=self._tokens)

    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        links = (link.signature for link in self.world.links.links())
        return (self.world.tokens.credentials.api_token, *self.world.tokens.issued(), *links)

    @contextmanager
    def reached_by(self, process: AwsProcess, *, waits: bool) -> Iterator[None]:
        """Be the AWS of the provider's process.

        Args:
            process: the provider.
            waits: whether it waits for what it asks for: the time that this takes passes before its next
                look.
        """
        process.application = partial(self._answer_provider, waits=waits)
        try:
            yield
        finally:
            process.application = None

    def _answer_provider(
        self, environ: WSGIEnvironment, start_response: StartResponse, *, waits: bool
    ) -> Iterable[bytes]:
        if self._is_closed(AWS):
            # To the provider much the same as a closed port: it tries again, some time later.
            self.sleep(_PAUSE_SECONDS)
            raise ConnectionCut("the service is out of reach")
        answer = self._aws(environ, start_response)
        while waits and any(
            stack.status(self.world.clock.now()).endswith("_IN_PROGRESS")
            for stack in self.stacks.list(REGION)
        ):
            self.sleep(_POLL_SECONDS)
        return answer

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Lead `recover` here, whose way to AWS is boto3's; our providers are handed theirs."""
        # botocore's pauses between its attempts.
        time = types.SimpleNamespace(monotonic=self.monotonic, sleep=self.sleep)
        with (
            mock.patch.object(aws_reader, "_session", self._session),
            mock.patch("botocore.endpoint.time", time),
            mock.patch.dict(os.environ, aws_environment(f"http://{AWS}")),
        ):
            yield

    def _session(self, access: AwsAccess) -> Any:
        """`recover`'s way to AWS: boto3's clients on the in-process network, made once: each takes 0.1 s."""

        def client(service: str, **_endpoint: Any) -> Any:
            if service not in self._clients:
                self._clients[service] = boto3.client(service, region_name=access.region)  # type: ignore[call-overload]
                self._clients[service]._endpoint.http_session = BotocoreSession(self._network)
            return self._clients[service]

        return types.SimpleNamespace(client=client)
