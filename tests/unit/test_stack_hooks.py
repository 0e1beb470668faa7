"""What is said to a stack that could not be made."""

import pytest

from vmc_account_link.stack_hooks import what_to_do

CREATING = "creating CloudFormation Stack (SDDC-Account-Link): operation error CloudFormation: CreateStack, "
HTTP_ERROR = CREATING + "https response error StatusCode: {}, RequestID: r, "
TAKEN = HTTP_ERROR.format(400) + "AlreadyExistsException: Stack [SDDC-Account-Link] already exists"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(
            HTTP_ERROR.format(200) + "deserialization failed, failed to decode response body", id="garbled"
        ),
        pytest.param(HTTP_ERROR.format(500) + "api error InternalFailure: ", id="AWS broke down"),
        pytest.param(HTTP_ERROR.format(408) + "api error RequestTimeout: ", id="AWS gave up"),
        pytest.param(HTTP_ERROR.format(0) + "request send failed: connection reset by peer", id="cut off"),
        pytest.param(CREATING + "context canceled", id="interrupted"),
        pytest.param(
            "reading CloudFormation Stack () template: operation error CloudFormation: GetTemplate, "
            "https response error StatusCode: 400, RequestID: r, api error ValidationError: no such stack",
            id="a success with nothing in it",
        ),
    ],
)
def test_where_no_answer_came_the_stack_may_be_there_and_recover_finds_out(error: str) -> None:
    said = what_to_do(error, "team-01")
    assert said is not None
    assert (
        "AWS may have created the CloudFormation stack all the same: "
        "`vmc-account-link recover --stack team-01`" in said
    )
    assert "before the next `pulumi up` or `pulumi destroy`" in said


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(HTTP_ERROR.format(403) + "api error AccessDenied: no", id="refused"),
        pytest.param(HTTP_ERROR.format(429) + "api error Throttling: Rate exceeded", id="throttled"),
        pytest.param(CREATING + "get identity: get credentials: no EC2 IMDS role found", id="no credentials"),
        pytest.param(
            "waiting for CloudFormation Stack (arn:x) create: stack status (ROLLBACK_COMPLETE): no",
            id="made and failed",
        ),
        pytest.param("before hook failed: its link expired", id="not requested"),
        pytest.param("", id="nothing"),
    ],
)
def test_where_the_stack_was_not_made_or_is_known_nothing_is_added(error: str) -> None:
    assert what_to_do(error, "team-01") is None


def test_a_taken_name_may_be_ours() -> None:
    said = what_to_do(TAKEN, "team-01")
    assert said is not None
    assert "it is ours: `vmc-account-link recover --stack team-01` takes it in" in said
    assert "If not, choose another vmc-account-link:stackName" in said
