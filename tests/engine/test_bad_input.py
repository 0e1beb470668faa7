"""Bad input on the real engine: one line that names the key or the cause, nothing made, no traceback."""

import time

import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.engine


def fails_naming(lab: Lab, *named: str) -> str:
    """Run `up`, which must fail with one line holding all of `named`, and with nothing made anywhere."""
    failed = lab.fail_up()
    lines = [line for line in failed.error_lines() if all(name in line for name in named)]
    assert lines, f"no error line names {named}:\n{failed.output}"
    assert "cloudformation.CreateStack" not in lab.calls()
    assert lab.control.connected_accounts() == ()
    assert not {"Stack", "LinkRequest", "ConnectedAccount"} & set(lab.resources())
    return lines[0]


def test_a_missing_token_is_named(lab: Lab) -> None:
    lab.environment["API_TOKEN"] = ""
    fails_naming(lab, "vmc:refreshToken")
    assert lab.calls() == []


def test_a_missing_organisation_is_named_where_the_token_sees_several(lab: Lab) -> None:
    lab.environment["ORG_ID"] = ""
    lab.control.set_modes(visible_organizations=2)
    fails_naming(lab, "vmc:orgId")
    preview = lab.run("preview")
    assert preview.code != 0
    assert "vmc:orgId" in preview.output
    assert "Traceback" not in preview.output
    assert "request-link" not in lab.calls()


def test_a_wrong_token_is_refused_without_being_quoted(lab: Lab) -> None:
    lab.environment["API_TOKEN"] = "planted-wrong-token-0123456789"
    line = fails_naming(lab, "vmc:refreshToken", "400")
    assert "planted" not in line


def test_a_number_that_is_none_is_named(lab: Lab) -> None:
    lab.set({"linkTimeoutMinutes": "soon"})
    fails_naming(lab, "linkTimeoutMinutes", "integer")
    assert lab.calls() == []


def test_a_wait_of_no_time_is_named(lab: Lab) -> None:
    lab.set({"linkTimeoutMinutes": "0"})
    fails_naming(lab, "vmc-account-link:linkTimeoutMinutes", "too short")


def test_a_host_that_does_not_answer_is_named(lab: Lab) -> None:
    lab.environment["VMC_URL"] = "http://127.0.0.1:9"
    fails_naming(lab, "http://127.0.0.1:9", "can't be reached")


def test_another_aws_account_than_the_given_one_is_named(lab: Lab) -> None:
    lab.set({"awsAccountId": "999999999999"})
    fails_naming(lab, "awsAccountId", "999999999999", "123456789012")
    assert lab.calls(service="vmc") == []


@pytest.mark.parametrize(
    ("fault", "account"),
    [
        pytest.param(fault, account, id=f"{fault}-{account}", marks=[pytest.mark.whole] if is_more else [])
        for number, fault in enumerate(("InvalidClientTokenId", "ExpiredToken", "unreachable", "empty"))
        for account, is_more in ((None, number % 2 == 1), ("123456789012", number % 2 == 0))
    ],
)
def test_credentials_that_aws_does_not_take_are_an_error_of_one_line(
    lab: Lab, fault: str, account: str | None
) -> None:
    if account:
        lab.set({"awsAccountId": account})
    match fault:
        case "unreachable":
            lab.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
        case "empty":
            lab.control.plan_fault("aws", "sts.GetCallerIdentity", "ok_empty", count=99)
        case code:
            lab.control.plan_fault(
                "aws", "sts.GetCallerIdentity", "status", status=403, body="xml", error_code=code, count=99
            )
    requested = "ask AWS whose credentials these are"
    line = fails_naming(lab, requested)
    assert "sandbox-secret-key" not in line
    said = [line for line in lab.run("preview").error_lines() if "program exited" not in line]
    assert len(said) == 1
    assert requested in said[0]
    assert set(lab.calls(service="aws")) <= {"sts.GetCallerIdentity"}
    assert "request-link" not in lab.calls()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"AWS_PROFILE": "nope"}, "there is no AWS profile nope", id="no such profile"),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "there are none", id="no credentials"
        ),
    ],
)
def test_missing_credentials_are_an_error_of_one_line(
    lab: Lab, environment: dict[str, str], said: str
) -> None:
    lab.environment |= environment
    fails_naming(lab, "find AWS credentials", said)
    assert lab.calls(service="aws") == []


def test_a_call_to_aws_that_keeps_failing_is_given_up_soon(lab: Lab) -> None:
    lab.control.plan_fault("aws", "cloudformation.CreateStack", "status", status=503, body="xml", count=99)
    before = time.monotonic()
    failed = lab.fail_up()
    assert time.monotonic() - before < 60
    assert lab.calls().count("cloudformation.CreateStack") == 5
    assert "AWS may have created the CloudFormation stack all the same" in failed.output


def test_the_caller_is_read_five_times_at_most(lab: Lab) -> None:
    lab.control.plan_fault("aws", "sts.GetCallerIdentity", "status", status=503, body="xml", count=99)
    fails_naming(lab, "ask AWS whose credentials these are")
    assert lab.calls() == ["sts.GetCallerIdentity"] * 5


def test_a_mistaken_change_of_organisation_is_refused_and_the_link_stays(lab: Lab) -> None:
    lab.up()
    lab.environment["ORG_ID"] = "00000000-0000-4000-8000-000000000000"
    failed = lab.fail_up()
    assert "it can't be moved" in failed.output
    assert "unlink" not in lab.calls()
    assert len(lab.control.connected_accounts()) == 1
