"""What is said of a stack at the end of a destroy. Real: boto3 and the emulated AWS."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import StackLeft
from vmc_account_link.recovery.stack_left import LinkStack

OURS = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "ours"}}}}'
PROPS = {
    "stack_name": "Lab",
    "account_number": ACCOUNT,
    "template_body": OURS,
    "aws_access": {"region": "us-west-2"},
}


def test_a_stack_that_is_gone_leaves_nothing_to_say(aws: Any) -> None:
    assert LinkStack(PROPS).refuse_left() is None


def test_the_links_own_stack_is_named(aws: Any) -> None:
    stack_id = aws.create_stack(StackName="Lab", TemplateBody=OURS)["StackId"]
    with pytest.raises(StackLeft) as left:
        LinkStack(PROPS).refuse_left()
    for text in ("CloudFormation stack Lab", ACCOUNT, stack_id, "termination protection", "recover"):
        assert text in str(left.value)


def test_aws_is_asked_once_whose_credentials_these_are(aws: Any, control: SandboxControl) -> None:
    stack = LinkStack({**PROPS, "requested_at": datetime.now(UTC).isoformat()})
    assert not stack.name_was_taken()
    assert stack.refuse_left() is None
    assert [entry.call for entry in control.journal(service="aws")] == [
        "sts.GetCallerIdentity",
        "cloudformation.DescribeStacks",
        "cloudformation.DescribeStacks",
    ]


def test_another_stack_of_that_name_is_not_the_links(aws: Any) -> None:
    aws.create_stack(StackName="Lab", TemplateBody=OURS.replace("ours", "theirs"))
    assert LinkStack(PROPS).refuse_left() is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"account_number": "210987654321"},
            "belong to account 123456789012, the link to account 210987654321",
        ),
        ({"aws_access": {"region": "us-west-2", "profile": "nobody"}}, "nobody"),
        ({"aws_access": {"region": "us-west-2", "endpoints": "no list"}}, "aws:endpoints"),
    ],
)
def test_what_could_not_be_asked_is_said(aws: Any, changes: dict[str, Any], why: str) -> None:
    note = LinkStack({**PROPS, **changes}).refuse_left() or ""
    assert note.startswith("whether AWS account")
    assert why in note
