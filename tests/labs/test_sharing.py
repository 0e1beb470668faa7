"""What the labs of one driver read together, against the emulated service over real HTTP."""

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from tests.support.lab import ACCOUNT
from tests.support.patience import until
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.request import GLANCE_READ_SECONDS, RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import Refused, ResponseLost, Unavailable, VmcError, WaitInterrupted
from vmc_account_link.settings import VmcSettings
from vmc_labs.fleet.sharing import FRESH_SECONDS, TASK_READS_PER_SECOND, Readings, SharingClient

LABS = 12
LIST = "list-connected-accounts"


class Clock:
    """Seconds since a moment, that pass by themselves and can be passed."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lab(settings: VmcSettings, clock: Clock) -> Callable[..., SharingClient]:
    """Makes the client of one more lab; all of them share."""
    return functools.partial(SharingClient, settings, tokens=AccessTokens(), readings=Readings(clock))


def calls(control: SandboxControl, name: str = LIST) -> int:
    return len(control.journal(call=name))


def at_once(ask: Callable[[int], object]) -> list[object]:
    """What comes of asking from as many threads as there are labs: values, and errors of ours."""

    def requested(number: int) -> object:
        try:
            return ask(number)
        except VmcError as error:
            return error

    with ThreadPoolExecutor(LABS) as pool:
        return list(pool.map(requested, range(LABS)))


def test_labs_that_wait_read_the_list_once_and_exchange_one_token(
    lab: Callable[..., SharingClient], control: SandboxControl, clock: Clock
) -> None:
    record = control.seed_account(ACCOUNT, cf_stack_name="ours")
    for rounds in range(1, 4):
        lists = at_once(lambda _: lab().list_connected_accounts())
        assert [[one.id for one in accounts] for accounts in lists] == [[record.id]] * LABS  # type: ignore[attr-defined]
        assert calls(control) == rounds
        clock.passed += FRESH_SECONDS + 0.1
    assert calls(control, "exchange-token") == 1


def test_asking_for_a_link_is_never_shared(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    tasks = {link.tracking_task for link in at_once(lambda _: lab().request_link())}  # type: ignore[attr-defined]
    assert len(tasks) == calls(control, "request-link") == LABS


def test_what_was_read_before_a_change_does_not_count_after_it(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="ours")
    (record,) = lab().list_connected_accounts()
    with lab() as vmc:
        vmc.unlink(record)
        assert lab().list_connected_accounts() == ()
        assert calls(control) == 2
        vmc.request_link()
        assert lab().list_connected_accounts() == ()
    assert calls(control) == 3


def test_the_more_tasks_are_looked_at_the_older_a_reading_may_be(
    lab: Callable[..., SharingClient], control: SandboxControl, clock: Clock
) -> None:
    tasks = [link.tracking_task for link in at_once(lambda _: lab().request_link())]  # type: ignore[attr-defined]
    passed_and_expected = [
        (0.0, LABS),
        (LABS / TASK_READS_PER_SECOND - 1, LABS),
        # Not all that are old enough in one moment.
        (2.0, LABS + 1),
        (1 / TASK_READS_PER_SECOND + 0.1, LABS + 2),
    ]
    for passed, expected in passed_and_expected:
        clock.passed += passed
        for task in tasks:
            lab().get_task(task, max_age_seconds=5)
        assert calls(control, "get-task") == expected
    lab().get_task(tasks[0])
    assert calls(control, "get-task") == LABS + 3, "who needs it now gets it now"


def test_whoever_waits_long_is_content_with_an_older_list(
    lab: Callable[..., SharingClient], control: SandboxControl, clock: Clock
) -> None:
    for passed, expected in ((0.0, 1), (1.5, 1), (1.5, 2)):
        clock.passed += passed
        lab().list_connected_accounts(max_age_seconds=2)
        assert calls(control) == expected
    clock.passed += 1.5
    lab().list_connected_accounts()
    assert calls(control) == 3


def test_a_failure_that_may_pass_is_not_taken_for_the_answer_of_the_next_attempt(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    """However short the pauses: four attempts within a second would be four times the same reading."""
    control.plan_fault("vmc", LIST, "reset_midway")
    assert at_once(lambda _: lab().list_connected_accounts()) == [()] * LABS
    assert calls(control) == 2


def test_who_leaves_while_reading_for_others_leaves_them_no_error(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    control.plan_fault("csp", "exchange-token", "slow", seconds=3)
    leaving, staying = (CallContext(canceled=threading.Event()) for _ in range(2))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(lab(context=leaving).list_connected_accounts, RetryPolicy.NONE)
        until(lambda: control.journal(call="exchange-token"))
        other = pool.submit(lab(context=staying).list_connected_accounts, RetryPolicy.NONE)
        leaving.canceled.set()
        with pytest.raises(WaitInterrupted):
            first.result()
        assert other.result() == ()


def test_the_services_clock_is_known_to_who_shared_the_answer_that_told_it(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    control.advance(5 * 3600)
    reader, sharer = lab(), lab()
    reader.list_connected_accounts()
    sharer.list_connected_accounts()
    assert calls(control) == 1
    assert abs(sharer.clock_ahead_seconds() - 5 * 3600) < 5


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param({"kind": "time_out", "seconds": 0.3}, ResponseLost, id="no answer"),
        pytest.param({"kind": "reset_midway"}, ResponseLost, id="half an answer"),
        pytest.param({"kind": "status", "status": 500}, Unavailable, id="a refusal"),
    ],
)
def test_a_failure_reaches_all_who_share_it_as_an_error_of_their_own(
    lab: Callable[..., SharingClient],
    control: SandboxControl,
    kind: Mapping[str, Any],
    expected: type[VmcError],
) -> None:
    lab().request_link()  # the token is there
    control.plan_fault("vmc", LIST, count=LABS, **kind)
    errors = at_once(lambda _: lab().list_connected_accounts(RetryPolicy.NONE))
    assert {type(error) for error in errors} == {expected}
    assert calls(control) < LABS


def test_while_the_service_wants_to_be_left_alone_it_is(
    lab: Callable[..., SharingClient], control: SandboxControl, clock: Clock
) -> None:
    control.plan_fault("vmc", LIST, "status", status=429, retry_after=20)
    for left in (20, 11):
        with pytest.raises(Refused) as rejected:
            lab().list_connected_accounts(RetryPolicy.NONE)
        assert rejected.value.retry_after_seconds == left
        clock.passed += 9.5
    clock.passed += 2
    assert lab().list_connected_accounts(RetryPolicy.NONE) == ()
    assert calls(control) == 2


def test_a_token_that_the_service_no_longer_takes_is_renewed_once_for_all(
    lab: Callable[..., SharingClient], control: SandboxControl, clock: Clock
) -> None:
    lab().list_connected_accounts()
    control.advance(3600)
    clock.passed += FRESH_SECONDS + 0.1
    assert at_once(lambda _: lab().list_connected_accounts()) == [()] * LABS
    assert calls(control, "exchange-token") == 2


def test_a_shared_reading_ends_soon_after_ctrl_c(
    lab: Callable[..., SharingClient], control: SandboxControl
) -> None:
    lab().request_link()  # the token is there
    control.plan_fault("vmc", LIST, "time_out", seconds=60)
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        other = pool.submit(lab().list_connected_accounts, RetryPolicy.IDEMPOTENT)
        while not calls(control):
            time.sleep(0.05)
        with pytest.raises(ResponseLost):
            lab().list_connected_accounts(RetryPolicy.NONE)
        assert time.monotonic() - began < GLANCE_READ_SECONDS + 3
        assert other.result() == ()


def test_the_clients_of_one_organisation_and_credential_share(settings: VmcSettings) -> None:
    one, same = SharingClient(settings), SharingClient(settings)
    assert one._readings is same._readings
    assert SharingClient(dataclasses.replace(settings, org_id="other"))._readings is not one._readings
