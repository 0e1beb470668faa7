"""Whose link is it: another organisation's, another account's, another stack's. Pure."""

import json
from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord
from vmc_account_link.errors import AlreadyLinked, SettingsError
from vmc_account_link.link.ownership import (
    LinkEvidence,
    Owner,
    Ownership,
    OwnRecord,
    decide_owner,
    find_account,
    identity_failures,
    refuse_another_stacks_link,
    same_organisation,
)
from vmc_account_link.settings import VmcSettings, read_settings

NUMBER = "123456789012"
ORG = "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"
HELD = {"org_id": ORG, "account_number": "123456789012"}


def settings() -> VmcSettings:
    return read_settings({"vmc:orgId": ORG, "vmc:refreshToken": "planted"}.get, {})


def record(state: str = "ACTIVE", stack: str | None = "theirs", name: str = "record") -> AccountRecord:
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


CHOSEN, VMWARES = "SDDC-Account-Link", "vmware-sddc-formation-7aaaaaa3-3995-42c1-9d3e-000000000000"
ARN = f"arn:aws:cloudformation:us-west-2:{NUMBER}:stack/{CHOSEN}/5d1f7e0a"
LONG = "a-stack-whose-name-is-so-long-that-its-roles-names-are-cut-by-cloudformation"


def role(stack: str, logical_id: str = "RemoteRole", number: str = NUMBER, path: str = "") -> str:
    """A role as CloudFormation names it."""
    tail = f"-{logical_id}-1LGSAPXXXXQK"
    return f"arn:aws:iam::{number}:role/{path}{stack[: 64 - len(tail)]}{tail}"


KNOWN = OwnRecord(
    id="record", cf_stack_name=VMWARES, role_arns=(role("SDDC"), role("SDDC", "RemoteRolePayer"))
)
BLANK = OwnRecord(id="record", cf_stack_name=None, role_arns=())
RAN = {"was_requested": True, "tracking_task": "t", "task_status": "FINISHED"}
BEFORE = "record version 1 of None"


@pytest.mark.parametrize(
    ("name", "roles", "known", "owner"),
    [
        # The name alone.
        pytest.param(CHOSEN, (), {}, Owner.OURS, id="our stack's name"),
        pytest.param(ARN, (), {}, Owner.OURS, id="our stack's ARN"),
        pytest.param(ARN.replace(NUMBER, "9" * 12), (), {}, Owner.UNCLEAR, id="its ARN in another account"),
        pytest.param(VMWARES, (), {}, Owner.UNCLEAR, id="another name, and nothing else"),
        pytest.param(None, (), {}, Owner.UNCLEAR, id="nothing at all"),
        # The roles.
        pytest.param(VMWARES, (role(CHOSEN),), {}, Owner.OURS, id="VMware's name, roles of our stack"),
        pytest.param(None, (role(CHOSEN),), {}, Owner.OURS, id="no name, roles of our stack"),
        pytest.param(None, (role(CHOSEN, path="vmc/"),), {}, Owner.OURS, id="roles with a path"),
        pytest.param(
            None,
            (role(CHOSEN, "New"),),
            {"role_ids": ("New",)},
            Owner.OURS,
            id="a role that the template names",
        ),
        pytest.param(None, (role(CHOSEN, "New"),), {}, Owner.UNCLEAR, id="a role that nobody knows"),
        pytest.param(
            None, (role(LONG),), {"stack_names": (LONG,)}, Owner.OURS, id="roles whose name was cut"
        ),
        pytest.param(VMWARES, (role(VMWARES),), {}, Owner.ANOTHER, id="another's name and roles"),
        pytest.param(VMWARES, (role("SDDC"),), {}, Owner.UNCLEAR, id="roles of a name that ours begins with"),
        pytest.param(
            f"{CHOSEN}-2", (role(f"{CHOSEN}-2"),), {}, Owner.ANOTHER, id="a name that begins with ours"
        ),
        pytest.param(
            VMWARES, (role(CHOSEN, number="9" * 12),), {}, Owner.ANOTHER, id="roles of another account"
        ),
        pytest.param(VMWARES, ("arn:aws:iam::1:user/x",), {}, Owner.UNCLEAR, id="no roles, but ARNs"),
        pytest.param(CHOSEN, (role(VMWARES),), {}, Owner.UNCLEAR, id="our name, another's roles"),
        pytest.param(None, (role(VMWARES),), {}, Owner.UNCLEAR, id="no name, another's roles"),
        pytest.param(
            VMWARES, (role(VMWARES), role(CHOSEN)), {}, Owner.OURS, id="one of the roles is of our stack"
        ),
        # The history.
        pytest.param(VMWARES, (), RAN, Owner.OURS, id="VMware's name, and our task FINISHED"),
        pytest.param(None, (), RAN, Owner.OURS, id="nothing, and our task FINISHED"),
        pytest.param(VMWARES, (role(VMWARES),), RAN, Owner.ANOTHER, id="another's, though our task FINISHED"),
        pytest.param(CHOSEN, (role(VMWARES),), RAN, Owner.UNCLEAR, id="a contradiction, though it FINISHED"),
        pytest.param(
            VMWARES, (), {**RAN, "task_status": "STARTED"}, Owner.UNCLEAR, id="VMware's name, task under way"
        ),
        pytest.param(
            None, (), {**RAN, "revision_at_request": BEFORE}, Owner.UNCLEAR, id="it was there before the link"
        ),
        pytest.param(
            None, (), {**RAN, "revision_at_request": "older"}, Owner.OURS, id="a newer revision than before"
        ),
        pytest.param(
            None,
            (),
            {**RAN, "revision_at_request": BEFORE, "previous_revision": BEFORE},
            Owner.OURS,
            id="it was ours before the link",
        ),
        pytest.param(None, (), {"was_requested": True}, Owner.OURS, id="it has come, and there is no task"),
        pytest.param(
            None, (), {**RAN, "task_status": None, "task_is_unknown": True}, Owner.OURS, id="the task is lost"
        ),
        pytest.param(
            VMWARES,
            (),
            {"was_requested": True},
            Owner.UNCLEAR,
            id="it has come, named otherwise, without a task",
        ),
        # What an `up` has seen.
        pytest.param(VMWARES, KNOWN.role_arns, {"own_record": KNOWN}, Owner.OURS, id="as it was seen"),
        pytest.param(VMWARES, (), {"own_record": KNOWN}, Owner.OURS, id="its roles have gone"),
        pytest.param(None, KNOWN.role_arns[:1], {"own_record": KNOWN}, Owner.OURS, id="its name has gone"),
        pytest.param("new", KNOWN.role_arns, {"own_record": KNOWN}, Owner.OURS, id="its name has changed"),
        pytest.param(
            "new", (role("new"),), {**RAN, "own_record": KNOWN}, Owner.ANOTHER, id="another took it over"
        ),
        pytest.param(
            "new",
            ("arn:aws:iam::1:role/x",),
            {**RAN, "own_record": KNOWN},
            Owner.ANOTHER,
            id="nothing is as it was",
        ),
        pytest.param("new", (), {**RAN, "own_record": KNOWN}, Owner.UNCLEAR, id="another name, and no roles"),
        pytest.param(None, (), {"own_record": BLANK}, Owner.OURS, id="as blank as it was seen"),
        pytest.param(VMWARES, (), {"own_record": BLANK}, Owner.UNCLEAR, id="it was blank and is named now"),
    ],
)
def test_whose_a_record_is_follows_from_all_that_is_known(
    name: str | None, roles: tuple[str, ...], known: dict[str, Any], owner: Owner
) -> None:
    account = AccountRecord(
        id="record", account_number=NUMBER, cf_stack_name=name, state="ACTIVE", role_arns=roles, version=1
    )
    ownership = decide_owner(
        account, LinkEvidence(**{"account_number": NUMBER, "stack_names": (CHOSEN,), **known})
    )
    assert ownership.owner is owner
    assert ownership.reasons


def test_the_reasons_name_what_was_found() -> None:
    account = AccountRecord(
        id="r", account_number=NUMBER, cf_stack_name=VMWARES, state="ACTIVE", role_arns=(role(VMWARES),)
    )
    ownership = decide_owner(account, LinkEvidence(account_number=NUMBER, stack_names=(CHOSEN,)))
    assert ownership.why == (
        f'its CloudFormation stack is "{VMWARES}", not ours, another stack made its roles '
        "(vmware-sddc-formation-7aaaaaa3-3995-42c1-RemoteRole-1LGSAPXXXXQK)"
    )


def test_what_is_kept_of_a_record_survives_the_state() -> None:
    assert OwnRecord.from_state(json.loads(json.dumps(KNOWN.to_state()))) == KNOWN
    # The engine leaves out what is null.
    assert OwnRecord.from_state({"id": "record", "role_arns": []}) == BLANK
    assert OwnRecord.from_state(None) is None


UNNAMED = (
    "it is linked already, by a CloudFormation stack that the service does not name (connected account "
    "record); whether that is this Pulumi stack's link is not clear: it names neither a CloudFormation "
    "stack nor roles"
)
OURS = Ownership(owner=Owner.OURS, reasons=("it is",))
THEIRS = Ownership(owner=Owner.ANOTHER, reasons=("it is not",))


@pytest.mark.parametrize(
    ("found", "ownership"), [(None, None), (record("BROKEN"), THEIRS), (record(stack="ours"), OURS)]
)
def test_what_is_no_live_link_of_another_stack_is_let_be(
    found: AccountRecord | None, ownership: Ownership | None
) -> None:
    refuse_another_stacks_link(found, ownership)


@pytest.mark.parametrize(
    ("found", "ownership", "said"),
    [
        (record(), THEIRS, 'CloudFormation stack "theirs" linked it already (connected account record)'),
        (
            record(stack=None),
            Ownership(owner=Owner.UNCLEAR, reasons=("it names neither a CloudFormation stack nor roles",)),
            UNNAMED,
        ),
    ],
)
def test_an_account_that_is_not_ours_is_refused_before_anything_is_made(
    found: AccountRecord, ownership: Ownership, said: str
) -> None:
    with pytest.raises(AlreadyLinked) as refusal:
        refuse_another_stacks_link(found, ownership)
    assert str(refusal.value) == (
        f"link AWS account 123456789012: {said}. Nothing was created: either use that link "
        "(vmc-account-link:link `existing`), or unlink the account where it was linked (`vmc-account-link "
        "unlink`, where no Pulumi stack holds that link) and run `pulumi up` again."
    )
