"""Promise: the plugin answers the engine as the real one does. Real: its process, gRPC, AWS over HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.aws_plugin.install import install
from sandbox.aws_plugin.values import UNKNOWN
from tests.sandbox.amazon import Amazon, role_template
from tests.support.patience import until

URN = "urn:pulumi:dev::proof::aws:cloudformation/stack:Stack::lab"
BODY = role_template()
Kind = provider_pb2.PropertyDiff.Kind


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    values: dict[str, Any] = json_format.MessageToDict(message)
    return values


class Plugin:
    """The plugin as the engine drives it: Check, Diff, then Create, Update, Read or Delete."""

    def __init__(self, stub: Any, aws: Amazon) -> None:
        self.stub = stub
        self.aws = aws
        self.configure()

    def configure(self, **arguments: str) -> Any:
        endpoints = json.dumps([{"cloudformation": self.aws.url, "sts": self.aws.url}])
        args = struct(region="us-west-2", endpoints=endpoints, **arguments)
        return self.stub.Configure(provider_pb2.ConfigureRequest(args=args, acceptSecrets=True))

    def check(self, olds: dict[str, Any] | None = None, **news: Any) -> dict[str, Any]:
        request = provider_pb2.CheckRequest(
            urn=URN, news=struct(**news), olds=struct(**olds or {}), randomSeed=os.urandom(8)
        )
        response = self.stub.Check(request)
        assert [one.reason for one in response.failures] == []
        return plain(response.inputs)

    def create(self, *, preview: bool = False, **news: Any) -> Any:
        inputs = struct(**self.check(**news))
        return self.stub.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, preview=preview))

    def diff(self, olds: struct_pb2.Struct, *, ignored: list[str] | None = None, **news: Any) -> Any:
        inputs = struct(**self.check(**news))
        return self.stub.Diff(
            provider_pb2.DiffRequest(id="i", urn=URN, olds=olds, news=inputs, ignoreChanges=ignored or [])
        )

    def update(self, made: Any, *, preview: bool = False, **news: Any) -> Any:
        inputs = struct(**self.check(**news))
        request = provider_pb2.UpdateRequest(
            id=made.id, urn=URN, olds=made.properties, news=inputs, preview=preview
        )
        return self.stub.Update(request)

    def read(self, identity: str, properties: struct_pb2.Struct | None = None, **inputs: Any) -> Any:
        request = provider_pb2.ReadRequest(
            id=identity, urn=URN, properties=properties, inputs=struct(**inputs) if inputs else None
        )
        return self.stub.Read(request)

    def delete(self, made: Any) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=URN, properties=made.properties))


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The process that the installed launcher starts."""
    home = tmp_path_factory.mktemp("home")
    install(home)
    launcher = home / "plugins" / f"resource-aws-v{version('pulumi_aws')}" / "pulumi-resource-aws"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "planted-secret",
        "SANDBOX_AWS_FIRST_POLL_SECONDS": "0.02",
    }
    with subprocess.Popen(
        [launcher, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=environment, cwd=home
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.kill()


@pytest.fixture
def aws() -> Iterator[Amazon]:
    with Amazon() as running:
        running.modes.apply({"stack_seconds": 0})
        yield running


@pytest.fixture
def plugin(stub: Any, aws: Amazon) -> Plugin:
    return Plugin(stub, aws)


def half_done(error: pytest.ExceptionInfo[grpc.RpcError]) -> Any:
    """The ErrorResourceInitFailed of a failed call, decoded as the engine does it."""
    failed: Any = error.value
    assert failed.code() is grpc.StatusCode.UNKNOWN
    trailing = {one.key: one.value for one in failed.trailing_metadata()}
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail


def test_it_tells_its_version_and_has_no_handshake(plugin: Plugin) -> None:
    info = plugin.stub.GetPluginInfo(empty_pb2.Empty())
    assert info.version == version("pulumi_aws")
    with pytest.raises(grpc.RpcError) as error:
        plugin.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
    failed: Any = error.value
    assert failed.code() is grpc.StatusCode.UNIMPLEMENTED
    plugin.stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
    plugin.stub.Cancel(empty_pb2.Empty())
    schema = json.loads(plugin.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert (schema["name"], schema["version"]) == ("aws", info.version)


def test_configure_supports_previews_and_leaves_secrets_to_the_engine(plugin: Plugin) -> None:
    response = plugin.configure()
    assert response.supportsPreview
    assert not response.acceptSecrets


def test_an_account_that_is_not_wanted_is_refused(plugin: Plugin) -> None:
    plugin.configure(allowedAccountIds='["123456789012"]')
    for arguments in ({"allowedAccountIds": '["1"]'}, {"forbiddenAccountIds": '["123456789012"]'}):
        with pytest.raises(grpc.RpcError, match="AWS account ID not allowed: 123456789012"):
            plugin.configure(**arguments)


def test_an_assumed_role_decides_the_account(plugin: Plugin) -> None:
    plugin.configure(assumeRoles='[{"roleArn": "arn:aws:iam::111111111111:role/lab"}]')
    made = plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    assert ":111111111111:stack/s/" in made.id


@pytest.mark.parametrize(
    ("token", "key", "value"),
    [
        ("aws:index/getCallerIdentity:getCallerIdentity", "accountId", "123456789012"),
        ("aws:index/getRegion:getRegion", "region", "us-west-2"),
        ("aws:index/getPartition:getPartition", "partition", "aws"),
    ],
    ids=["caller", "region", "partition"],
)
def test_functions_answer(plugin: Plugin, token: str, key: str, value: str) -> None:
    response = plugin.stub.Invoke(provider_pb2.InvokeRequest(tok=token))
    assert plain(getattr(response, "return"))[key] == value


def test_an_unknown_function_or_resource_is_named(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="has no function aws:index/getAmi:getAmi"):
        plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="aws:index/getAmi:getAmi"))
    bucket = "urn:pulumi:dev::proof::aws:s3/bucket:Bucket::b"
    with pytest.raises(grpc.RpcError, match="not aws:s3/bucket:Bucket"):
        plugin.stub.Check(provider_pb2.CheckRequest(urn=bucket, news=struct()))


def test_check_makes_a_name_and_keeps_it(plugin: Plugin) -> None:
    first = plugin.check(templateBody=BODY)
    assert first["name"].startswith("lab-")
    assert len(first["name"]) == len("lab-") + 7
    assert plugin.check(first, templateBody=BODY)["name"] == first["name"]
    assert plugin.check(first, templateBody=BODY, name="mine")["name"] == "mine"


def test_check_names_a_bad_input_without_its_value(plugin: Plugin) -> None:
    news = struct(templateBody="{planted", capabilities=["CAPABILITY_ALL"], onFailure="PANIC", colour="red")
    failures = plugin.stub.Check(provider_pb2.CheckRequest(urn=URN, news=news)).failures
    assert sorted(one.property for one in failures) == ["capabilities", "colour", "onFailure", "templateBody"]
    assert not any("planted" in one.reason for one in failures)


def test_a_preview_of_a_create_knows_no_id_and_asks_aws_nothing(plugin: Plugin) -> None:
    made = plugin.create(preview=True, templateUrl=UNKNOWN, tags={"a": "b"})
    properties = plain(made.properties)
    assert made.id == ""
    assert {key for key, value in properties.items() if value == UNKNOWN} == {
        "outputs",
        "parameters",
        "policyBody",
        "templateBody",
        "templateUrl",
    }
    assert properties["tagsAll"] == {"a": "b"}
    assert plugin.aws.calls() == []


def test_create_waits_for_the_stack_and_returns_what_aws_says(plugin: Plugin) -> None:
    aws = plugin.aws
    aws.modes.apply({"stack_seconds": 100})
    link = aws.mint()
    plugin.configure(defaultTags='{"tags": {"team": "x"}}')
    inputs = struct(
        **plugin.check(templateUrl=link.template_url, capabilities=["CAPABILITY_IAM"], tags={"a": "b"})
    )
    future = plugin.stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=inputs))
    until(
        lambda: aws.calls().count("cloudformation.DescribeStacks") >= 2,
        patience_seconds=20,
        pause_seconds=0.01,
    )
    assert not future.done()
    aws.clock.advance(100)
    made = future.result(timeout=20)
    state = plain(made.properties)
    assert state["outputs"]["RemoteRoleArn"].startswith("arn:aws:iam::123456789012:role/lab-")
    assert link.id in state["templateBody"]
    assert state["tags"] == {"a": "b"}
    assert state["tagsAll"] == {"a": "b", "team": "x"}
    assert state["id"] == made.id


def test_a_failed_create_hands_over_the_id_and_the_reasons(plugin: Plugin) -> None:
    plugin.aws.modes.apply({"stack_outcome": "roll_back"})
    link = plugin.aws.mint()
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(name="s", templateUrl=link.template_url, capabilities=["CAPABILITY_IAM"])
    detail = half_done(error)
    assert ":stack/s/" in detail.id
    assert plain(detail.inputs)["templateUrl"] == link.template_url
    assert plain(detail.properties)["name"] == "s"
    assert "outputs" not in plain(detail.properties)
    [reason] = detail.reasons
    assert (
        f"waiting for CloudFormation Stack ({detail.id}) create: stack status (ROLLBACK_COMPLETE): " in reason
    )
    assert "Received response status [FAILED] from custom resource." in reason


def test_a_refused_create_stores_nothing(plugin: Plugin) -> None:
    plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    failed: Any = error.value
    assert (
        "creating CloudFormation Stack (s): operation error CloudFormation: CreateStack" in failed.details()
    )
    assert "AlreadyExistsException: Stack [s] already exists" in failed.details()
    assert "planted-secret" not in failed.details()
    assert "grpc-status-details-bin" not in {one.key for one in failed.trailing_metadata()}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, {}),
        ({"name": "other"}, {"name": Kind.UPDATE_REPLACE}),
        ({"onFailure": "DELETE"}, {"onFailure": Kind.ADD_REPLACE}),
        ({"disableRollback": True}, {"disableRollback": Kind.ADD_REPLACE}),
        ({"disableRollback": False}, {}),
        ({"timeoutInMinutes": 5}, {"timeoutInMinutes": Kind.ADD_REPLACE}),
        ({"region": "eu-west-1"}, {"region": Kind.UPDATE_REPLACE}),
        ({"templateBody": json.dumps(json.loads(BODY), indent=4)}, {}),
        ({"templateBody": role_template(Path="/x/")}, {"templateBody": Kind.UPDATE}),
        ({"templateBody": UNKNOWN}, {"templateBody": Kind.UPDATE}),
        ({"templateUrl": "https://x"}, {"templateUrl": Kind.ADD}),
        ({"capabilities": None}, {"capabilities": Kind.DELETE}),
        ({"tags": {"a": "b"}}, {"tags": Kind.ADD, "tagsAll": Kind.UPDATE}),
        ({"parameters": {"A": "1"}}, {"parameters": Kind.ADD}),
    ],
    ids=[
        "nothing",
        "a name replaces",
        "onFailure replaces",
        "disableRollback replaces",
        "a false is as absent",
        "a timeout replaces",
        "a region replaces",
        "the same JSON in another form",
        "another template",
        "a template not known yet",
        "a URL",
        "no capabilities any more",
        "tags",
        "parameters",
    ],
)
def test_diff_tells_what_changes_in_place(
    plugin: Plugin, change: dict[str, Any], kinds: dict[str, int]
) -> None:
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    wanted = {key: value for key, value in {**news, **change}.items() if value is not None}
    response = plugin.diff(made.properties, **wanted)
    assert {key: one.kind for key, one in response.detailedDiff.items()} == kinds
    replacing = {Kind.ADD_REPLACE, Kind.UPDATE_REPLACE}
    assert list(response.replaces) == [key for key, kind in kinds.items() if kind in replacing]
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert response.changes == (some if kinds else none)


def test_diff_leaves_ignored_properties_alone(plugin: Plugin) -> None:
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    response = plugin.diff(made.properties, ignored=["templateUrl"], **news, templateUrl="https://x")
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_diff_sees_new_default_tags(plugin: Plugin) -> None:
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    plugin.configure(defaultTags='{"tags": {"team": "x"}}')
    assert list(plugin.diff(made.properties, **news).diffs) == ["tagsAll"]


def test_an_update_of_a_tag_sends_the_stored_url_again(plugin: Plugin) -> None:
    link = plugin.aws.mint()
    news: dict[str, Any] = {"name": "s", "templateUrl": link.template_url, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    updated = plugin.update(made, **news, tags={"a": "b"})
    assert plain(updated.properties)["tags"] == {"a": "b"}
    plugin.aws.clock.advance(100_000)
    with pytest.raises(grpc.RpcError) as error:
        plugin.update(made, **news, tags={"a": "c"})
    detail = half_done(error)
    assert "UpdateStack" in detail.reasons[0]
    assert "S3 error: Access Denied" in detail.reasons[0]
    assert plain(detail.properties)["tags"] == {"a": "c"}


def test_an_update_that_changes_nothing_in_aws_succeeds(plugin: Plugin) -> None:
    first = plugin.aws.mint()
    body = plugin.aws.links.template_text(first.id)
    made = plugin.create(name="s", templateBody=body, capabilities=["CAPABILITY_IAM"])
    news: dict[str, Any] = {
        "name": "s",
        "templateUrl": first.template_url,
        "capabilities": ["CAPABILITY_IAM"],
    }
    updated = plugin.update(made, **news)
    assert plain(updated.properties)["templateUrl"] == first.template_url
    assert plugin.aws.status("s") == "CREATE_COMPLETE"


def test_an_update_without_a_difference_asks_aws_nothing(plugin: Plugin) -> None:
    plugin.aws.modes.apply({"stack_outcome": "roll_back"})
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(**news)
    before = plugin.aws.calls()
    plugin.update(half_done(error), **news)
    assert plugin.aws.calls() == before


def test_a_failed_update_stores_the_new_inputs(plugin: Plugin) -> None:
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    plugin.aws.modes.apply({"stack_outcome": "roll_back"})
    wanted = role_template(Description="other")
    with pytest.raises(grpc.RpcError) as error:
        plugin.update(made, **{**news, "templateBody": wanted})
    detail = half_done(error)
    assert "stack status (UPDATE_ROLLBACK_COMPLETE): " in detail.reasons[0]
    assert plain(detail.properties)["templateBody"] == wanted


def test_a_preview_of_an_update_knows_no_outputs(plugin: Plugin) -> None:
    news: dict[str, Any] = {"name": "s", "templateBody": BODY, "capabilities": ["CAPABILITY_IAM"]}
    made = plugin.create(**news)
    before = plugin.aws.calls()
    planned = plugin.update(made, preview=True, **news, tags={"a": "b"})
    assert plain(planned.properties)["outputs"] == UNKNOWN
    assert plugin.aws.calls() == before


def test_a_read_sees_what_others_changed(plugin: Plugin) -> None:
    news = plugin.check(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    made = plugin.create(**news)
    other = role_template(Path="/x/")
    plugin.aws.client("cloudformation").update_stack(
        StackName="s", TemplateBody=other, Capabilities=["CAPABILITY_IAM"]
    )
    seen = plugin.read(made.id, made.properties, **news)
    assert json.loads(plain(seen.inputs)["templateBody"]) == json.loads(other)
    assert json.loads(plain(seen.properties)["templateBody"]) == json.loads(other)


def test_a_read_never_finds_the_url_out(plugin: Plugin) -> None:
    link = plugin.aws.mint()
    news = plugin.check(name="s", templateUrl=link.template_url, capabilities=["CAPABILITY_IAM"])
    made = plugin.create(**news)
    seen = plugin.read(made.id, made.properties, **news)
    assert plain(seen.inputs) == news
    assert plain(seen.properties)["templateUrl"] == link.template_url


def test_an_import_by_name_gives_the_arn_and_the_inputs(plugin: Plugin) -> None:
    made = plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    seen = plugin.read("s")
    assert seen.id == made.id
    inputs = plain(seen.inputs)
    assert (inputs["name"], inputs["capabilities"]) == ("s", ["CAPABILITY_IAM"])
    assert json.loads(inputs["templateBody"]) == json.loads(BODY)
    assert "templateUrl" not in inputs


def test_a_rolled_back_stack_reads_as_fine_and_a_deleted_one_as_gone(plugin: Plugin) -> None:
    plugin.aws.modes.apply({"stack_outcome": "roll_back"})
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    dead = half_done(error)
    assert plugin.read(dead.id, dead.properties).id == dead.id
    plugin.delete(dead)
    assert plugin.aws.status(dead.id) == "DELETE_COMPLETE"
    assert plugin.read(dead.id, dead.properties).id == ""
    assert plugin.read("never-there").id == ""


def test_delete_waits_until_the_stack_is_gone_and_gone_is_success(plugin: Plugin) -> None:
    made = plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    plugin.aws.modes.apply({"stack_seconds": 100})
    request = provider_pb2.DeleteRequest(id=made.id, urn=URN, properties=made.properties)
    future = plugin.stub.Delete.future(request)
    before = len(plugin.aws.calls())
    until(lambda: len(plugin.aws.calls()) > before + 2, patience_seconds=20)
    assert not future.done()
    plugin.aws.clock.advance(100)
    future.result(timeout=20)
    plugin.delete(made)


def test_a_delete_that_fails_says_why(plugin: Plugin) -> None:
    made = plugin.create(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
    plugin.aws.attach_policy(plugin.aws.role_names()[0])
    with pytest.raises(
        grpc.RpcError, match=r"(?s)stack status \(DELETE_FAILED\): .*must detach all policies"
    ):
        plugin.delete(made)


def test_a_wait_ends_with_the_engines_time(plugin: Plugin) -> None:
    plugin.aws.modes.apply({"stack_seconds": 1000})
    inputs = struct(**plugin.check(name="s", templateBody=BODY, capabilities=["CAPABILITY_IAM"]))
    with pytest.raises(grpc.RpcError) as error:
        plugin.stub.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, timeout=0.1))
    assert "last state: 'CREATE_IN_PROGRESS', timeout: 0.1s" in half_done(error).reasons[0]


def test_several_stacks_are_waited_for_at_once(plugin: Plugin) -> None:
    aws = plugin.aws
    aws.modes.apply({"stack_seconds": 100})
    futures = [
        plugin.stub.Create.future(
            provider_pb2.CreateRequest(
                urn=URN,
                properties=struct(
                    **plugin.check(name=f"s{number}", templateBody=BODY, capabilities=["CAPABILITY_IAM"])
                ),
            )
        )
        for number in range(8)
    ]
    until(
        lambda: aws.calls().count("cloudformation.CreateStack") == 8, patience_seconds=20, pause_seconds=0.01
    )
    aws.clock.advance(100)
    assert len({future.result(timeout=20).id for future in futures}) == 8


def test_the_launcher_runs_this_interpreter(tmp_path: Path) -> None:
    install(tmp_path)
    install(tmp_path)
    [folder] = (tmp_path / "plugins").iterdir()
    [launcher] = folder.iterdir()
    assert os.access(launcher, os.X_OK)
    assert sys.executable in launcher.read_text()
