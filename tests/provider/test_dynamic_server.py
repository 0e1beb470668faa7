"""The providers behind gRPC, called as the engine calls them: in the SDK's process, and in a fleet's driver.

Real: the process, the pickled providers, gRPC, the emulated service. This is where unknowns, floats and
secrets arrive as they really do.
"""

import base64
import contextlib
import importlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.environment import Sandbox
from tests.support.lab import ACCOUNT
from tests.support.patience import until
from vmc_account_link.api.client import VmcClient
from vmc_account_link.compatible_subnets import CompatibleSubnetsProvider
from vmc_account_link.connected_account import ConnectedAccountProvider
from vmc_account_link.connection_wait import ConnectionWaitProvider
from vmc_account_link.existing_account import ExistingAccountProvider
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import read_settings
from vmc_labs.engine.dynamic_provider import DynamicProvider
from vmc_labs.engine.server import serve

OTHER = "210987654321"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine sends a value that is not known yet."""
PICKLED: dict[type, str] = {
    cls: serialize_provider(cls())
    for cls in (
        LinkRequestProvider,
        ConnectedAccountProvider,
        ConnectionWaitProvider,
        ExistingAccountProvider,
        CompatibleSubnetsProvider,
    )
}


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


class Server:
    """A channel to what serves the providers."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)


@contextlib.contextmanager
def sdk_process(environment: Mapping[str, str]) -> Iterator[Server]:
    """The process that the engine starts for a plain `pulumi up`."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "API_TOKEN": "", "PULUMI_PROJECT": "vmc-account-link"},
    ) as process:
        assert process.stdout is not None
        server = Server(int(process.stdout.readline()))
        try:
            yield server
        finally:
            server.channel.close()
            process.terminate()


@contextlib.contextmanager
def configured_sdk_process(box: Sandbox, **environment: str) -> Iterator[Server]:
    """Configured as by the engine: all of the project's configuration, secrets in plaintext."""
    config = {"vmc:refreshToken": box.environment["API_TOKEN"], "vmc-account-link:region": "us-west-2"}
    with sdk_process({**box.process_environment(), **environment}) as server:
        server.stub.Configure(provider_pb2.ConfigureRequest(args=struct(config)))
        yield server


@contextlib.contextmanager
def of_a_lab(box: Sandbox, messages: list[str] | None = None) -> Iterator[Server]:
    """What a fleet's driver serves to one lab's engine; `messages` takes the progress lines."""
    settings = read_settings(lambda _: None, box.environment)
    dynamic = DynamicProvider(settings, ([] if messages is None else messages).append, VmcClient)
    with serve(dynamic) as port, contextlib.closing(dynamic):
        server = Server(port)
        yield server
        server.channel.close()


@pytest.fixture(params=["the SDK's process", "a fleet's driver"])
def server(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[Server]:
    is_sdk = request.param == "the SDK's process"
    with configured_sdk_process(box) if is_sdk else of_a_lab(box) as started:
        yield started


@pytest.fixture
def link_inputs(box: Sandbox) -> dict[str, Any]:
    return {
        "__provider": PICKLED[LinkRequestProvider],
        "org_id": box.environment["ORG_ID"],
        "account_number": ACCOUNT,
        "stack_name": "ours",
        "template_hosts": [],
    }


@pytest.fixture
def account_inputs(box: Sandbox) -> dict[str, Any]:
    return {
        "__provider": PICKLED[ConnectedAccountProvider],
        "org_id": box.environment["ORG_ID"],
        "account_number": ACCOUNT,
        "stack_name": "ours",
        "stack_id": "arn:1",
        "tracking_task": "task-1",
        "link_timeout_minutes": 30,
        "unlink_on_destroy": True,
    }


@pytest.fixture
def wait_inputs(account_inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: value for key, value in account_inputs.items() if key != "unlink_on_destroy"},
        "__provider": PICKLED[ConnectionWaitProvider],
    }


def test_a_link_request_lives_its_life(server: Server, link_inputs: dict[str, Any], box: Sandbox) -> None:
    checked = server.stub.Check(provider_pb2.CheckRequest(news=struct(link_inputs)))
    assert (list(checked.failures), dict(checked.inputs)) == ([], dict(struct(link_inputs)))

    created = server.stub.Create(provider_pb2.CreateRequest(properties=checked.inputs))
    assert created.properties["tracking_task"] == box.control.links()[0].tracking_task

    diff = provider_pb2.DiffRequest(id=created.id, olds=created.properties, news=checked.inputs)
    assert server.stub.Diff(diff).changes == provider_pb2.DiffResponse.DIFF_NONE

    read = server.stub.Read(provider_pb2.ReadRequest(id=created.id, properties=created.properties))
    assert (read.id, read.properties) == (created.id, created.properties)

    news = struct({**link_inputs, "template_hosts": ["mirror.example"]})
    update = provider_pb2.UpdateRequest(id=created.id, olds=created.properties, news=news)
    updated = server.stub.Update(update).properties
    assert updated["tracking_task"] == created.properties["tracking_task"]
    assert updated["template_body"] == created.properties["template_body"]

    server.stub.Delete(provider_pb2.DeleteRequest(id=created.id, properties=updated))
    assert len(box.control.links()) == 1


def test_a_connected_account_and_its_wait_live_their_lives(
    server: Server, account_inputs: dict[str, Any], wait_inputs: dict[str, Any], box: Sandbox
) -> None:
    account = server.stub.Create(provider_pb2.CreateRequest(properties=struct(account_inputs)))
    assert account.properties == struct(account_inputs)
    record = box.control.seed_account(ACCOUNT, cf_stack_name="ours")
    created = server.stub.Create(provider_pb2.CreateRequest(properties=struct(wait_inputs)))
    assert created.properties["connected_account_id"] == record.id

    box.control.set_account_state(ACCOUNT, "BROKEN")
    read = server.stub.Read(provider_pb2.ReadRequest(id=created.id, properties=created.properties))
    assert read.properties["connected_account_state"] == "BROKEN"

    news = struct({**wait_inputs, "link_timeout_minutes": 5})
    box.control.set_account_state(ACCOUNT, "ACTIVE")
    updated = server.stub.Update(
        provider_pb2.UpdateRequest(id=created.id, olds=created.properties, news=news)
    ).properties
    assert updated["connected_account_id"] == record.id

    server.stub.Delete(provider_pb2.DeleteRequest(id=created.id, properties=created.properties))
    assert len(box.control.connected_accounts()) == 1
    server.stub.Delete(provider_pb2.DeleteRequest(id=account.id, properties=account.properties))
    assert box.control.connected_accounts() == ()
    gone = server.stub.Read(provider_pb2.ReadRequest(id=created.id, properties=created.properties))
    assert gone.id == ""


def test_unknown_inputs_pass_check_and_diff_on_a_preview(
    server: Server, link_inputs: dict[str, Any], account_inputs: dict[str, Any]
) -> None:
    for inputs, unknown in (
        (link_inputs, ["account_number", "stack_name", "template_hosts"]),
        (account_inputs, ["account_number", "tracking_task", "stack_id", "link_timeout_minutes"]),
    ):
        news = struct({**inputs, **dict.fromkeys(unknown, UNKNOWN)})
        checked = server.stub.Check(provider_pb2.CheckRequest(olds=struct(inputs), news=news))
        assert list(checked.failures) == []
        assert checked.inputs["account_number"] == UNKNOWN
        outputs = {"connected_account_state": "ACTIVE", "cf_stack_name": "ours"}
        diff = provider_pb2.DiffRequest(id="i", olds=struct({**inputs, **outputs}), news=news)
        assert server.stub.Diff(diff).changes == provider_pb2.DiffResponse.DIFF_SOME


def test_a_failed_check_names_the_property(server: Server, account_inputs: dict[str, Any]) -> None:
    request = provider_pb2.CheckRequest(news=struct({**account_inputs, "link_timeout_minutes": 0}))
    (failure,) = server.stub.Check(request).failures
    assert failure.property == "link_timeout_minutes"


def test_a_failure_reaches_the_engine_as_one_line_without_a_traceback(
    server: Server, link_inputs: dict[str, Any], box: Sandbox
) -> None:
    box.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    with pytest.raises(grpc.RpcError) as failure:
        server.stub.Create(provider_pb2.CreateRequest(properties=struct(link_inputs)))
    text = failure.value.details()
    assert text.startswith("link AWS account 123456789012: ")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("missing", "cause"), [("stack_name", "in create\n"), ("__provider", "KeyError: '__provider'")]
)
def test_a_bug_is_one_line_of_a_driver_and_its_traceback_is_in_a_file(
    box: Sandbox, link_inputs: dict[str, Any], missing: str, cause: str
) -> None:
    del link_inputs[missing]
    with of_a_lab(box) as server, pytest.raises(grpc.RpcError) as failure:
        server.stub.Create(provider_pb2.CreateRequest(properties=struct(link_inputs)))
    line = str(failure.value.details())
    what = "LinkRequest" if missing == "stack_name" else "a dynamic resource"
    assert line.startswith(f"create {what}: KeyError: '{missing}'. This is a bug in vmc-account-link")
    file = Path(line.rpartition(" in ")[2].rstrip("."))
    assert cause in file.read_text()
    file.unlink()


def test_somebody_elses_resource_fails_as_it_would_without_us(
    box: Sandbox, link_inputs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somebody_else.py").write_text(
        "from pulumi.dynamic import ResourceProvider\n"
        "class Theirs(ResourceProvider):\n"
        "    def create(self, props):\n"
        "        raise ValueError('their own')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    theirs = serialize_provider(importlib.import_module("somebody_else").Theirs())
    box.control.seed_account(ACCOUNT, cf_stack_name="theirs")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    with configured_sdk_process(box, PYTHONPATH=path) as server:
        with pytest.raises(grpc.RpcError) as ours:
            server.stub.Create(provider_pb2.CreateRequest(properties=struct(link_inputs)))
        with pytest.raises(grpc.RpcError) as failure:
            server.stub.Create(provider_pb2.CreateRequest(properties=struct({"__provider": theirs})))
    assert "\n" not in str(ours.value.details())
    lines = str(failure.value.details()).splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "ValueError: their own")


def test_cancel_ends_a_wait_in_the_sdks_process(box: Sandbox, wait_inputs: dict[str, Any]) -> None:
    with configured_sdk_process(box) as server:
        create = provider_pb2.CreateRequest(properties=struct(wait_inputs))
        wait = server.stub.Create.future(create, timeout=30)
        until(lambda: box.control.journal(call="list-connected-accounts"))
        server.stub.Cancel(empty_pb2.Empty())
        assert str(wait.details()).startswith(
            "wait for AWS account 123456789012 to be connected: interrupted"
        )
        assert "\n" not in str(wait.details())


def test_a_missing_setting_is_named_when_no_program_has_run_before(
    box: Sandbox, account_inputs: dict[str, Any]
) -> None:
    with sdk_process(box.process_environment()) as server:
        server.stub.Configure(provider_pb2.ConfigureRequest(args=struct({})))
        with pytest.raises(grpc.RpcError, match="vmc:refreshToken"):
            server.stub.Delete(provider_pb2.DeleteRequest(id="i", properties=struct(account_inputs)))


def test_each_lab_of_a_driver_is_told_of_its_own_wait_and_ends_it_alone(
    box: Sandbox, wait_inputs: dict[str, Any]
) -> None:
    def wait(server: Server, number: str) -> str:
        inputs = struct({**wait_inputs, "account_number": number, "link_timeout_minutes": 1})
        try:
            return str(server.stub.Create(provider_pb2.CreateRequest(properties=inputs), timeout=20).id)
        except grpc.RpcError as failure:
            return str(failure.details())

    messages: tuple[list[str], list[str]] = ([], [])
    with of_a_lab(box, messages[0]) as one, of_a_lab(box, messages[1]) as other, ThreadPoolExecutor() as pool:
        ends = [pool.submit(wait, server, number) for server, number in ((one, ACCOUNT), (other, OTHER))]
        until(lambda: all(messages))
        one.stub.Cancel(empty_pb2.Empty())
        assert "interrupted after" in ends[0].result(timeout=10)
        assert not ends[1].done()
        box.control.seed_account(OTHER, cf_stack_name="ours")
        assert ends[1].result(timeout=10).endswith(OTHER)
    assert [OTHER in line for line in messages[0]] == [False] * len(messages[0])
    assert messages[1][-1] == f"AWS account {OTHER} is connected"


def test_a_driver_does_not_wait_for_an_engine_that_is_gone(box: Sandbox, wait_inputs: dict[str, Any]) -> None:
    messages: list[str] = []
    with of_a_lab(box, messages) as server:
        inputs = struct({**wait_inputs, "link_timeout_minutes": 1})
        wait = server.stub.Create.future(provider_pb2.CreateRequest(properties=inputs))
        until(lambda: messages)
    assert wait.exception() is not None
    time.sleep(0.5)
    requests_before = len(box.control.journal())
    time.sleep(2)
    assert len(box.control.journal()) == requests_before


class Foreign:
    """Somebody else's provider; its pickle makes a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_driver_neither_runs_nor_loads_a_provider_that_is_not_ours(
    box: Sandbox, account_inputs: dict[str, Any], tmp_path: Path
) -> None:
    effect = tmp_path / "loaded"
    for pickled in (pickle.dumps(Foreign(effect)), pickle.dumps(ConnectedAccountProvider), b"no pickle"):
        inputs = struct({**account_inputs, "__provider": base64.b64encode(pickled).decode()})
        with of_a_lab(box) as server, pytest.raises(grpc.RpcError, match="not one of vmc-labs"):
            server.stub.Delete(provider_pb2.DeleteRequest(id="i", properties=inputs))
    assert not effect.exists()


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        (LinkRequestProvider, "vmc_account_link.link_request.LinkRequestProvider"),
        (ConnectedAccountProvider, "vmc_account_link.connected_account.ConnectedAccountProvider"),
        (ConnectionWaitProvider, "vmc_account_link.connection_wait.ConnectionWaitProvider"),
        (ExistingAccountProvider, "vmc_account_link.existing_account.ExistingAccountProvider"),
        (CompatibleSubnetsProvider, "vmc_account_link.compatible_subnets.CompatibleSubnetsProvider"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_provider_is_pickled_by_its_frozen_path_and_nothing_else(provider: type, path: str) -> None:
    pickled = base64.b64decode(PICKLED[provider])
    module, _, name = path.rpartition(".")
    assert len(pickled) < 120
    assert module.encode() in pickled
    script = (
        "import dill, sys; p = dill.load(sys.stdin.buffer); "
        "print(type(p).__module__, type(p).__qualname__, vars(p))"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", script],
        input=pickled,
        stdout=subprocess.PIPE,
        check=True,
        env={"PATH": os.defpath},
    )
    assert fresh.stdout.decode().split() == [module, name, "{}"]
