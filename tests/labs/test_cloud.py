"""What became of a stack, asked of a CloudFormation on this machine whose clock the test moves."""

import json
from collections.abc import Callable, Iterator

import pytest

from sandbox.faults import FaultKind, PlannedFault
from tests.sandbox.aws_clients import IAM, AwsReader, role_template
from vmc_account_link.aws_reader import AwsAccess, AwsRefused
from vmc_account_link.aws_reader import AwsReader as Reader
from vmc_account_link.errors import CommandFailed
from vmc_account_link.recovery.cloudformation import FoundStack, find_stack

NAME = "SDDC-Account-Link"
ACCOUNT = "123456789012"


@pytest.fixture
def aws() -> Iterator[AwsReader]:
    with AwsReader() as aws:
        yield aws


def recover(
    aws: AwsReader,
    sleep: Callable[[float], object],
    messages: list[str] | None = None,
    *,
    name: str = NAME,
    requested: bool = True,
) -> FoundStack | None:
    """Find the stack as recover does."""
    return find_stack(
        name,
        access=AwsAccess(
            access_key="key",
            secret_key="secret",
            endpoints={"cloudformation": aws.url, "sts": aws.url},
        ),
        account_number=ACCOUNT,
        may_be_on_its_way=requested,
        emit_progress=(messages if messages is not None else []).append,
        sleep=sleep,
    )


def make(aws: AwsReader) -> str:
    """Begin to make the stack; its id."""
    made = aws.client("cloudformation").create_stack(
        StackName=NAME, TemplateBody=role_template(), Capabilities=IAM, OnFailure="DELETE"
    )
    return str(made["StackId"])


def test_a_stack_under_way_is_waited_for(aws: AwsReader) -> None:
    stack_id, messages = make(aws), list[str]()
    found = recover(aws, lambda _: aws.clock.advance(60), messages)
    assert found is not None
    assert (found.id, found.status) == (stack_id, "CREATE_COMPLETE")
    assert json.loads(str(json.dumps(found.template))) == json.loads(role_template())
    assert messages == [f"CloudFormation stack {NAME} is CREATE_IN_PROGRESS: waiting for its end"]


def test_a_deleted_stack_is_none(aws: AwsReader) -> None:
    stack_id = make(aws)
    aws.clock.advance(100)
    aws.client("cloudformation").delete_stack(StackName=stack_id)
    aws.clock.advance(100)
    assert recover(aws, lambda _: None) is None
    # One that was being deleted is looked for by its ARN, under which CloudFormation still shows it.
    assert recover(aws, lambda _: None, name=stack_id, requested=False) is None


def test_a_stack_requested_at_the_last_moment_is_found(aws: AwsReader) -> None:
    made: list[str] = []

    def arrive(_: float) -> None:
        made.extend([] if made else [make(aws)])
        aws.clock.advance(100)

    found = recover(aws, arrive)
    assert found is not None
    assert [found.id] == made


def test_a_stack_counts_as_absent_after_a_while_or_at_once(aws: AwsReader) -> None:
    waits: list[float] = []
    assert recover(aws, waits.append) is None
    assert sum(waits) >= 10
    waits.clear()
    assert recover(aws, waits.append, requested=False) is None
    assert not waits


def test_a_stack_that_another_account_does_not_have_is_not_gone(aws: AwsReader) -> None:
    with pytest.raises(
        CommandFailed, match="belong to account 123456789012, the link to account 999999999999"
    ):
        find_stack(
            NAME,
            access=AwsAccess(
                access_key="key",
                secret_key="secret",
                endpoints={"cloudformation": aws.url, "sts": aws.url},
            ),
            account_number="999999999999",
        )


def test_a_stack_that_does_not_settle_is_left_for_later(aws: AwsReader) -> None:
    make(aws)
    with pytest.raises(CommandFailed, match="is still changing: run this again later"):
        recover(aws, lambda _: None)


def test_unreachable_aws_is_an_error_and_not_an_absence() -> None:
    access = AwsAccess(access_key="k", secret_key="s", endpoints={"cloudformation": "http://127.0.0.1:9"})
    with pytest.raises(CommandFailed, match="Nothing was changed: check the network"):
        find_stack(NAME, access=access)


@pytest.mark.parametrize("kind", [FaultKind.OK_HTML, FaultKind.OK_EMPTY, FaultKind.OK_TRUNCATED])
def test_an_answer_that_is_none_of_aws_is_no_answer(aws: AwsReader, kind: FaultKind) -> None:
    make(aws)
    aws.faults.plan(PlannedFault(service="aws", call="cloudformation.DescribeStacks", kind=kind, count=9))
    with pytest.raises(CommandFailed, match="Nothing was changed: check the network"):
        recover(aws, lambda _: None)


def test_a_caller_without_an_account_number_is_no_answer(aws: AwsReader) -> None:
    access = AwsAccess(access_key="key", secret_key="secret", endpoints={"sts": aws.url})
    assert Reader(access).caller().account == ACCOUNT
    aws.faults.plan(
        PlannedFault(service="aws", call="sts.GetCallerIdentity", kind=FaultKind.OK_EMPTY, count=9)
    )
    with pytest.raises(AwsRefused, match="whose credentials these are"):
        Reader(access).caller()
