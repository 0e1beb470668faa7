"""`pulumi up`, preview and refresh on the real engine: what is asked, what is shown, what is stored."""

import itertools
import re

import pytest

from tests.support.lab import ACCOUNT, Lab
from vmc_account_link.link.progress import pause_seconds

pytestmark = pytest.mark.engine


def test_up_links_the_account_and_asks_for_the_link_once(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=3.0)
    done = lab.up()

    outputs = lab.outputs()
    assert outputs["connected_account_state"] == "ACTIVE"
    assert outputs["account_number"] == ACCOUNT
    assert outputs["stack_name"] == "SDDC-Account-Link"
    assert outputs["stack_id"].startswith(
        "arn:aws:cloudformation:us-west-2:123456789012:stack/SDDC-Account-Link/"
    )
    assert outputs["compatible_subnets"] == {}
    (record,) = lab.control.connected_accounts()
    assert outputs["connected_account_id"] == record.id
    (link,) = lab.control.links()
    assert outputs["tracking_task"] == link.tracking_task
    assert re.search(rf"task STARTED.* \(AWS account {ACCOUNT}, 0:0\d\)", done.output)

    journal = lab.control.journal()
    calls = [entry.call for entry in journal]
    assert calls.count("exchange-token") == 1
    assert calls.count("request-link") == 1
    assert calls.count("download-template") == 1
    stack_created = calls.index("cloudformation.CreateStack")
    assert calls[:stack_created].count("list-connected-accounts") <= 2
    polls = [e for e in journal[stack_created:] if e.call == "list-connected-accounts"]
    assert 2 <= len(polls) <= polls_allowed(polls[-1].monotonic - polls[0].monotonic)


def polls_allowed(seconds: float) -> int:
    """How often the schedule looks within a wait that took so long."""
    times = itertools.accumulate(itertools.repeat(0.0), lambda elapsed, _: elapsed + pause_seconds(elapsed))
    return sum(1 for _ in itertools.takewhile(lambda elapsed: elapsed <= seconds + 0.05, times))


def test_a_connection_is_noticed_within_a_second(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=4.0)
    lab.up()
    (record,) = lab.control.connected_accounts()
    last_poll = lab.control.journal(call="list-connected-accounts")[-1]
    assert (last_poll.at - record.updated).total_seconds() <= 1.0


def test_preview_refresh_and_an_unchanged_up_ask_for_no_link(lab: Lab) -> None:
    before_anything = lab.must("preview")
    assert "vmc-account-link:ConnectionWait" in before_anything.output
    assert lab.calls(service="vmc") == ["list-connected-accounts"]

    lab.up()
    lab.control.clear_journal()
    lab.must("up", "--yes", "--expect-no-changes")
    lab.must("preview", "--expect-no-changes")
    assert lab.calls(service="vmc") + lab.calls(service="csp") + lab.calls(service="template") == []

    lab.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert lab.calls(service="vmc") == ["list-connected-accounts"]


def test_an_expired_link_of_a_connected_account_is_left_alone(lab: Lab) -> None:
    with lab.hours_ago():
        lab.up()
    lab.control.clear_journal()
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "request-link" not in lab.calls()


def test_a_change_of_tags_updates_the_stack_in_place(lab: Lab) -> None:
    lab.up()
    before = lab.outputs()
    lab.must("config", "set", "--path", "tags.owner", "workshop")
    lab.control.clear_journal()
    lab.up()
    assert lab.outputs() == before
    assert "cloudformation.UpdateStack" in lab.calls()
    assert "cloudformation.DeleteStack" not in lab.calls()
    assert lab.calls(service="vmc") == []


def test_another_stack_name_unlinks_first_then_replaces_the_stack_and_links_anew(lab: Lab) -> None:
    lab.up()
    lab.control.clear_journal()
    lab.set({"stackName": "Lab-7"})
    lab.up()
    calls = lab.calls()
    order = [
        calls.index(call) for call in ("unlink", "cloudformation.DeleteStack", "cloudformation.CreateStack")
    ]
    assert order == sorted(order)
    assert calls.count("request-link") == 1
    (record,) = lab.control.connected_accounts()
    assert record.cf_stack_name == "Lab-7"
    assert lab.outputs()["connected_account_state"] == "ACTIVE"


def test_a_template_that_is_too_large_for_a_body_goes_to_cloudformation_by_its_url(lab: Lab) -> None:
    lab.control.set_modes(template="large")
    lab.up()
    stack = lab.resources()["Stack"]["inputs"]
    assert "templateUrl" in stack
    assert "templateBody" not in stack
    assert lab.calls().count("download-template") == 1


def test_drift_shows_on_refresh_and_a_broken_account_is_waited_for(lab: Lab) -> None:
    lab.up()
    lab.control.set_account_state(ACCOUNT, "BROKEN")
    lab.must("refresh", "--yes", "--skip-preview")
    assert lab.resources()["ConnectionWait"]["outputs"]["connected_account_state"] == "BROKEN"
    lab.control.set_account_state(ACCOUNT, "ACTIVE")
    lab.up()
    assert lab.outputs()["connected_account_state"] == "ACTIVE"
    lab.control.remove_account(ACCOUNT)
    lab.must("refresh", "--yes", "--skip-preview")
    assert "ConnectionWait" not in lab.resources()
