"""Programs under the SDK's mocks, with what mocks alone do not see: the requests, options included.

Real: the SDK, its serialisation, our component. Mocked: the engine, by a monitor that keeps each request.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import resource_pb2

from vmc_account_link import AccountLink, AccountLinkArgs

ACCOUNT = "123456789012"
LINK = {
    "template_url": "https://b.s3.us-west-2.amazonaws.com/t?X-Amz-Signature=s",
    "template_execution_url": "https://console.aws.amazon.com/x",
    "template_body": '{"Resources": {}}',
    "expiration_date": "2026-01-10T12:30:00+00:00",
    "tracking_task": "task-1",
}
CONFIG = {"vmc:orgId": "org-1", "vmc:refreshToken": "planted-token"}
STACK = "aws:cloudformation/stack:Stack"
REQUEST = "pulumi-python:dynamic/vmc-account-link:LinkRequest"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""How the engine's protocol marks a special value, and a secret among those."""
CONNECTED = "pulumi-python:dynamic/vmc-account-link:ConnectedAccount"
WAIT = "pulumi-python:dynamic/vmc-account-link:ConnectionWait"
SUBNETS = "pulumi-python:dynamic/vmc-account-link:CompatibleSubnets"
EXISTING = "pulumi-python:dynamic/vmc-account-link:ExistingAccount"


class Cloud(mocks.Mocks):
    """Answers for each resource what the real ones would."""

    def __init__(self, link: Mapping[str, Any]) -> None:
        self.link = link

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = dict(args.inputs)
        if args.typ == REQUEST:
            outputs |= self.link
        if args.typ == WAIT:
            outputs |= {"connected_account_id": "record-1", "connected_account_state": "ACTIVE"}
        if args.typ == EXISTING:
            outputs |= {"connected_account_id": "record-1", "cf_stack_name": "theirs"}
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # either is taken
        assert args.token == "aws:index/getCallerIdentity:getCallerIdentity"
        return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/u", "userId": "u", "id": ACCOUNT}


class Recorder(mocks.MockMonitor):
    """Keeps what the SDK sends for each resource, options included, which mocks alone do not see."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.cloud = cloud
        self.requests: list[resource_pb2.RegisterResourceRequest] = []

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def of_type(self, typ: str) -> resource_pb2.RegisterResourceRequest:
        (request,) = [r for r in self.requests if r.type == typ]
        return request

    def inputs(self, typ: str) -> dict[str, Any]:
        return {key: plain(value) for key, value in self.of_type(typ).object.fields.items()}


def plain(value: Any) -> Any:
    said = MessageToDict(value)
    return said.get("value", said) if isinstance(said, dict) and SIGNATURE in said else said


Run = Callable[..., Recorder]


@contextmanager
def mocked_engine() -> Iterator[Run]:
    """Run programs under mocks, each of which returns what it declared."""
    # The SDK makes event loops, in its threads too, and leaves them open.
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        loops.append(new_event_loop())
        # A future that nobody asked would log its traceback when it is collected, for which CPython 3.11
        # parses source, and within a parse of pytest's or ours that is a SystemError (gh-106905).
        loops[-1].set_exception_handler(lambda _loop, _context: None)
        return loops[-1]

    # The SDK asks for its mocks in threads, which see what was set where nothing was: so nothing is, before.
    settings.reset_options()
    with mock.patch.object(asyncio, "new_event_loop", remembered):
        asyncio.set_event_loop(asyncio.new_event_loop())
        try:
            yield _run
        finally:
            asyncio.set_event_loop(None)
            for loop in loops:
                loop.close()
            settings.reset_options()
            pulumi.runtime.set_all_config({}, [])


def _run(
    args: AccountLinkArgs | None = None,
    *,
    config: Mapping[str, str] = CONFIG,
    secret_keys: list[str] | None = None,
    link: Mapping[str, Any] = LINK,
    preview: bool = False,
    program: Callable[[], Any] | None = None,
    recorder: Recorder | None = None,
) -> Recorder:
    recorder = recorder or Recorder(Cloud(link))
    pulumi.runtime.set_mocks(
        recorder.cloud, project="vmc-account-link", stack="dev", preview=preview, monitor=recorder
    )
    pulumi.runtime.set_all_config(dict(config), secret_keys or [])

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def body() -> Any:
        made = program() if program else AccountLink("link", args)
        if isinstance(made, AccountLink) and not preview:
            return pulumi.Output.all(made.stack_id, made.connected_account_id, made.account_number)
        return None

    body()
    return recorder
