"""What is done with a lab, and why: from (spec, what was seen) alone. Pure."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.labs.specs import SERVICE, lab_spec
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.resource_types import CONNECTED_ACCOUNT, CONNECTION_WAIT, EXISTING_ACCOUNT
from vmc_labs.fleet.plan import plan_down, plan_reap, plan_recover, plan_up
from vmc_labs.fleet.results import Verb
from vmc_labs.fleet.status import FleetSnapshot, LabStatus
from vmc_labs.spec.model import Credentials, FleetSpec, LabSpec
from vmc_labs.state.reader import (
    CHANGING,
    SETTINGS,
    LabState,
    Phases,
    UnfinishedLink,
    first_tags,
    read_state,
    settings_digest,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ACCOUNT = "200000000001"
ORG = "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"
LAB = lab_spec(
    "team-01",
    service=dataclasses.replace(SERVICE, org_id=ORG),
    credentials=Credentials(profile="team-01"),
    aws_account_id=ACCOUNT,
    owner="workshop",
    ttl=timedelta(hours=8),
)
FLEET = FleetSpec(event="event", backend="", secrets_provider=None, labs=(LAB,))


def state(lab: LabSpec = LAB, **changes: Any) -> LabState:
    """A lab that is linked, unless the changes say otherwise."""
    tags = {**first_tags("event", lab, NOW), **changes.pop("tags", {})}
    values: dict[str, Any] = {
        "stack": lab.stack,
        "tags": {name: value for name, value in tags.items() if value is not None},
        "settings": settings_digest(lab),
        "phases": Phases(),
        "outputs": {"account_number": ACCOUNT},
        "has_pending": False,
        "unfinished": None,
        "is_linked": True,
        "resource_count": 5,
        "has_account": True,
        "stack_name": "SDDC-Account-Link",
    }
    return LabState(**(values | changes))


def record(**changes: Any) -> AccountRecord:
    stack = changes.get("cf_stack_name", "SDDC-Account-Link")
    wire = {
        "policy_service_arn": f"arn:aws:iam::{ACCOUNT}:role/{stack}-RemoteRoleService-1LGSAPXXXXQK",
        "id": "11111111-2222-3333-4444-555555555555",
        "account_number": ACCOUNT,
        "state": "ACTIVE",
        "cf_stack_name": "SDDC-Account-Link",
        **changes,
    }
    return AccountRecord.from_wire(wire)


def snapshot(found: LabState | None, *accounts: AccountRecord) -> FleetSnapshot:
    return FleetSnapshot(states={} if found is None else {found.stack: found}, accounts={ORG: accounts})


FOUND: dict[str, tuple[FleetSnapshot, LabStatus, str]] = {
    "a lab that is not there": (snapshot(None), LabStatus.ABSENT, "there is no Pulumi stack"),
    "a lab that failed": (
        snapshot(state(tags={"error": "AccessDenied"}, is_linked=False)), LabStatus.FAILED, "AccessDenied",
    ),
    "a lab that failed although it is linked": (
        snapshot(state(tags={"error": "AccessDenied"}), record()), LabStatus.FAILED, "AccessDenied",
    ),
    "a lab that was cut off": (
        snapshot(state(has_pending=True, is_linked=False)),
        LabStatus.INTERRUPTED,
        "its last run was interrupted",
    ),
    "a lab that is not linked": (
        snapshot(state(is_linked=False)), LabStatus.NOT_LINKED, "it is not linked yet",
    ),
    "a lab with other settings": (
        snapshot(state(settings="other"), record()),
        LabStatus.OUTDATED, "its settings have changed",
    ),
    "a lab whose tag is lost": (
        snapshot(state(settings=None), record()), LabStatus.OUTDATED, "its settings have changed",
    ),
    "a lab that is done": (snapshot(state(), record()), LabStatus.LINKED, "nothing to do"),
    "an account that vanished": (
        snapshot(state()),
        LabStatus.DRIFTED,
        f"the organisation does not list AWS account {ACCOUNT} any more: a new link is requested",
    ),
    "an account that broke": (
        snapshot(state(), record(state="BROKEN")), LabStatus.DRIFTED, "the account is BROKEN",
    ),
    "an account that another stack took over": (
        snapshot(state(), record(cf_stack_name="B")),
        LabStatus.DRIFTED,
        (
            'the account is linked by another CloudFormation stack, "B": '
            "unlink it where that was made, or set `link: existing`"
        ),
    ),
    "an account of the outputs, whatever the spec says since": (
        snapshot(state(outputs={"account_number": "200000000002"}), record()),
        LabStatus.DRIFTED,
        "the organisation does not list AWS account 200000000002 any more: a new link is requested",
    ),
    "an account that no output names": (
        snapshot(state(outputs={}), record()), LabStatus.LINKED, "nothing to do",
    ),
    "a service that was not asked": (
        FleetSnapshot(states={LAB.stack: state()}), LabStatus.LINKED, "nothing to do",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_how_a_lab_is_and_what_up_does(name: str) -> None:
    saw, status, reason = FOUND[name]
    (step,) = plan_up(FLEET.labs, saw)
    assert (step.found, step.found.status, step.reason) == (saw.find(LAB), status, reason)
    assert step.verb == (None if status is LabStatus.LINKED else Verb.UP)


@pytest.mark.parametrize("name", FOUND)
def test_failed_picks_up_failed_labs_alone(name: str) -> None:
    saw, status, reason = FOUND[name]
    (step,) = plan_up(FLEET.labs, saw, failed=True)
    assert step.verb == (Verb.UP if status is LabStatus.FAILED else None)
    assert step.reason == (reason if step.verb else f"it did not fail: {reason}")


def test_a_lab_that_can_be_used_is_linked_or_outdated() -> None:
    assert [status for status in LabStatus if status.has_link] == [LabStatus.LINKED, LabStatus.OUTDATED]


def test_an_existing_link_may_be_anybodys() -> None:
    lab = dataclasses.replace(LAB, settings={"link": "existing"})
    assert snapshot(state(lab), record(cf_stack_name="B")).find(lab).status is LabStatus.LINKED
    gone = snapshot(state(lab)).find(lab)
    assert (gone.status, gone.needs_link) == (LabStatus.DRIFTED, False)
    assert gone.reason == f"the organisation does not list AWS account {ACCOUNT} any more"


REQUESTED = UnfinishedLink(
    org_id=ORG, known=LinkEvidence(account_number=ACCOUNT, stack_names=("Link",)), has_stack=False
)
OF_IT = f"AWS account {ACCOUNT}"
MADE = dataclasses.replace(REQUESTED, has_stack=True)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "there is no Pulumi stack"),
        (state(resource_count=0), "the Pulumi stack is empty"),
        (state(), f"AWS account {ACCOUNT}: unlink it, then delete CloudFormation stack SDDC-Account-Link"),
        (
            state(is_existing=True, has_account=False, stack_name=None),
            f"AWS account {ACCOUNT} stays linked (existing)",
        ),
        (
            state(unlinks=False, stack_name="Link"),
            f"{OF_IT}: it stays linked (unlinkOnDestroy), then delete CloudFormation stack Link",
        ),
        (
            state(has_account=False, stack_name=None, is_linked=False),
            "nothing was linked: only the Pulumi stack goes",
        ),
        (
            state(has_account=False, stack_name=None, unfinished=REQUESTED, is_linked=False),
            f"{OF_IT}: unlink it if it was connected, then delete CloudFormation stack Link if it was made",
        ),
        (
            state(has_account=False, stack_name="Link", unfinished=MADE, unlinks=False, is_linked=False),
            f"{OF_IT}: delete CloudFormation stack Link",
        ),
        (
            state(outputs={"account_number": "200000000002"}, stack_name=None),
            "AWS account 200000000002: unlink it",
        ),
        (state(outputs={}, stack_name=None), f"{OF_IT}: unlink it"),
    ],
)
def test_down_claims_nothing_that_the_state_does_not_hold(found: LabState | None, reason: str) -> None:
    """The spec's settings may have changed since the last `up`; a destroy goes by the state."""
    (step,) = plan_down(FLEET.labs, snapshot(found))
    assert (step.lab, step.verb) == (LAB, Verb.DOWN if found else None)
    assert step.reason == reason


def test_down_says_where_nobody_knows_the_account() -> None:
    unnamed = dataclasses.replace(FLEET, labs=(dataclasses.replace(LAB, aws_account_id=None),))
    (step,) = plan_down(unnamed.labs, snapshot(state(outputs={}, stack_name=None)))
    assert step.reason == "AWS account (not known): unlink it"


@pytest.mark.parametrize(
    ("expires", "verb", "reason"),
    [
        (NOW - timedelta(seconds=1), Verb.DOWN, "it expired 2026-11-25 08:59 UTC"),
        (NOW, Verb.DOWN, "it expired 2026-11-25 09:00 UTC"),
        (NOW + timedelta(minutes=5), None, "it lives until 2026-11-25 09:05 UTC"),
        (None, None, "it never expires (no ttl)"),
    ],
)
def test_reap_takes_what_is_past_its_time_and_nothing_else(
    expires: datetime | None, verb: Verb | None, reason: str
) -> None:
    found = state(tags={"expires": expires.isoformat() if expires else None})
    (step,) = plan_reap([LAB], snapshot(found), now=NOW)
    assert (step.lab, step.verb, step.reason) == (LAB, verb, reason)


def test_reap_has_nothing_to_do_with_a_stack_that_is_not_there() -> None:
    (step,) = plan_reap([LAB], snapshot(None), now=NOW)
    assert (step.lab, step.verb, step.reason) == (LAB, None, "there is no Pulumi stack")


def test_reap_leaves_a_lab_whose_end_can_not_be_read() -> None:
    (step,) = plan_reap([LAB], snapshot(state(tags={"expires": "tomorrow"})), now=NOW)
    assert step.verb is None


HELD = frozenset({LAB.stack})
FREE = frozenset({"another"})
RECOVER: dict[str, tuple[LabState | None, frozenset[str] | None, Verb | None, str]] = {
    "a stack that is not there": (None, FREE, None, "there is no Pulumi stack"),
    "one that is linked": (state(), FREE, None, "nothing is under way"),
    "one that somebody holds": (state(), HELD, Verb.RECOVER, "it is locked"),
    "one that somebody may hold": (state(), None, Verb.RECOVER, "it may be locked"),
    "one that was cut off": (
        state(has_pending=True), FREE, Verb.RECOVER, "its last run was interrupted",
    ),
    "one with more than is known": (state(is_linked=False), FREE, Verb.RECOVER, "it is not linked"),
}  # fmt: skip


@pytest.mark.parametrize("name", RECOVER)
def test_what_recover_looks_into(name: str) -> None:
    found, locked, verb, reason = RECOVER[name]
    (step,) = plan_recover([LAB], snapshot(found), locked)
    assert (step.lab, step.verb, step.reason) == (LAB, verb, reason)


def test_a_digest_changes_with_all_that_an_up_depends_on() -> None:
    variants = [
        LAB,
        dataclasses.replace(LAB, settings={"tags": {"a": "b"}}),
        dataclasses.replace(LAB, credentials=Credentials(role_arn="arn:aws:iam::1:role/lab")),
        dataclasses.replace(LAB, aws_account_id=None),
        dataclasses.replace(LAB, service=dataclasses.replace(LAB.service, org_id="other")),
    ]
    assert len({settings_digest(lab) for lab in variants}) == len(variants)
    assert settings_digest(LAB) == settings_digest(dataclasses.replace(LAB, owner="else", ttl=None))


def test_a_secret_output_is_not_read_from_a_state() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    root = {"type": "pulumi:pulumi:Stack", "outputs": {"account_number": ACCOUNT, "url": secret}}
    assert dict(read_state("s", {"resources": [root]}, {}).outputs) == {"account_number": ACCOUNT}


def test_the_digest_of_a_labs_settings_counts_unless_they_are_being_changed() -> None:
    root = {"type": "pulumi:pulumi:Stack", "outputs": {SETTINGS: "digest", "account_number": ACCOUNT}}
    found = read_state("s", {"resources": [root]}, {})
    assert (found.settings, dict(found.outputs)) == ("digest", {"account_number": ACCOUNT})
    assert read_state("s", {"resources": [root]}, {CHANGING: "yes"}).settings is None
    assert read_state("s", {"resources": []}, {}).settings is None


def test_what_is_marked_for_deletion_is_not_the_labs_any_more() -> None:
    """A replacement that was cut off leaves two resources of one name, the old one marked."""
    kind = CONNECTED_ACCOUNT
    new = {"type": kind, "outputs": {"connected_account_state": "ACTIVE"}}
    old = {"type": kind, "delete": True, "outputs": {"connected_account_state": "BROKEN"}}
    found = read_state("s", {"resources": [new, old]}, {})
    assert (found.is_linked, found.resource_count) == (True, 1)


def test_a_lab_is_linked_only_as_far_as_its_wait_has_seen() -> None:
    account = {"type": CONNECTED_ACCOUNT, "outputs": {"org_id": ORG, "unlink_on_destroy": False}}
    active = {"type": CONNECTION_WAIT, "outputs": {"connected_account_state": "ACTIVE"}}
    linked = read_state("s", {"resources": [account, active]}, {})
    assert (linked.is_linked, linked.has_account, linked.unlinks, linked.org_id) == (True, True, False, ORG)
    interrupted = read_state("s", {"resources": [account]}, {})
    assert (interrupted.is_linked, interrupted.has_account, interrupted.unfinished) == (False, True, None)


def test_an_adopted_link_is_linked() -> None:
    kind = EXISTING_ACCOUNT
    outputs = {"connected_account_state": "ACTIVE", "org_id": ORG}
    found = read_state("s", {"resources": [{"type": kind, "outputs": outputs}]}, {})
    assert (found.is_linked, found.is_existing, found.org_id) == (True, True, ORG)
    broken = {"type": kind, "outputs": {**outputs, "connected_account_state": "BROKEN"}}
    assert not read_state("s", {"resources": [broken]}, {}).is_linked


@pytest.mark.parametrize("changes", [{}, {"settings": "other"}], ids=["as it was", "with other settings"])
def test_only_a_new_link_brings_back_a_record_that_is_gone(changes: dict[str, Any]) -> None:
    def needs(found: FleetSnapshot, fleet: FleetSpec = FLEET) -> bool:
        (step,) = plan_up(fleet.labs, found)
        return step.found.needs_link

    assert needs(snapshot(state(**changes)))
    assert not needs(snapshot(state(**changes), record()))
    assert not needs(snapshot(state(**changes), record(state="BROKEN")))
    assert not needs(snapshot(state(**changes, is_linked=False))), "it may be on its way"
    existing = dataclasses.replace(FLEET, labs=(dataclasses.replace(LAB, settings={"link": "existing"}),))
    assert not needs(snapshot(state(**changes)), existing)


def test_a_link_that_another_stack_took_over_is_nothing_that_an_up_can_change() -> None:
    (step,) = plan_up(FLEET.labs, snapshot(state(), record(cf_stack_name="theirs")))
    assert (step.found.status, step.found.is_blocked, step.found.needs_link) == (
        LabStatus.DRIFTED,
        True,
        False,
    )
    assert '"theirs": unlink it where that was made, or set `link: existing`' in step.reason
    for found in (snapshot(state()), snapshot(state(), record(state="BROKEN"))):
        assert not plan_up(FLEET.labs, found)[0].found.is_blocked
    # Under a new name the record is still the old one's.
    renamed = snapshot(state(settings="other"), record(cf_stack_name="theirs"))
    assert not plan_up(FLEET.labs, renamed)[0].found.is_blocked


def test_what_a_replacement_has_yet_to_delete_is_not_the_lab() -> None:
    """Its error and its account are those of the past, wherever in the state it stands."""
    account = {
        "urn": "u::a",
        "type": CONNECTED_ACCOUNT,
        "outputs": {"connected_account_state": "ACTIVE"},
    }
    leaving = {
        **account,
        "outputs": {"connected_account_state": "BROKEN"},
        "initErrors": ["no"],
        "delete": True,
    }
    assert read_state("event-team-01", {"resources": [account, leaving]}, {}).is_linked
    assert not read_state("event-team-01", {"resources": [{**account, "delete": True}]}, {}).is_linked
