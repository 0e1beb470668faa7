"""What the user sees of the engine's events. Pure."""

import pytest

from vmc_account_link.resource_types import CONNECTION_WAIT, STACK
from vmc_labs.engine.events import Watch, error_line

# As the engine sent them with the real provider (tests/engine/test_one_line.py keeps them true).
URN = "urn:pulumi:lab::project::vmc-account-link:index:AccountLink$aws:cloudformation/stack:Stack::link-stack"
DENIED = (
    "creating CloudFormation Stack (Link): operation error CloudFormation: CreateStack, https response error "
    "StatusCode: 403, RequestID: 00000000-0000-0000-0000-000000000000, api error AccessDenied: Not you."
)
ROLLED_BACK = (
    "waiting for CloudFormation Stack (arn:aws:cloudformation:us-west-2:123456789012:stack/Link/1) create: "
    "stack status (DELETE_COMPLETE): The following resource(s) failed to create: [AccountLink]. Delete "
    "requested by user.\nReceived response status [FAILED] from custom resource. Message returned: it broke."
)


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        pytest.param(
            [
                "update failed\n",
                "Resource monitor has terminated, shutting down\n",
                "ask VMC: 403; check the roles\n",
            ],
            "ask VMC: 403; check the roles",
            id="the cause and not its consequence",
        ),
        pytest.param(
            [f"  sdk-v2/provider2.go:572: sdk.helper_schema: {DENIED}: provider=aws@7.51.1\n"],
            DENIED,
            id="as the AWS provider logs it",
        ),
        pytest.param([f"1 error occurred:\n\t* {DENIED}\n\n\n"], DENIED, id="as the AWS provider answers"),
        pytest.param(
            [f"creating {URN}: 1 error occurred:\n\t* {ROLLED_BACK}\n\n\n\n\n"],
            " ".join(ROLLED_BACK.split()),
            id="a resource that was made half-way",
        ),
        pytest.param(
            [
                f"1 error occurred:\n\t* creating {URN}: 1 error occurred:\n\t* {ROLLED_BACK}\n\n\n\n\n",
                "update failed\n",
            ],
            " ".join(ROLLED_BACK.split()),
            id="with the engine's own list around it",
        ),
        pytest.param(
            [
                "AWS may have created the CloudFormation stack all the same: run this",
                "1 error occurred:\n\t* creating CloudFormation Stack (Link): deserialization failed",
            ],
            "creating CloudFormation Stack (Link): deserialization failed",
            id="what went wrong before what to do",
        ),
        pytest.param(["update failed"], "update failed", id="a consequence where there is nothing else"),
        pytest.param([], "the engine ended without a reason: see the log", id="never nothing"),
        pytest.param(
            ["get https://bucket.s3.amazonaws.com/t?X-Amz-Signature=abc 403"],
            "get https://bucket.s3.amazonaws.com 403",
            id="no signed URL",
        ),
    ],
)
def test_an_error_is_one_line(messages: list[str], line: str) -> None:
    assert error_line(messages) == line


def test_the_phase_follows_the_resources() -> None:
    watch = Watch()
    shown = [
        watch.take({"resourcePreEvent": {"metadata": {"type": STACK, "op": "create"}}}),
        watch.take({"resourcePreEvent": {"metadata": {"type": "other", "op": "create"}}}),
        watch.take({"diagnosticEvent": {"severity": "info", "message": "AWS account 1 is PENDING"}}),
    ]
    assert (watch.phase, shown) == (
        "stack",
        ["creating the CloudFormation stack", None, "AWS account 1 is PENDING"],
    )
    watch.take({"resourcePreEvent": {"metadata": {"type": CONNECTION_WAIT, "op": "create"}}})
    assert watch.phase == "connect", "from here on Ctrl-C may end it"
