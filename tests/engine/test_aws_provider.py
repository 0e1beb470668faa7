"""Promise: the AWS provider does what the product rests on. Real: its process, gRPC, AWS over HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.faults import FaultBody, FaultKind, PlannedFault
from tests.sandbox.aws_clients import AwsReader, role_template
from tests.support.provider_process import Provider, half_done, plain, running_provider

pytestmark = pytest.mark.engine

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "planted-secret"}
NEWS: dict[str, Any] = {"name": "s", "templateBody": role_template(), "capabilities": ["CAPABILITY_IAM"]}
SOME, NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
Start = Callable[..., Provider]


@pytest.fixture
def aws() -> Iterator[AwsReader]:
    with AwsReader() as running:
        running.modes.apply({"stack_seconds": 0})
        yield running


@pytest.fixture
def start(aws: AwsReader, tmp_path: Path) -> Iterator[Start]:
    """Starts a provider with these variables."""
    with ExitStack() as stack:
        yield lambda **variables: stack.enter_context(running_provider(tmp_path, url=aws.url, **variables))


@pytest.fixture
def provider(start: Start) -> Provider:
    started = start(**KEYS)
    started.configure()
    return started


# What this repository adds around the bridge


def test_its_version_is_that_of_the_installed_sdk(start: Start) -> None:
    stub = start().stub
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == version("pulumi_aws")
    schema = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert (schema["version"], list(schema["resources"])) == (
        version("pulumi_aws"), ["aws:cloudformation/stack:Stack"],
    )  # fmt: skip


def test_credentials_are_checked_once_at_the_sts_of_the_endpoints(aws: AwsReader, start: Start) -> None:
    provider = start(**KEYS)
    for _ in range(2):
        assert not provider.check_config(region="us-west-2").failures
    assert aws.calls("") == ["sts.GetCallerIdentity"]


def test_credentials_are_not_checked_where_that_is_to_be_skipped(aws: AwsReader, start: Start) -> None:
    provider = start(**KEYS)
    assert not provider.check_config(region="us-west-2", skipCredentialsValidation="true").failures
    assert aws.calls("") == []


def test_refused_credentials_are_a_failure_without_the_secret(aws: AwsReader, start: Start) -> None:
    provider = start(**KEYS)
    refusal = PlannedFault(
        service="aws",
        call="sts.GetCallerIdentity",
        kind=FaultKind.STATUS,
        status=403,
        body=FaultBody.XML,
        count=9,
    )
    aws.faults.plan(refusal)
    [failure] = provider.check_config(region="us-west-2").failures
    assert failure.reason.startswith("unable to validate AWS credentials.\nDetails: ")
    assert "GetCallerIdentity" in failure.reason
    assert "403" in failure.reason
    assert "planted" not in failure.reason


@pytest.mark.parametrize(
    ("profile", "failures"), [("lab", []), ("other", ["failed to get shared config profile, other"])]
)
def test_profiles_come_from_the_files_that_are_given(
    start: Start, tmp_path: Path, profile: str, failures: list[str]
) -> None:
    file = tmp_path / "their-config"
    file.write_text("[profile lab]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n")
    checked = start().check_config(
        region="us-west-2", profile=profile, sharedConfigFiles=json.dumps([str(file)])
    )
    assert [one.reason.strip().rpartition("Details: ")[2] for one in checked.failures] == failures


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_comes_from_the_environment_where_none_is_given(start: Start, variable: str) -> None:
    provider = start(**KEYS, **{variable: "eu-west-1"})
    assert plain(provider.check_config().inputs)["region"] == "eu-west-1"
    assert plain(provider.check_config(region="us-west-2").inputs)["region"] == "us-west-2"


def test_region_and_tags_of_the_provider_are_inputs_of_a_stack(start: Start) -> None:
    provider = start(**KEYS)
    provider.configure(defaultTags='{"tags": {"team": "x"}}')
    checked = plain(provider.check(**NEWS, tags={"a": "b"}))
    assert (checked["region"], checked["tagsAll"]) == ("us-west-2", {"a": "b", "team": "x"})


# What the product rests on


def test_a_created_stack_shows_no_difference_also_after_a_read(provider: Provider) -> None:
    made = provider.create(**NEWS, tags={"a": "b"})
    assert provider.diff(made, **NEWS, tags={"a": "b"}).changes == NONE
    assert (
        provider.diff(provider.read(made, **NEWS, tags={"a": "b"}), **NEWS, tags={"a": "b"}).changes == NONE
    )


@pytest.mark.parametrize(
    ("change", "replacing"),
    [
        ({"tags": {"a": "b"}}, []),
        ({"templateBody": role_template(Path="/x/")}, []),
        ({"templateUrl": "https://x"}, []),
        ({"name": "other"}, ["name"]),
        ({"onFailure": "DELETE"}, ["onFailure"]),
        ({"region": "eu-west-1"}, ["__meta"]),
    ],
    ids=lambda value: next(iter(value), "in place") if isinstance(value, dict) else "",
)
def test_a_change_is_made_in_place_or_replaces(
    provider: Provider, change: dict[str, Any], replacing: list[str]
) -> None:
    response = provider.diff(provider.create(**NEWS), **{**NEWS, **change})
    assert (response.changes, list(response.replaces)) == (SOME, replacing)


def test_a_failed_create_hands_over_id_properties_and_reason(aws: AwsReader, provider: Provider) -> None:
    dead = rolled_back(aws, provider)
    assert ":stack/s/" in dead.id
    assert plain(dead.properties)["name"] == "s"
    assert f"({dead.id}) create: stack status (ROLLBACK_COMPLETE): " in dead.reasons[0]


def rolled_back(aws: AwsReader, provider: Provider) -> Any:
    aws.modes.apply({"stack_outcome": "roll_back"})
    with pytest.raises(grpc.RpcError) as error:
        provider.create(**NEWS)
    aws.modes.apply({"stack_outcome": "complete"})
    return half_done(error.value)


def test_a_rolled_back_stack_can_not_be_updated(aws: AwsReader, provider: Provider) -> None:
    dead = rolled_back(aws, provider)
    with pytest.raises(grpc.RpcError, match="ROLLBACK_COMPLETE state and can not be updated"):
        provider.update(dead, **NEWS)


def test_a_rolled_back_stack_reads_as_one_and_a_deleted_one_as_gone(
    aws: AwsReader, provider: Provider
) -> None:
    dead = rolled_back(aws, provider)
    assert provider.read(dead, **NEWS).id == dead.id
    provider.delete(dead)
    assert aws.status(dead.id) == "DELETE_COMPLETE"
    assert provider.read(dead, **NEWS).id == ""


def test_a_refused_create_stores_nothing(provider: Provider) -> None:
    provider.create(**NEWS)
    with pytest.raises(grpc.RpcError, match="AlreadyExistsException") as error:
        provider.create(**NEWS)
    failed: Any = error.value
    assert "grpc-status-details-bin" not in {one.key for one in failed.trailing_metadata()}
    assert "planted" not in failed.details()


def test_a_templates_url_is_never_read_back(aws: AwsReader, provider: Provider) -> None:
    link = aws.request_link()
    news = {"name": "s", "templateUrl": link.template_url, "capabilities": ["CAPABILITY_IAM"]}
    made = provider.create(**news)
    read = provider.read(made, **news)
    assert plain(read.properties)["templateUrl"] == plain(read.inputs)["templateUrl"] == link.template_url
    assert link.id in plain(read.properties)["templateBody"]


def test_an_update_sends_the_template_also_without_a_difference(aws: AwsReader, provider: Provider) -> None:
    made = provider.create(**NEWS)
    provider.update(made, **NEWS)
    assert "cloudformation.UpdateStack" in aws.calls()
    assert aws.status("s") == "CREATE_COMPLETE"


def test_a_failed_update_stores_the_new_inputs(aws: AwsReader, provider: Provider) -> None:
    made = provider.create(**NEWS)
    aws.modes.apply({"stack_outcome": "roll_back"})
    template = role_template(Path="/x/")
    with pytest.raises(grpc.RpcError) as error:
        provider.update(made, **{**NEWS, "templateBody": template})
    detail = half_done(error.value)
    assert "stack status (UPDATE_ROLLBACK_COMPLETE): " in detail.reasons[0]
    assert json.loads(plain(detail.properties)["templateBody"]) == json.loads(template)
