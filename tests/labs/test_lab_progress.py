"""What a person sees of the engine's events. Pure."""

import pytest

from labs.pending import ACCOUNT_TYPE, STACK_TYPE
from labs.progress import Watch, error_line


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        pytest.param(
            ["update failed", "Exception calling application: ask VMC: 403; check the roles"],
            "ask VMC: 403; check the roles",
            id="the cause and not its consequence",
        ),
        pytest.param(
            ["1 error occurred:\n\t* creating CloudFormation Stack (Link): AccessDenied"],
            "creating CloudFormation Stack (Link): AccessDenied",
            id="without the words of the libraries below",
        ),
        pytest.param(
            [
                "AWS may have made the stack all the same: run this",
                "1 error occurred:\n\t* creating CloudFormation Stack (Link): deserialization failed",
            ],
            "creating CloudFormation Stack (Link): deserialization failed",
            id="what went wrong before what to do",
        ),
        pytest.param(["update failed"], "update failed", id="a consequence where there is nothing else"),
        pytest.param([], "the engine ended without a reason: see the log", id="never nothing"),
        pytest.param(
            ["get https://bucket.s3.amazonaws.com/t?X-Amz-Signature=abc 403"],
            "get https://bucket.s3.amazonaws.com/t 403",
            id="no signed URL",
        ),
    ],
)
def test_an_error_is_one_line(messages: list[str], line: str) -> None:
    assert error_line(messages) == line


def test_the_phase_follows_the_resources() -> None:
    watch = Watch()
    told = [
        watch.take({"resourcePreEvent": {"metadata": {"type": STACK_TYPE, "op": "create"}}}),
        watch.take({"resourcePreEvent": {"metadata": {"type": "other", "op": "create"}}}),
        watch.take({"diagnosticEvent": {"severity": "info", "message": "AWS account 1 is PENDING"}}),
    ]
    assert (watch.phase, told) == ("stack", ["creating the stack", None, "AWS account 1 is PENDING"])
    watch.take({"resourcePreEvent": {"metadata": {"type": ACCOUNT_TYPE, "op": "create"}}})
    assert watch.phase == "connect", "from here on Ctrl-C may end it"
