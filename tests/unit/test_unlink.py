"""What a destroy does where no connected account stands for the link. Pure, with worlds as values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord, Task
from vmc_account_link.link.progress import LinkTarget, Waiting
from vmc_account_link.link.unlink import (
    NothingToUnlink,
    Unlink,
    evaluate_unrecorded,
    has_name_since_before,
)

NUMBER = "123456789012"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
REQUESTED = LinkTarget(account_number=NUMBER, stack_name="ours", tracking_task="t")


def account(stack: str = "ours") -> AccountRecord:
    return AccountRecord(id="record", account_number=NUMBER, cf_stack_name=stack, state="ACTIVE", version=1)


def task(status: str = "STARTED", percent: int = 0) -> Task:
    started = NOW - timedelta(minutes=10)
    return Task(
        id="t",
        status=status,
        progress_percent=percent,
        remaining_minutes=None,
        phase=None,
        error=None,
        started=started,
        updated=started,
    )


@pytest.mark.parametrize(
    ("record", "link_task", "waits", "waits_where_taken"),
    [
        pytest.param(account(), task(), True, False, id="a task that may only wait for the template"),
        pytest.param(account(), task(percent=7), True, True, id="a task that has begun"),
        pytest.param(account("theirs"), task(), False, False, id="a record of another name"),
        pytest.param(account(), task("FAILED"), False, False, id="a task that failed"),
        pytest.param(None, task(percent=7), True, True, id="a task that has begun, no record"),
        pytest.param(None, task(), False, False, id="a task that may only wait, no record"),
    ],
)
def test_a_record_of_the_name_is_waited_for_unless_another_stack_had_the_name_before(
    record: AccountRecord | None, link_task: Task, *, waits: bool, waits_where_taken: bool
) -> None:
    found = [
        isinstance(evaluate_unrecorded(REQUESTED, record, link_task, NOW, name_was_taken=taken), Waiting)
        for taken in (False, True)
    ]
    assert found == [waits, waits_where_taken]


def test_what_is_left_alone_is_said_with_the_reason() -> None:
    left = evaluate_unrecorded(REQUESTED, account(), task(), NOW, name_was_taken=True)
    assert left == NothingToUnlink(
        note=f'AWS account {NUMBER} is linked by CloudFormation stack "ours", which was there before this '
        "link was requested: left alone"
    )


def test_a_link_that_finished_is_unlinked_whoever_has_the_name_now() -> None:
    """The proof is the task: the stack that ran it may be gone, and another one of its name there."""
    verdict = evaluate_unrecorded(REQUESTED, account(), task("FINISHED"), NOW, name_was_taken=True)
    assert verdict == Unlink(account=account())


@pytest.mark.parametrize(
    ("created", "updated", "is_proof"),
    [
        pytest.param(-3600, None, True, id="from before, never updated"),
        pytest.param(-3600, -60, True, id="from before, updated before"),
        pytest.param(-3600, 60, False, id="from before, updated since: perhaps to this template"),
        pytest.param(60, None, False, id="made since: another one may have been there before it"),
        pytest.param(-3, None, False, id="so little before that the clocks may differ"),
    ],
)
def test_a_name_that_was_taken_before_the_request_is_proof(
    created: float, updated: float | None, *, is_proof: bool
) -> None:
    moments: dict[str, Any] = {
        "created": NOW + timedelta(seconds=created),
        "updated": None if updated is None else NOW + timedelta(seconds=updated),
    }
    assert has_name_since_before(NOW, **moments) is is_proof
