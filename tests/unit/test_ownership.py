"""Whose link is it: another organisation's, another account's, another stack's. Pure."""

from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord
from vmc_account_link.errors import AlreadyLinked, SettingsError
from vmc_account_link.link.ownership import (
    find_account,
    identity_failures,
    refuse_another_stacks_link,
    same_organisation,
    was_created_by,
)
from vmc_account_link.settings import VmcSettings, read_settings

ORG = "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"
HELD = {"org_id": ORG, "account_number": "123456789012"}


def settings() -> VmcSettings:
    return read_settings({"vmc:orgId": ORG, "vmc:refreshToken": "planted"}.get, {})


def record(state: str = "ACTIVE", stack: str = "theirs", name: str = "record") -> AccountRecord:
    return AccountRecord(id=name, account_number="123456789012", cf_stack_name=stack, state=state)


@pytest.mark.parametrize(
    ("change", "rejected"),
    [
        ({}, {}),
        ({"org_id": "other"}, {"org_id": f"organisation {ORG}"}),
        ({"account_number": "999999999999"}, {"account_number": "AWS account 123456789012"}),
        ({"account_number": object()}, {}),
    ],
    ids=["the same", "another organisation", "another account", "an account that is not known yet"],
)
def test_a_link_is_not_moved_to_another_organisation_or_account(
    change: dict[str, Any], rejected: dict[str, str]
) -> None:
    failures = {one.property: one.reason for one in identity_failures(HELD, {**HELD, **change})}
    assert failures == {
        key: f"this Pulumi stack holds a link of {held}, and it can't be moved: "
        "use the old settings and credentials, or another Pulumi stack"
        for key, held in rejected.items()
    }


def test_a_first_link_may_be_of_any_account() -> None:
    assert identity_failures({}, HELD) == []


def test_what_a_state_holds_is_not_looked_for_in_another_organisation() -> None:
    same_organisation(settings(), HELD)
    with pytest.raises(SettingsError) as refusal:
        same_organisation(settings(), {**HELD, "org_id": "other"})
    assert str(refusal.value) == (
        f"vmc:orgId: this Pulumi stack holds a link of organisation other, not {ORG}. "
        "Nothing was changed: set it back (vmc:orgId or ORG_ID)."
    )


def test_the_live_record_of_an_account_is_found_in_any_order() -> None:
    records = [record("DELETED"), record("BROKEN", name="broken"), record(name="active")]
    for ordering in (records, records[::-1]):
        found = find_account(ordering, "123456789012")
        assert found is not None
        assert found.id == "active"
    assert find_account(records, "999999999999") is None


def test_a_record_without_a_stacks_name_is_nobodys() -> None:
    assert was_created_by(record(), ["ours", "theirs"])
    assert not was_created_by(record(), ["ours"])
    assert not was_created_by(None, ["ours"])


@pytest.mark.parametrize("found", [None, record("BROKEN"), record(stack="ours")])
def test_what_is_no_live_link_of_another_stack_is_let_be(found: AccountRecord | None) -> None:
    refuse_another_stacks_link(found, ["ours"])


def test_an_account_that_another_stack_linked_is_refused_before_anything_is_made() -> None:
    with pytest.raises(AlreadyLinked) as refusal:
        refuse_another_stacks_link(record(), ["ours"])
    assert str(refusal.value) == (
        'link AWS account 123456789012: CloudFormation stack "theirs" linked it already (connected account '
        "record). Nothing was created: either use that link (vmc-account-link:link `existing`), or unlink "
        "the account where it was linked and run `pulumi up` again (an organisation holds one link for each "
        "account)."
    )
