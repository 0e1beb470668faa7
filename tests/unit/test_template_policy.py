"""The policy of the configuration: what it may be, and a template checked against it."""

import pytest

from sandbox.modes import TemplateKind
from sandbox.vmc.template import template_text
from vmc_account_link.errors import SettingsError, TemplateRejected
from vmc_account_link.template.policy import enforce_policy, read_policy
from vmc_account_link.template.report import TemplatePolicy

TEMPLATE = template_text(TemplateKind.NORMAL, link_id="l", org_id="o")
TYPES = ["AWS::IAM::Role", "AWS::Lambda::Function", "Custom::*"]
ACCOUNTS = ["000000000101", "000000000102", "000000000103"]


def test_what_is_left_out_does_not_limit_and_an_empty_list_allows_nothing() -> None:
    assert read_policy(None) == read_policy({}) == TemplatePolicy()
    policy = read_policy({"resourceTypes": [], "trustedAccounts": ACCOUNTS})
    assert read_policy({"trustedAccounts": [123456789012]}).trusted_accounts == frozenset({"123456789012"})
    assert policy == TemplatePolicy(resource_types=frozenset(), trusted_accounts=frozenset(ACCOUNTS))


@pytest.mark.parametrize(
    ("wire", "named"),
    [
        ({"resource_types": TYPES}, "resourceTypes and trustedAccounts"),
        ("AWS::IAM::Role", ": it is not an object of lists. Its keys are resourceTypes and trustedAccounts."),
        (
            {"resourceTypes": "AWS::IAM::Role"},
            "templatePolicy.resourceTypes: it is not a list of texts. Set it as a list.",
        ),
        ({"trustedAccounts": [True]}, "templatePolicy.trustedAccounts: it is not a list of texts."),
        (
            {"trustedAccounts": [101]},
            "101 is not an AWS account. Each is a text of 12 digits: put the 12 digits in quotes, for YAML",
        ),
        ({"trustedAccounts": ["101"]}, "101 is not an AWS account"),
    ],
)
def test_a_policy_that_is_misspelt_is_not_one_that_allows_everything(wire: object, named: str) -> None:
    with pytest.raises(SettingsError, match=r"templatePolicy") as refusal:
        read_policy(wire)
    assert named in str(refusal.value)


def test_what_fits_is_reported_in_a_few_lines() -> None:
    lines = enforce_policy(TEMPLATE, read_policy({"resourceTypes": TYPES, "trustedAccounts": ACCOUNTS}))
    assert lines == enforce_policy(TEMPLATE, TemplatePolicy())
    assert 3 <= len(lines) <= 8
    assert any("000000000101" in line and "RemoteRole" in line for line in lines)


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({"resourceTypes": TYPES[:2]}, "Custom::VmcAccountLink is not allowed"),
        ({"trustedAccounts": ACCOUNTS[:2]}, "000000000103"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(policy: object, named: str) -> None:
    with pytest.raises(TemplateRejected) as refusal:
        enforce_policy(TEMPLATE, read_policy(policy))
    assert named in str(refusal.value)
    assert "vmc-account-link inspect" in str(refusal.value)


def test_a_rejection_names_all_violations_and_the_next_command() -> None:
    with pytest.raises(TemplateRejected) as refusal:
        enforce_policy(TEMPLATE, read_policy({"resourceTypes": ["AWS::IAM::Role"]}))
    assert str(refusal.value).endswith(
        ": LinkFunction: type AWS::Lambda::Function is not allowed; AccountLink: type Custom::VmcAccountLink "
        "is not allowed. Nothing was created; look at it (`vmc-account-link inspect`) before you allow more."
    )
