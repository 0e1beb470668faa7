"""The link request's provider as a plain object, in front of the emulated service."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox
from tests.provider.conftest import Program, Time
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import AlreadyLinked, Unavailable, WaitInterrupted

ROLES = ("RemoteRole", "RemoteRolePayer", "RemoteRoleService")
UNKNOWN = object()
"""Stands for an input that is not known yet; the SDK hands over an object that is no string."""


def links_requested(control: SandboxControl) -> int:
    return len(control.links())


def test_create_reads_the_list_requests_once_then_downloads(
    program: Program, control: SandboxControl
) -> None:
    result = program.link.create(program.inputs)
    assert [e.call for e in control.journal()] == [
        "exchange-token",
        "list-connected-accounts",
        "request-link",
        "download-template",
    ]
    assert result.outs is not None
    assert result.outs["tracking_task"] == control.links()[0].tracking_task
    assert "Custom::VmcAccountLink" in result.outs["template_body"]
    assert program.inputs.items() <= result.outs.items()
    assert ACCOUNT in result.id


def test_an_account_of_another_stack_is_refused_with_both_ways_on(
    program: Program, control: SandboxControl
) -> None:
    record = control.seed_account(ACCOUNT, cf_stack_name="theirs")
    with pytest.raises(AlreadyLinked) as refusal:
        program.create()
    for part in ('"theirs"', record.id, "use that link", "unlink the account"):
        assert part in str(refusal.value)
    assert links_requested(control) == 0


@pytest.mark.parametrize(
    ("account", "stack", "state"),
    [
        pytest.param("999999999999", "theirs", "ACTIVE", id="another account"),
        pytest.param(ACCOUNT, "theirs", "BROKEN", id="a broken link of another stack"),
        pytest.param(ACCOUNT, "ours", "ACTIVE", id="a link of a stack of our name"),
    ],
)
def test_what_is_no_live_link_of_another_stack_is_in_nobodys_way(
    program: Program, control: SandboxControl, account: str, stack: str, state: str
) -> None:
    control.seed_account(account, cf_stack_name=stack, state=state)
    program.create()
    assert links_requested(control) == 1


def test_a_list_that_can_not_be_read_is_not_taken_for_an_empty_one(
    program: Program, control: SandboxControl
) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=503, retryable=False)
    with pytest.raises(Unavailable):
        program.create()
    assert links_requested(control) == 0


def test_a_template_above_the_inline_limit_goes_by_url(program: Program, control: SandboxControl) -> None:
    control.set_modes(template="large")
    outs = program.create()
    assert outs["template_body"] == ""
    assert outs["template_url"]


def test_a_fresh_link_is_no_reason_to_do_or_ask_anything(program: Program, control: SandboxControl) -> None:
    olds = program.create()
    control.clear_journal()
    assert not program.changes(olds)
    assert control.journal() == ()


@pytest.fixture
def expired_link(program: Program, control: SandboxControl) -> dict[str, Any]:
    """The outputs of a link that has expired by everybody's clock."""
    control.advance(-7200)
    outs = program.create()
    control.advance(7200)
    control.clear_journal()
    return outs


def test_an_expired_link_of_an_unconnected_account_is_renewed(
    program: Program, expired_link: dict[str, Any], control: SandboxControl
) -> None:
    assert program.changes(expired_link)
    outs = program.update(expired_link)
    assert outs["tracking_task"] == control.links()[-1].tracking_task != expired_link["tracking_task"]
    assert outs["template_body"] != expired_link["template_body"]
    assert links_requested(control) == 2


@pytest.mark.parametrize(
    ("stack", "state", "asks"),
    [("ours", "ACTIVE", False), ("ours", "BROKEN", True), ("theirs", "ACTIVE", True)],
)
def test_an_expired_link_is_kept_while_our_stacks_account_is_active(
    program: Program,
    expired_link: dict[str, Any],
    control: SandboxControl,
    stack: str,
    state: str,
    *,
    asks: bool,
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name=stack, state=state)
    assert program.changes(expired_link) is asks


def test_a_clock_of_ours_that_is_hours_ahead_does_not_expire_a_link(
    program: Program, control: SandboxControl
) -> None:
    control.advance(-6 * 3600)
    olds = program.create()
    assert not program.changes(olds)


def test_a_clock_hours_behind_does_not_keep_an_expired_link(
    program: Program, control: SandboxControl
) -> None:
    control.advance(6 * 3600)
    olds = program.create()
    assert not program.changes(olds)
    # Half an hour later by everybody's clock; ours can't be moved, so the link is made older instead.
    control.advance(1805)
    early = datetime.fromisoformat(olds["expiration_date"]) - timedelta(seconds=1805)
    olds["expiration_date"] = early.isoformat()
    assert early > datetime.now(UTC)
    assert program.changes(olds)


def test_a_clock_set_back_does_not_keep_an_expired_link(program: Program, control: SandboxControl) -> None:
    olds = program.create()
    control.advance(1805)
    assert not program.changes(olds)
    # Ours can't be moved: requested by a machine whose clock is six hours ahead of this one's.
    later = datetime.fromisoformat(olds["requested_at"]) + timedelta(hours=6)
    olds["requested_at"] = later.isoformat()
    assert program.changes(olds)


def test_an_expired_link_is_not_renewed_while_the_service_is_down(
    program: Program, expired_link: dict[str, Any], control: SandboxControl
) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=503, retryable=False)
    with pytest.raises(Unavailable):
        program.changes(expired_link)


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"stack_name": "other"}, True),
        ({"template_hosts": ["mirror.example"]}, False),
    ],
)
def test_a_change_asks_for_a_new_link_where_the_old_one_is_of_no_use(
    program: Program, control: SandboxControl, change: dict[str, Any], *, asks: bool
) -> None:
    olds = program.create()
    assert program.changes(olds, **change)
    outs = program.update(olds, **change)
    assert (outs["tracking_task"] != olds["tracking_task"]) is asks
    assert {**program.inputs, **change}.items() <= outs.items()
    assert outs["expiration_date"]


def test_our_own_link_under_the_old_stack_name_does_not_stop_a_renaming(
    program: Program, control: SandboxControl, box: Sandbox
) -> None:
    olds = program.create()
    roles = {name: f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ROLES}
    box.world.links.complete_link(
        link_id=olds["tracking_task"], account_number=ACCOUNT, stack_name="ours", role_arns=roles
    )
    control.advance(60)
    outs = program.update(olds, stack_name="other")
    assert outs["stack_names"] == ["other", "ours"]
    # Renamed once more, or back, before the account was unlinked: the record is still ours.
    outs = program.update(outs, stack_name="third")
    assert outs["stack_names"] == ["third", "ours"]
    program.update(outs)
    assert links_requested(control) == 4


def test_a_link_that_was_replaced_under_way_is_ours_when_it_connects_after_all(
    program: Program, control: SandboxControl, box: Sandbox
) -> None:
    control.set_modes(task_seconds=3600)
    first = program.create()
    roles = {name: f"arn:aws:iam::{ACCOUNT}:role/ours-{name}-1LGSAPXXXXQK" for name in ROLES}
    box.world.links.complete_link(
        link_id=first["tracking_task"], account_number=ACCOUNT, stack_name="ours", role_arns=roles
    )
    outs = program.update(first, stack_name="other")
    assert outs["stack_names"] == ["other"]
    assert outs["replaced_links"] == [{"stack_name": "ours", "tracking_task": first["tracking_task"]}]
    control.advance(3700)
    assert [one.cf_stack_name for one in control.connected_accounts()] == ["ours"]
    outs = program.update(outs, stack_name="other", relink="1")
    assert (outs["stack_names"], outs["replaced_links"]) == (["other", "ours"], [])


def test_requesting_a_stack_name_does_not_make_another_stack_ours(
    program: Program, control: SandboxControl
) -> None:
    olds = program.create()  # CloudFormation refused the stack: that name is taken
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    with pytest.raises(AlreadyLinked, match='"ours"'):
        program.update(olds, stack_name="other")
    assert links_requested(control) == 1


@pytest.mark.parametrize("key", ["org_id", "account_number"])
def test_a_link_is_not_moved_to_another_owner(program: Program, key: str) -> None:
    check, inputs = program.link.check, program.inputs
    (failure,) = check(inputs, {**inputs, key: "another"}).failures
    assert failure.property == key
    assert check({}, inputs).failures == []
    assert check(inputs, {**inputs, key: UNKNOWN}).failures == []


def test_refresh_and_delete_ask_nothing(program: Program, control: SandboxControl) -> None:
    outs = program.create()
    control.clear_journal()
    read = program.link.read("id", outs)
    program.link.delete("id", outs)
    assert (read.id, read.outs) == ("id", outs)
    assert control.journal() == ()


THEIRS = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
IN_US_WEST_2 = {"aws_access": {"region": "us-west-2"}}


@pytest.fixture
def requested(program: Program, time: Time) -> Callable[..., dict[str, Any]]:
    """Requests a link that nobody runs; a wait of its delete is interrupted at once."""
    canceled = Event()
    canceled.set()
    program.link.context = time.context(canceled=canceled)
    return lambda **kept: program.create(unlink_on_destroy=True, **kept)


def test_delete_leaves_the_link_of_a_stack_that_had_the_name_before_and_does_not_wait(
    program: Program,
    requested: Callable[..., dict[str, Any]],
    control: SandboxControl,
    aws: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """CloudFormation refused our stack because of theirs: nobody runs our link, its task goes nowhere."""
    aws.create_stack(StackName="ours", TemplateBody=THEIRS)
    control.advance(60)
    outs = requested(**IN_US_WEST_2)
    record = control.seed_account(ACCOUNT, cf_stack_name="ours")
    program.link.delete("id", outs)
    assert control.connected_accounts() == (record,)
    assert (
        'stack "ours", which was there before this link was requested: left alone' in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("begun", "kept"),
    [
        pytest.param("updated since", IN_US_WEST_2, id="a stack from before that was updated since"),
        pytest.param("made since", IN_US_WEST_2, id="a stack that was made since"),
        pytest.param("none", IN_US_WEST_2, id="no stack"),
        pytest.param("before", {}, id="a state that does not keep how AWS is asked"),
        pytest.param(
            "before", {"aws_access": {"region": "us-west-2", "profile": "nobody"}}, id="AWS can't be asked"
        ),
    ],
)
def test_delete_waits_for_a_record_of_the_name_where_nothing_shows_that_it_is_anothers(
    program: Program,
    requested: Callable[..., dict[str, Any]],
    control: SandboxControl,
    aws: Any,
    begun: str,
    kept: dict[str, Any],
) -> None:
    if begun in {"before", "updated since"}:
        aws.create_stack(StackName="ours", TemplateBody=THEIRS)
    control.advance(60)
    outs = requested(**kept)
    control.advance(60)
    if begun == "updated since":
        aws.update_stack(StackName="ours", TemplateBody=THEIRS.replace("Topic", "Other", 1))
    elif begun == "made since":
        aws.create_stack(StackName="ours", TemplateBody=THEIRS)
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    with pytest.raises(WaitInterrupted, match="nothing shows yet by which link"):
        program.link.delete("id", outs)
