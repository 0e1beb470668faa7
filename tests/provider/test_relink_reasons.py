"""A link that renews one: when it is requested, refused, and done. Real: HTTP and the emulator."""

from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox
from tests.provider.conftest import EARLY_SECONDS, NewClient, Time
from tests.support.lab import ACCOUNT
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.errors import LinkFailed, LinkInUse, LinkTimedOut
from vmc_account_link.link.progress import LinkTarget
from vmc_account_link.link.wait import wait_until_linked
from vmc_account_link.link_request import LinkRequestProvider


@pytest.fixture
def linked(link: LinkRequestProvider, link_inputs: dict[str, Any], control: SandboxControl) -> dict[str, Any]:
    """The outputs of a request whose stack has run: the account is ACTIVE."""
    outs = link.create(link_inputs).outs or {}
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    return outs


def run(box: Sandbox, outs: dict[str, Any]) -> None:
    """What VMware's Lambda does when a stack runs the request's template."""
    box.world.links.complete_link(
        link_id=outs["tracking_task"], account_number=ACCOUNT, stack_name="ours", role_arns={}
    )


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
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    linked: dict[str, Any],
    before: str | None,
    after: str | None,
    asks: bool,  # noqa: FBT001
) -> None:
    olds, news = {**linked, "relink": before}, {**link_inputs, "relink": after}
    assert link.diff("id", olds, news).changes is asks
    outs = link.update("id", olds, news).outs or {}
    assert (outs["tracking_task"] != linked["tracking_task"]) is asks
    assert outs["relink"] == after


def test_a_relink_that_was_not_run_is_asked_for_again_until_the_service_has_seen_it_run(
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    linked: dict[str, Any],
    control: SandboxControl,
    box: Sandbox,
) -> None:
    news = {**link_inputs, "relink": "1"}
    second = link.update("id", linked, news).outs or {}
    # Its stack rolled back, and the engine keeps the new inputs as if they were true (pulumi-aws #21458).
    assert link.diff("id", second, news).changes is True
    third = link.update("id", second, news).outs or {}
    assert third["tracking_task"] != second["tracking_task"]
    run(box, third)
    control.advance(10)
    control.clear_journal()
    assert link.diff("id", third, news).changes is False
    assert (link.update("id", third, news).outs or {})["tracking_task"] == third["tracking_task"]
    assert "request-link" not in {entry.call for entry in control.journal()}


def test_a_relink_that_failed_is_asked_for_again(
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    linked: dict[str, Any],
    control: SandboxControl,
    box: Sandbox,
) -> None:
    news = {**link_inputs, "relink": "1"}
    control.set_modes(task_outcome="fail")
    second = link.update("id", linked, news).outs or {}
    run(box, second)
    control.advance(10)
    assert link.diff("id", second, news).changes is True


def test_a_link_over_a_record_that_was_left_is_asked_for_again_once_it_has_expired_unless_it_was_run(
    link: LinkRequestProvider, link_inputs: dict[str, Any], control: SandboxControl, box: Sandbox
) -> None:
    control.advance(-7200)
    # As a destroy without unlinking leaves it: ACTIVE, and not made by this link.
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    was_run, was_not = (link.create(link_inputs).outs or {} for _ in range(2))
    run(box, was_run)
    control.advance(7200)
    assert link.diff("id", was_run, link_inputs).changes is False
    assert link.diff("id", was_not, link_inputs).changes is True
    again = link.update("id", was_not, link_inputs).outs or {}
    assert again["tracking_task"] != was_not["tracking_task"]


@pytest.mark.parametrize(("hours", "asks"), [(23, False), (25, True)])
def test_a_link_whose_answer_names_no_end_is_asked_for_again_after_a_day(
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    control: SandboxControl,
    hours: float,
    asks: bool,  # noqa: FBT001
) -> None:
    """Else an `up` whose link expired unseen would wait for it for ever."""
    control.set_modes(fields="few")
    control.advance(-hours * 3600)
    outs = link.create(link_inputs).outs or {}
    assert outs["expiration_date"] is None
    control.advance(hours * 3600)
    assert link.diff("id", outs, link_inputs).changes is asks
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    assert link.diff("id", outs, link_inputs).changes is False


def test_a_relink_whose_task_the_service_forgot_is_done_when_the_record_is_another_one(
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    linked: dict[str, Any],
    control: SandboxControl,
    box: Sandbox,
) -> None:
    news = {**link_inputs, "relink": "1"}
    second = link.update("id", linked, news).outs or {}
    control.plan_fault("vmc", "get-task", "status", status=404, count=2)
    assert link.diff("id", second, news).changes is True
    run(box, second)
    control.advance(10)
    assert link.diff("id", second, news).changes is False


def test_sddcs_on_the_link_stand_in_the_way_of_a_new_one_until_they_are_accepted(
    link: LinkRequestProvider,
    link_inputs: dict[str, Any],
    linked: dict[str, Any],
    control: SandboxControl,
) -> None:
    sddc = control.attach_sddc(ACCOUNT)
    news = {**link_inputs, "relink": "1"}
    links_requested = len(control.links())
    for ask in (link.diff, link.update):
        with pytest.raises(LinkInUse) as refusal:
            ask("id", linked, news)
        assert sddc in str(refusal.value)
        assert "pulumi config set relinkDespiteSddcs 1`" in str(refusal.value)
    with pytest.raises(LinkInUse):
        link.update("id", linked, {**news, "relink_despite_sddcs": "earlier"})
    assert len(control.links()) == links_requested
    confirmed = {**news, "relink_despite_sddcs": "1"}
    assert link.diff("id", {**linked, "relink": "1"}, {**confirmed}).changes is False
    link.update("id", linked, confirmed)
    control.detach_sddcs()
    link.update("id", linked, news)
    assert len(control.links()) == links_requested + 2


def test_what_is_asked_for_without_a_wish_is_not_stopped_by_sddcs(
    link: LinkRequestProvider, link_inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.advance(-7200)
    expired_link = link.create(link_inputs).outs or {}
    control.advance(7200)
    control.seed_account(ACCOUNT, cf_stack_name="ours", state="BROKEN")
    control.attach_sddc(ACCOUNT)
    assert (link.update("id", expired_link, link_inputs).outs or {})["tracking_task"] != expired_link[
        "tracking_task"
    ]


@pytest.fixture
def renewing(new_client: NewClient, control: SandboxControl) -> LinkTarget:
    """A link that renews an ACTIVE record of our stack; the service needs two minutes for its part."""
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    control.set_modes(task_seconds=120.0)
    with new_client() as vmc:
        (record,) = vmc.list_connected_accounts()
        task = vmc.request_link().tracking_task
    return LinkTarget(
        account_number=ACCOUNT,
        stack_name="ours",
        tracking_task=task,
        previous_revision=record.revision,
        revision_at_request=record.revision,
    )


def wait(new_client: NewClient, target: LinkTarget, time: Time, minutes: float = 30) -> AccountRecord:
    with new_client() as vmc:
        return wait_until_linked(vmc, target, timeout_seconds=minutes * 60, context=time.context())


def test_a_record_that_was_active_before_proves_nothing_of_a_new_run(
    new_client: NewClient, renewing: LinkTarget, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LinkTimedOut):
        wait(new_client, renewing, time, minutes=5)
    assert "ACTIVE by its earlier link" in capsys.readouterr().out


@pytest.mark.parametrize("lag", ["list_lag_seconds", "task_lag_seconds"])
def test_a_new_run_is_waited_for_until_task_and_record_both_say_so(
    new_client: NewClient, renewing: LinkTarget, time: Time, control: SandboxControl, box: Sandbox, lag: str
) -> None:
    control.set_modes(**{lag: 40.0})
    run(box, {"tracking_task": renewing.tracking_task})
    record = wait(new_client, renewing, time)
    # Two looks more at the most: the task may have been read before the record changed.
    assert 160 - EARLY_SECONDS <= time.now <= 166
    assert record.revision != renewing.previous_revision


def test_a_list_that_never_shows_another_record_is_believed_in_the_end(
    new_client: NewClient, renewing: LinkTarget, time: Time, control: SandboxControl, box: Sandbox
) -> None:
    control.set_modes(list_lag_seconds=1e6)
    run(box, {"tracking_task": renewing.tracking_task})
    wait(new_client, renewing, time)
    assert 180 - EARLY_SECONDS <= time.now <= 205


def test_a_task_that_failed_is_said_although_the_account_is_active(
    new_client: NewClient, renewing: LinkTarget, time: Time, control: SandboxControl, box: Sandbox
) -> None:
    control.set_modes(task_outcome="fail")
    run(box, {"tracking_task": renewing.tracking_task})
    with pytest.raises(LinkFailed, match="stays connected by its earlier link"):
        wait(new_client, renewing, time)
