"""Promise: stacks behave as AWS's do. Real: boto3 over HTTP, moto's services; the clock is moved by hand."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.faults import FaultBody, FaultKind, PlannedFault
from tests.sandbox.aws_clients import IAM, AwsReader, role_template


@pytest.fixture
def aws() -> Iterator[AwsReader]:
    with AwsReader() as running:
        yield running


@pytest.fixture
def cloudformation(aws: AwsReader) -> Any:
    return aws.client("cloudformation")


def refusal(call: Any, **request: Any) -> str:
    """The code and message of a refused call."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def reasons(cloudformation: Any, stack: str) -> dict[str, str]:
    """Status of each event that has a reason -> the reason."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return {
        one["ResourceStatus"]: one["ResourceStatusReason"] for one in events if "ResourceStatusReason" in one
    }


def test_a_stack_is_in_progress_until_its_time_has_passed(aws: AwsReader, cloudformation: Any) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=role_template(), Capabilities=IAM)
    aws.clock.advance(99)
    assert aws.status("s") == "CREATE_IN_PROGRESS"
    aws.clock.advance(1)
    assert aws.status("s") == "CREATE_COMPLETE"


def test_a_deleted_stack_answers_by_its_arn_only(aws: AwsReader, cloudformation: Any) -> None:
    arn = cloudformation.create_stack(StackName="s", TemplateBody=role_template(), Capabilities=IAM)[
        "StackId"
    ]
    aws.clock.advance(100)
    cloudformation.delete_stack(StackName="s")
    assert aws.status("s") == "DELETE_IN_PROGRESS"
    aws.clock.advance(100)
    assert aws.status(arn) == "DELETE_COMPLETE"
    gone = refusal(cloudformation.describe_stacks, StackName="s")
    assert gone == "ValidationError: Stack with id s does not exist"
    cloudformation.delete_stack(StackName="s")
    assert [one["StackStatus"] for one in cloudformation.list_stacks()["StackSummaries"]] == [
        "DELETE_COMPLETE"
    ]


def test_the_links_template_makes_roles_and_connects_the_account(aws: AwsReader, cloudformation: Any) -> None:
    link = aws.request_link()
    cloudformation.create_stack(StackName="Link", TemplateURL=link.template_url, Capabilities=IAM)
    aws.clock.advance(100)
    stack = cloudformation.describe_stacks(StackName="Link")["Stacks"][0]
    [run] = aws.links.links()[0].runs
    assert (run.account_number, run.stack_name) == ("123456789012", "Link")
    assert sorted(run.role_arns) == ["RemoteRole", "RemoteRolePayer", "RemoteRoleService"]
    assert stack["Outputs"][0]["OutputValue"] == run.role_arns["RemoteRole"]
    assert [re.sub("-[A-Z0-9]{12}$", "", name) for name in aws.role_names()] == [
        "Link-BasicLambdaRole",
        "Link-RemoteRole",
        "Link-RemoteRolePayer",
        "Link-RemoteRoleService",
    ]
    cloudformation.delete_stack(StackName="Link")
    assert aws.role_names() == []
    assert len(aws.links.links()[0].runs) == 1


def test_a_refused_link_rolls_the_stack_back(aws: AwsReader, cloudformation: Any) -> None:
    link = aws.request_link()
    body = aws.links.template_text(link.id)
    aws.clock.advance(100_000)
    cloudformation.create_stack(StackName="Link", TemplateBody=body, Capabilities=IAM)
    assert aws.status("Link") == "CREATE_IN_PROGRESS"
    aws.clock.advance(50)
    assert aws.status("Link") == "ROLLBACK_IN_PROGRESS"
    aws.clock.advance(50)
    assert aws.status("Link") == "ROLLBACK_COMPLETE"
    said = reasons(cloudformation, "Link")["CREATE_FAILED"]
    assert said.startswith(
        "Received response status [FAILED] from custom resource. Message returned: the link"
    )
    assert "expired" in said
    assert aws.role_names() == []


def test_a_rolled_back_stack_must_be_deleted_before_its_name_is_free(
    aws: AwsReader, cloudformation: Any
) -> None:
    aws.modes.apply({"stack_outcome": "roll_back"})
    request = {"StackName": "s", "TemplateBody": role_template(), "Capabilities": IAM}
    arn = cloudformation.create_stack(**request)["StackId"]
    aws.clock.advance(100)
    aws.modes.apply({"stack_outcome": "complete"})
    exists = refusal(cloudformation.create_stack, **request)
    assert exists == "AlreadyExistsException: Stack [s] already exists"
    dead = refusal(cloudformation.update_stack, **request)
    assert dead == f"ValidationError: Stack:{arn} is in ROLLBACK_COMPLETE state and can not be updated."
    cloudformation.delete_stack(StackName="s")
    aws.clock.advance(100)
    cloudformation.create_stack(**request)
    aws.clock.advance(100)
    assert aws.status("s") == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("on_failure", "last", "roles"),
    [("DO_NOTHING", "CREATE_FAILED", 1), ("DELETE", "DELETE_COMPLETE", 0)],
    ids=["do nothing leaves the resources", "delete removes the stack"],
)
def test_on_failure_decides_how_a_failed_create_ends(
    aws: AwsReader, cloudformation: Any, on_failure: str, last: str, roles: int
) -> None:
    aws.modes.apply({"stack_outcome": "roll_back"})
    body = role_template()
    arn = cloudformation.create_stack(
        StackName="s", TemplateBody=body, Capabilities=IAM, OnFailure=on_failure
    )
    aws.clock.advance(100)
    assert aws.status(arn["StackId"]) == last
    assert len(aws.role_names()) == roles


def test_a_failed_update_keeps_the_old_template(aws: AwsReader, cloudformation: Any) -> None:
    first, second = aws.request_link(), aws.request_link()
    cloudformation.create_stack(StackName="Link", TemplateURL=first.template_url, Capabilities=IAM)
    aws.clock.advance(100)
    roles = aws.role_names()
    aws.modes.apply({"stack_outcome": "roll_back"})
    cloudformation.update_stack(StackName="Link", TemplateURL=second.template_url, Capabilities=IAM)
    assert aws.status("Link") == "UPDATE_IN_PROGRESS"
    busy = refusal(cloudformation.update_stack, StackName="Link", UsePreviousTemplate=True, Capabilities=IAM)
    assert busy.endswith("is in UPDATE_IN_PROGRESS state and can not be updated.")
    assert "cannot be deleted while in status" in refusal(cloudformation.delete_stack, StackName="Link")
    aws.clock.advance(100)
    assert aws.status("Link") == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom resource" in reasons(cloudformation, "Link")["UPDATE_FAILED"]
    assert first.id in str(cloudformation.get_template(StackName="Link")["TemplateBody"])
    assert aws.role_names() == roles
    aws.modes.apply({"stack_outcome": "complete"})
    cloudformation.update_stack(StackName="Link", TemplateURL=second.template_url, Capabilities=IAM)
    assert [len(link.runs) for link in aws.links.links()] == [1, 1]


def test_an_update_runs_the_link_again_only_when_the_link_changed(
    aws: AwsReader, cloudformation: Any
) -> None:
    first, second = aws.request_link(), aws.request_link()
    cloudformation.create_stack(StackName="Link", TemplateURL=first.template_url, Capabilities=IAM)
    aws.clock.advance(100)
    tags = [{"Key": "a", "Value": "b"}]
    cloudformation.update_stack(StackName="Link", UsePreviousTemplate=True, Capabilities=IAM, Tags=tags)
    aws.clock.advance(100)
    assert [len(link.runs) for link in aws.links.links()] == [1, 0]
    cloudformation.update_stack(StackName="Link", TemplateURL=second.template_url, Capabilities=IAM)
    aws.clock.advance(100)
    assert [len(link.runs) for link in aws.links.links()] == [1, 1]
    assert aws.links.links()[1].runs[0].role_arns == aws.links.links()[0].runs[0].role_arns
    assert cloudformation.describe_stacks(StackName="Link")["Stacks"][0]["Tags"] == tags


def test_an_update_without_a_change_is_refused(aws: AwsReader, cloudformation: Any) -> None:
    request = {"StackName": "s", "TemplateBody": role_template(), "Capabilities": IAM}
    cloudformation.create_stack(**request)
    aws.clock.advance(100)
    same = refusal(cloudformation.update_stack, **request)
    assert same == "ValidationError: No updates are to be performed."
    cloudformation.update_stack(**{**request, "TemplateBody": role_template(Path="/x/")})
    assert aws.status("s") == "UPDATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("properties", "acknowledged", "needed"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"RoleName": "n"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        ({}, ["CAPABILITY_IAM"], None),
        ({}, ["CAPABILITY_NAMED_IAM"], None),
        ({"RoleName": "n"}, ["CAPABILITY_NAMED_IAM"], None),
    ],
    ids=["nothing acknowledged", "a named role", "accepted", "named covers more", "a named role accepted"],
)
def test_iam_resources_need_to_be_acknowledged(
    cloudformation: Any, properties: dict[str, str], acknowledged: list[str], needed: str | None
) -> None:
    request = {"StackName": "s", "TemplateBody": role_template(**properties), "Capabilities": acknowledged}
    if needed is None:
        cloudformation.create_stack(**request)
    else:
        said = refusal(cloudformation.create_stack, **request)
        assert said == f"InsufficientCapabilitiesException: Requires capabilities : [{needed}]"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<!doctype html>\n<html><head></head></html>", "Template format error: unsupported structure."),
        ("Resources: [", r"Template format error: YAML not well-formed. \(line 1, column \d+\)"),
        ("{}", "Template format error: At least one Resources member must be defined."),
        (
            '{"Resources": {"A": {"Type": "AWS::No::Such"}}}',
            r".*Unrecognized resource types: \[AWS::No::Such\]",
        ),
        ("Resources: {A: {Type: 'AWS::SNS::Topic'}}" + " " * 51_200, ".*length less than or equal to 51200"),
    ],
    ids=["a web page", "broken YAML", "no resources", "an unknown type", "too large"],
)
def test_a_body_that_is_no_template_is_refused(cloudformation: Any, body: str, said: str) -> None:
    assert re.fullmatch(
        f"ValidationError: (.*){said}", refusal(cloudformation.create_stack, StackName="s", TemplateBody=body)
    )


def test_a_large_template_is_accepted_by_its_url(aws: AwsReader, cloudformation: Any) -> None:
    aws.modes.apply({"template": "large"})
    link = aws.request_link()
    cloudformation.create_stack(StackName="Link", TemplateURL=link.template_url, Capabilities=IAM)
    assert len(aws.links.links()[0].runs) == 1


def test_an_expired_links_url_is_denied_by_s3(aws: AwsReader, cloudformation: Any) -> None:
    link = aws.request_link()
    aws.clock.advance(100_000)
    denied = refusal(cloudformation.create_stack, StackName="s", TemplateURL=link.template_url)
    assert denied.startswith("ValidationError: S3 error: Access Denied\nFor more information check ")
    foreign = refusal(cloudformation.create_stack, StackName="s", TemplateURL="https://example.net/t")
    assert foreign == "ValidationError: TemplateURL must be a supported URL."


def test_a_template_in_s3_is_found_there(aws: AwsReader, cloudformation: Any) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="templates", Key="t", Body=role_template())
    url = "https://templates.s3.us-west-2.amazonaws.com/"
    cloudformation.create_stack(StackName="s", TemplateURL=f"{url}t", Capabilities=IAM)
    assert len(aws.role_names()) == 1
    missing = refusal(cloudformation.create_stack, StackName="t", TemplateURL=f"{url}none")
    assert missing.startswith("ValidationError: S3 error: Access Denied")


def test_parameters_must_be_complete_and_known(aws: AwsReader, cloudformation: Any) -> None:
    body = (
        "Parameters: {Path: {Type: String}, Secret: {Type: String, NoEcho: true, Default: hidden}}\n"
        "Resources: {Role: {Type: 'AWS::IAM::Role', Properties: "
        "{Path: !Ref Path, AssumeRolePolicyDocument: {}}}}"
    )
    request = {"StackName": "s", "TemplateBody": body, "Capabilities": IAM}
    missing = refusal(cloudformation.create_stack, **request)
    assert missing == "ValidationError: Parameters: [Path] must have values"
    one = {"ParameterKey": "Path", "ParameterValue": "/x/"}
    extra = refusal(cloudformation.create_stack, **request, Parameters=[one, {**one, "ParameterKey": "No"}])
    assert extra == "ValidationError: Parameters: [No] do not exist in the template"
    cloudformation.create_stack(**request, Parameters=[one])
    assert aws.client("iam").list_roles()["Roles"][0]["Path"] == "/x/"
    shown = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["Parameters"]
    assert shown == [one, {"ParameterKey": "Secret", "ParameterValue": "****"}]


def test_a_create_that_is_sent_again_makes_one_stack(cloudformation: Any) -> None:
    request = {"StackName": "s", "TemplateBody": role_template(), "Capabilities": IAM}
    first = cloudformation.create_stack(**request, ClientRequestToken="t")["StackId"]
    assert cloudformation.create_stack(**request, ClientRequestToken="t")["StackId"] == first
    assert refusal(cloudformation.create_stack, **request, ClientRequestToken="u").startswith("AlreadyExists")


def test_a_stack_deleted_while_it_is_created_shows_no_completion(aws: AwsReader, cloudformation: Any) -> None:
    arn = cloudformation.create_stack(StackName="s", TemplateBody=role_template(), Capabilities=IAM)[
        "StackId"
    ]
    aws.clock.advance(10)
    cloudformation.delete_stack(StackName="s")
    aws.clock.advance(100)
    events = cloudformation.describe_stack_events(StackName=arn)["StackEvents"]
    assert [one["ResourceStatus"] for one in events if one["PhysicalResourceId"] == arn] == [
        "DELETE_COMPLETE",
        "DELETE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
    ]


def test_a_stack_that_can_not_lose_a_resource_ends_delete_failed(aws: AwsReader, cloudformation: Any) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=role_template(), Capabilities=IAM)
    aws.clock.advance(100)
    [role] = aws.role_names()
    arn = aws.attach_policy(role)
    cloudformation.delete_stack(StackName="s")
    aws.clock.advance(100)
    assert aws.status("s") == "DELETE_FAILED"
    aws.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)
    cloudformation.delete_stack(StackName="s")
    assert aws.role_names() == []


def test_accounts_and_regions_have_stacks_of_their_own(aws: AwsReader, cloudformation: Any) -> None:
    arn = "arn:aws:iam::111111111111:role/lab"
    got = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="lab")["Credentials"]
    keys = {
        "aws_access_key_id": got["AccessKeyId"],
        "aws_secret_access_key": got["SecretAccessKey"],
        "aws_session_token": got["SessionToken"],
    }
    link = aws.request_link()
    other = aws.client("cloudformation", **keys)
    other.create_stack(StackName="Link", TemplateURL=link.template_url, Capabilities=IAM)
    assert aws.client("sts", **keys).get_caller_identity()["Account"] == "111111111111"
    assert aws.links.links()[0].runs[0].account_number == "111111111111"
    assert cloudformation.describe_stacks()["Stacks"] == []
    assert aws.role_names() == []


def test_every_call_is_journaled_and_can_be_spoiled(aws: AwsReader, cloudformation: Any) -> None:
    fault = PlannedFault(
        service="aws",
        call="cloudformation.CreateStack",
        kind=FaultKind.STATUS,
        status=400,
        body=FaultBody.XML,
        error_code="Throttling",
    )
    aws.faults.plan(fault)
    request = {"StackName": "s", "TemplateBody": role_template(), "Capabilities": IAM}
    assert refusal(cloudformation.create_stack, **request).startswith("Throttling")
    cloudformation.create_stack(**request)
    aws.client("sts").get_caller_identity()
    found = [(one.call, one.status, one.fault) for one in aws.journal.entries()]
    assert found == [
        ("cloudformation.CreateStack", 400, "status"),
        ("cloudformation.CreateStack", 200, None),
        ("sts.GetCallerIdentity", 200, None),
    ]


def test_a_second_sandbox_of_a_process_starts_empty(cloudformation: Any) -> None:
    cloudformation.create_stack(StackName="s", TemplateBody=role_template(), Capabilities=IAM)
    with AwsReader() as another:
        assert another.role_names() == []
        assert another.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_resources_and_summary_of_a_stack_are_listed(aws: AwsReader, cloudformation: Any) -> None:
    link = aws.request_link()
    cloudformation.create_stack(StackName="Link", TemplateURL=link.template_url, Capabilities=IAM)
    types = {
        one["LogicalResourceId"]: one["ResourceType"]
        for one in cloudformation.list_stack_resources(StackName="Link")["StackResourceSummaries"]
    }
    assert types["AccountLink"] == "Custom::VmcAccountLink"
    role = cloudformation.describe_stack_resource(StackName="Link", LogicalResourceId="RemoteRole")
    assert role["StackResourceDetail"]["PhysicalResourceId"] in aws.role_names()
    summary = cloudformation.get_template_summary(TemplateURL=link.template_url)
    assert summary["Capabilities"] == ["CAPABILITY_IAM"]
    assert "Custom::VmcAccountLink" in summary["ResourceTypes"]
