"""A link that renews one: when it is requested, refused, and done. Real: HTTP and the emulator."""

from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox
from tests.provider.conftest import Program, StartedLink, report
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import LinkFailed, LinkInUse, LinkTimedOut


@pytest.fixture
def linked(program: Program, control: SandboxControl) -> dict[str, Any]:
    """The outputs of a request whose stack has run: the account is ACTIVE."""
    outs = program.create()
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    return outs


@pytest.mark.parametrize(
    ("before", "after", "asks"),
    [
        (None, "1", True),
        ("1", "2", True),
        ("1", "1", False),
        ("1", None, False),
    ],
)
def test_another_text_asks_for_a_link_and_none_does_not(
    program: Program, linked: dict[str, Any], before: str | None, after: str | None, *, asks: bool
) -> None:
    olds = {**linked, "relink": before}
    assert program.changes(olds, relink=after) is asks
    outs = program.update(olds, relink=after)
    assert (outs["tracking_task"] != linked["tracking_task"]) is asks
    assert outs["relink"] == after


def test_a_relink_that_was_not_run_is_asked_for_again_until_the_service_has_seen_it_run(
    program: Program, linked: dict[str, Any], control: SandboxControl, box: Sandbox
) -> None:
    second = program.update(linked, relink="1")
    # Its stack rolled back, and the engine keeps the new inputs as if they were true (pulumi-aws #21458).
    assert program.changes(second, relink="1")
    third = program.update(second, relink="1")
    assert third["tracking_task"] != second["tracking_task"]
    report(box, third["tracking_task"])
    control.advance(10)
    control.clear_journal()
    assert not program.changes(third, relink="1")
    assert program.update(third, relink="1")["tracking_task"] == third["tracking_task"]
    assert "request-link" not in {entry.call for entry in control.journal()}


def test_a_relink_that_failed_is_asked_for_again(
    program: Program, linked: dict[str, Any], control: SandboxControl, box: Sandbox
) -> None:
    control.set_modes(task_outcome="fail")
    second = program.update(linked, relink="1")
    report(box, second["tracking_task"])
    control.advance(10)
    assert program.changes(second, relink="1")


def test_a_link_over_a_record_that_was_left_is_asked_for_again_once_it_has_expired_unless_it_was_run(
    program: Program, control: SandboxControl, box: Sandbox
) -> None:
    control.advance(-7200)
    # As a destroy without unlinking leaves it: ACTIVE, and not made by this link.
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    was_run, was_not = (program.create() for _ in range(2))
    report(box, was_run["tracking_task"])
    control.advance(7200)
    assert not program.changes(was_run)
    assert program.changes(was_not)
    again = program.update(was_not)
    assert again["tracking_task"] != was_not["tracking_task"]


@pytest.mark.parametrize(("hours", "asks"), [(23, False), (25, True)])
def test_a_link_whose_answer_names_no_end_is_asked_for_again_after_a_day(
    program: Program, control: SandboxControl, hours: float, *, asks: bool
) -> None:
    """Else an `up` whose link expired unseen would wait for it for ever."""
    control.set_modes(fields="few")
    control.advance(-hours * 3600)
    outs = program.create()
    assert outs["expiration_date"] is None
    control.advance(hours * 3600)
    assert program.changes(outs) is asks
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    assert not program.changes(outs)


def test_a_relink_whose_task_the_service_forgot_is_done_when_the_record_is_another_one(
    program: Program, linked: dict[str, Any], control: SandboxControl, box: Sandbox
) -> None:
    second = program.update(linked, relink="1")
    control.plan_fault("vmc", "get-task", "status", status=404, count=2)
    assert program.changes(second, relink="1")
    report(box, second["tracking_task"])
    control.advance(10)
    assert not program.changes(second, relink="1")


def test_sddcs_on_the_link_stand_in_the_way_of_a_new_one_until_they_are_accepted(
    program: Program, linked: dict[str, Any], control: SandboxControl
) -> None:
    sddc = control.attach_sddc(ACCOUNT)
    links_requested = len(control.links())
    for ask in (program.changes, program.update):
        with pytest.raises(LinkInUse) as refusal:
            ask(linked, relink="1")
        assert sddc in str(refusal.value)
        assert "pulumi config set relinkDespiteSddcs 1`" in str(refusal.value)
    with pytest.raises(LinkInUse):
        program.update(linked, relink="1", relink_despite_sddcs="earlier")
    assert len(control.links()) == links_requested
    confirmed = {"relink": "1", "relink_despite_sddcs": "1"}
    assert not program.changes({**linked, "relink": "1"}, **confirmed)
    program.update(linked, **confirmed)
    control.detach_sddcs()
    program.update(linked, relink="1")
    assert len(control.links()) == links_requested + 2


def test_what_is_asked_for_without_a_wish_is_not_stopped_by_sddcs(
    program: Program, control: SandboxControl
) -> None:
    control.advance(-7200)
    expired_link = program.create()
    control.advance(7200)
    control.seed_account(ACCOUNT, cf_stack_name="ours", state="BROKEN")
    control.attach_sddc(ACCOUNT)
    assert program.update(expired_link)["tracking_task"] != expired_link["tracking_task"]


@pytest.fixture
def renewing(started: StartedLink, control: SandboxControl) -> StartedLink:
    """A link that renews an ACTIVE record of our stack."""
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    return started.renewing()


def test_a_record_that_was_active_before_proves_nothing_of_a_new_run(
    renewing: StartedLink, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LinkTimedOut):
        renewing.wait(minutes=5)
    assert "ACTIVE by its earlier link" in capsys.readouterr().out


@pytest.mark.parametrize("lag", ["list_lag_seconds", "task_lag_seconds"])
def test_a_new_run_is_waited_for_until_task_and_record_both_say_so(
    renewing: StartedLink, control: SandboxControl, lag: str
) -> None:
    control.set_modes(**{lag: 40.0})
    renewing.report()
    record = renewing.wait()
    # Two looks more at the most: the task may have been read before the record changed.
    assert renewing.time.passed >= 160
    assert renewing.time.now <= 166
    assert record.revision != renewing.target.previous_revision


def test_a_list_that_never_shows_another_record_is_believed_in_the_end(
    renewing: StartedLink, control: SandboxControl
) -> None:
    control.set_modes(list_lag_seconds=1e6)
    renewing.report()
    renewing.wait()
    assert renewing.time.passed >= 180
    assert renewing.time.now <= 205


def test_a_task_that_failed_is_said_although_the_account_is_active(
    renewing: StartedLink, control: SandboxControl
) -> None:
    control.set_modes(task_outcome="fail")
    renewing.report()
    with pytest.raises(LinkFailed, match="stays connected by its earlier link"):
        renewing.wait()
