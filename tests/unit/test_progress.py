"""How far is a link: the account's record decides, the task explains. Pure, with worlds as values."""

import dataclasses
from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord, Task
from vmc_account_link.errors import LinkFailed
from vmc_account_link.link.progress import (
    LIST_GRACE_SECONDS,
    RELINK_GRACE_SECONDS,
    REQUEST_ANOTHER_LINK,
    Failed,
    Linked,
    LinkTarget,
    Waiting,
    evaluate_link,
    pause_seconds,
    template_was_run,
)

NUMBER = "123456789012"


def target(**fields: Any) -> LinkTarget:
    return LinkTarget(account_number=NUMBER, stack_name="ours", tracking_task="t", **fields)


REQUESTED = target()


def account(
    state: str = "ACTIVE", stack: str | None = "ours", number: str = NUMBER, version: int = 1
) -> AccountRecord:
    roles = (f"arn:aws:iam::{number}:role/{stack}-RemoteRole-1LGSAPXXXXQK",) if stack else ()
    return AccountRecord(
        id="record", account_number=number, cf_stack_name=stack, state=state, version=version, role_arns=roles
    )


RENEWED = target(previous_revision=account().revision, revision_at_request=account().revision)
ANOTHER = account(version=2)


def task(status: str, error: str | None = None, percent: int | None = None) -> Task:
    return Task(
        id="t", status=status, progress_percent=percent, remaining_minutes=None, phase=None, error=error
    )


@pytest.mark.parametrize("status", ["STARTED", "FINISHED", "FAILED"])
def test_an_active_record_of_our_stack_is_the_link_whatever_the_task_says(status: str) -> None:
    assert evaluate_link(REQUESTED, [account()], task(status)) == Linked(account=account())


@pytest.mark.parametrize(
    "accounts",
    [
        pytest.param([], id="no record"),
        pytest.param([account(number="999999999999")], id="another account's"),
        pytest.param([account(stack="theirs")], id="another stack's"),
        pytest.param([account("BROKEN")], id="BROKEN"),
        pytest.param([account("DELETED")], id="DELETED"),
        pytest.param([account("SOMETHING_NEW")], id="a state added later"),
    ],
)
@pytest.mark.parametrize("status", [None, "STARTED", "CANCELING", "FINISHED"])
def test_nothing_but_an_active_record_of_our_stack_is_a_link(
    accounts: list[AccountRecord], status: str | None
) -> None:
    assert isinstance(evaluate_link(REQUESTED, accounts, task(status) if status else None), Waiting)


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
def test_a_task_that_ended_badly_ends_the_wait_with_the_services_words(status: str) -> None:
    verdict = evaluate_link(REQUESTED, [], task(status, error="Unable to assume role"))
    assert isinstance(verdict, Failed)
    assert isinstance(verdict.error, LinkFailed)
    assert f"VMware's task t {status}: Unable to assume role." in str(verdict.error)
    assert f"{REQUEST_ANOTHER_LINK} requests it at once" in str(verdict.error)


def test_a_task_that_gives_no_reason_is_told_so() -> None:
    verdict = evaluate_link(REQUESTED, [], task("FAILED"))
    assert isinstance(verdict, Failed)
    assert "VMware's task t FAILED, without a reason." in str(verdict.error)


def test_a_renewal_that_failed_leaves_the_earlier_link_and_says_so() -> None:
    verdict = evaluate_link(RENEWED, [account()], task("FAILED"))
    assert isinstance(verdict, Failed)
    assert "The account stays connected by its earlier link" in str(verdict.error)


@pytest.mark.parametrize(
    ("found", "ended", "since_finished_seconds", "is_linked"),
    [
        pytest.param(account(), None, 0, False, id="as it was, and no task"),
        pytest.param(ANOTHER, None, 0, True, id="another record, and no task"),
        pytest.param(account(), "STARTED", 0, False, id="as it was, under way"),
        pytest.param(ANOTHER, "STARTED", 0, False, id="another record, under way"),
        pytest.param(ANOTHER, "FINISHED", 0, True, id="another record, finished"),
        pytest.param(account(), "FINISHED", 0, False, id="as it was, finished just now"),
        pytest.param(account(), "FINISHED", RELINK_GRACE_SECONDS, False, id="as it was, in the grace"),
        pytest.param(account(), "FINISHED", RELINK_GRACE_SECONDS + 1, True, id="as it was, after the grace"),
    ],
)
def test_a_record_that_was_there_before_is_the_new_links_once_the_task_or_the_record_says_so(
    found: AccountRecord, ended: str | None, since_finished_seconds: float, *, is_linked: bool
) -> None:
    verdict = evaluate_link(
        RENEWED, [found], task(ended) if ended else None, since_finished_seconds=since_finished_seconds
    )
    if is_linked:
        assert verdict == Linked(account=found)
    else:
        assert isinstance(verdict, Waiting)
        assert verdict.why.endswith("; the account is ACTIVE by its earlier link")


@pytest.mark.parametrize(
    ("task_id", "task_is_unknown", "version", "is_linked"),
    [
        pytest.param(None, False, None, True, id="no task, no version"),
        pytest.param("t", True, None, True, id="a task that the service forgot, no version"),
        pytest.param("t", False, None, False, id="a task that was not looked at"),
        pytest.param(None, False, 1, False, id="the version of before"),
    ],
)
def test_a_renewed_link_of_which_nothing_can_show_that_it_was_run_is_believed(
    task_id: str | None, version: int | None, *, task_is_unknown: bool, is_linked: bool
) -> None:
    before = dataclasses.replace(account(), version=version)
    renewed = dataclasses.replace(
        REQUESTED,
        tracking_task=task_id,
        previous_revision=before.revision,
        revision_at_request=before.revision,
    )
    found = evaluate_link(renewed, [before], None, task_is_unknown=task_is_unknown)
    assert isinstance(found, Linked) is is_linked
    assert template_was_run(None, before, before.revision) is (version is None)


def test_a_template_was_run_when_its_task_finished_or_the_record_is_another() -> None:
    before = account().revision
    assert template_was_run(task("FINISHED"), account(), before)
    assert not template_was_run(task("STARTED"), ANOTHER, before)
    assert not template_was_run(None, account(), before)
    assert template_was_run(None, ANOTHER, before)
    assert template_was_run(None, None, before)


@pytest.mark.parametrize(
    ("accounts", "observed"),
    [
        ([], "the account is not listed yet"),
        ([account(stack="theirs")], 'the list still shows the link of CloudFormation stack "theirs"'),
        ([account("BROKEN")], "the account is BROKEN"),
        ([account("BROKEN", stack="theirs")], "the account is BROKEN"),
    ],
)
def test_who_waits_reads_what_the_list_and_the_task_say(accounts: list[AccountRecord], observed: str) -> None:
    progress = dataclasses.replace(task("STARTED", percent=10), phase="ROLES\nX", remaining_minutes=3)
    assert evaluate_link(REQUESTED, accounts, progress) == Waiting(
        why=f"task STARTED, 10 %, ROLES X, about 3 min to go; {observed}", stage=f"STARTED; {observed}"
    )
    assert evaluate_link(REQUESTED, accounts, None) == Waiting(
        why=f"nothing is known of the link's task; {observed}", stage=f"None; {observed}"
    )


def test_an_account_missing_long_after_the_tasks_end_is_a_failure() -> None:
    early = evaluate_link(REQUESTED, [], task("FINISHED"), since_finished_seconds=LIST_GRACE_SECONDS)
    late = evaluate_link(REQUESTED, [], task("FINISHED"), since_finished_seconds=LIST_GRACE_SECONDS + 1)
    assert isinstance(early, Waiting)
    assert isinstance(late, Failed)
    assert "FINISHED, yet 5 min later the account is not in the list of connected accounts." in str(
        late.error
    )


def test_a_link_that_ended_up_with_another_stack_names_that_stack() -> None:
    verdict = evaluate_link(
        REQUESTED, [account(stack="theirs")], task("FINISHED"), since_finished_seconds=3600
    )
    assert isinstance(verdict, Failed)
    assert 'yet 60 min later the account is linked by another CloudFormation stack, "theirs".' in str(
        verdict.error
    )


def test_a_broken_account_is_given_until_the_deadline_to_recover() -> None:
    assert isinstance(
        evaluate_link(REQUESTED, [account("BROKEN")], task("FINISHED"), since_finished_seconds=1e6), Waiting
    )


def test_a_growing_percentage_is_told_but_is_no_news() -> None:
    first, second = (evaluate_link(REQUESTED, [], task("STARTED", percent=percent)) for percent in (10, 20))
    assert isinstance(first, Waiting)
    assert isinstance(second, Waiting)
    assert ("10 %" in first.why, "20 %" in second.why) == (True, True)
    assert first.stage == second.stage


def test_an_answer_is_noticed_at_most_a_tenth_or_a_second_late() -> None:
    elapsed = 0.0
    while elapsed < 3600:
        pause = pause_seconds(elapsed)
        assert pause <= max(1.0, 0.1 * elapsed)
        elapsed += pause


def test_an_answer_is_noticed_at_most_two_seconds_late_however_long_it_took() -> None:
    assert max(map(pause_seconds, range(0, 7200, 10))) == 2.0
