"""A link's life through the API, in every mode: real HTTP server, clock moved by the test."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.vmc.state import LinkRefused
from sandbox.vmc.template import INLINE_LIMIT_BYTES
from tests.sandbox.service import ACCOUNT, ROLE_ARNS, TIMEOUT_SECONDS, Vmware
from vmc_account_link.template import parse

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def download(url: str) -> requests.Response:
    return requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def test_a_link_has_the_documented_fields_and_expires(vmware: Vmware) -> None:
    before = vmware.control.now()
    link = vmware.request_link()
    assert set(link) == {"tracking_task", "expiration_date", "template_url", "template_execution_url"}
    assert TIMESTAMP.fullmatch(link["expiration_date"])
    lifetime = datetime.fromisoformat(link["expiration_date"]) - before
    assert timedelta(seconds=1800) <= lifetime < timedelta(seconds=1810)


def test_each_call_mints_another_link(vmware: Vmware) -> None:
    assert vmware.request_link()["tracking_task"] != vmware.request_link()["tracking_task"]
    assert len(vmware.control.links()) == 2


def test_template_is_cloudformation_with_the_link_baked_in(vmware: Vmware) -> None:
    link = vmware.request_link()
    answer = download(link["template_url"])
    assert answer.status_code == 200
    template = parse.load(answer.text)
    resources = template["Resources"]
    assert {name: resource["Type"] for name, resource in resources.items()} == {
        "RemoteRole": "AWS::IAM::Role",
        "RemoteRolePayer": "AWS::IAM::Role",
        "RemoteRoleService": "AWS::IAM::Role",
        "BasicLambdaRole": "AWS::IAM::Role",
        "LinkFunction": "AWS::Lambda::Function",
        "AccountLink": "Custom::VmcAccountLink",
    }
    properties = resources["AccountLink"]["Properties"]
    assert properties["LinkId"] == link["tracking_task"]
    assert properties["OrgId"] == vmware.org_id
    assert properties["RoleArns"] == {name: {"Fn::GetAtt": [name, "Arn"]} for name in ROLE_ARNS}
    assert not [r for r in resources.values() if "RoleName" in r["Properties"]]


def test_in_process_lookup_gives_what_the_url_serves(vmware: Vmware) -> None:
    link = vmware.request_link()
    url = link["template_url"]
    served = download(url).text
    store = vmware.world.links
    assert store.template_for_url(url) == served == store.template_text(link["tracking_task"])
    assert store.template_for_url(url.replace("127.0.0.1", "127.0.0.2")) is None
    assert store.template_for_url(url.split("?", maxsplit=1)[0]) is None


def test_template_url_is_denied_without_its_signature(vmware: Vmware) -> None:
    url = vmware.request_link()["template_url"]
    wrong = re.sub("Signature=.*", "Signature=00", url)
    answer = download(wrong)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/xml")
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text
    assert vmware.world.links.template_for_url(wrong) is None


def test_template_url_is_denied_after_expiry(vmware: Vmware) -> None:
    url = vmware.request_link()["template_url"]
    vmware.control.advance(1801)
    answer = download(url)
    assert answer.status_code == 403
    assert "<Message>Request has expired</Message>" in answer.text
    assert vmware.world.links.template_for_url(url) is None


def test_large_template_is_valid_and_above_the_inline_limit(vmware: Vmware) -> None:
    vmware.control.set_modes(template="large")
    text = download(vmware.request_link()["template_url"]).text
    assert len(text.encode()) > INLINE_LIMIT_BYTES
    assert "AccountLink" in parse.load(text)["Resources"]


def test_template_can_be_a_web_page_instead(vmware: Vmware) -> None:
    vmware.control.set_modes(template="not_a_template")
    answer = download(vmware.request_link()["template_url"])
    assert (answer.status_code, answer.text[:15]) == (200, "<!doctype html>")


def test_template_can_redirect_to_a_foreign_host(vmware: Vmware) -> None:
    vmware.control.set_modes(template="redirect")
    url = vmware.request_link()["template_url"]
    answer = download(url)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://templates.example.net/")
    assert vmware.world.links.template_for_url(url) is None


def test_template_url_can_name_a_foreign_host(vmware: Vmware) -> None:
    vmware.control.set_modes(template="foreign_host")
    url = vmware.request_link()["template_url"]
    assert url.startswith("https://templates.example.net/")
    assert vmware.world.links.template_for_url(url) is None


def test_template_can_be_missing(vmware: Vmware) -> None:
    vmware.control.set_modes(template="missing")
    url = vmware.request_link()["template_url"]
    assert download(url).status_code == 403
    assert vmware.world.links.template_for_url(url) is None


def test_task_starts_grows_and_finishes_with_the_record(vmware: Vmware) -> None:
    vmware.control.set_modes(task_seconds=100)
    link = vmware.request_link()
    assert (vmware.task(link)["status"], vmware.task(link)["progress_percent"]) == ("STARTED", 0)
    vmware.run_template(link)
    vmware.control.advance(50)
    assert 50 <= vmware.task(link)["progress_percent"] < 60
    assert vmware.accounts() == []
    vmware.control.advance(50)
    task = vmware.task(link)
    assert (task["status"], task["progress_percent"], task["error_message"]) == ("FINISHED", 100, None)
    assert TIMESTAMP.fullmatch(task["end_time"])
    assert [account["account_number"] for account in vmware.accounts()] == [ACCOUNT]


def test_task_shows_every_documented_field_nulls_included(vmware: Vmware) -> None:
    task = vmware.task(vmware.request_link())
    documented = (
        "id status sub_status task_type task_version resource_type resource_id org_id org_type "
        "progress_percent estimated_remaining_minutes phase_in_progress task_progress_phases params "
        "error_message localized_error_message customer_error_message service_errors start_time end_time "
        "created updated version user_id user_name parent_task_id correlation_id"
    )
    assert set(documented.split()) <= set(task)
    assert (task["estimated_remaining_minutes"], task["end_time"], task["params"]) == (-1, None, {})


def test_unknown_task_is_a_404_error_response(vmware: Vmware) -> None:
    answer = vmware.ask("/tasks/no-such")
    assert answer.status_code == 404
    body: dict[str, Any] = answer.json()
    assert set(body) == {"status", "path", "retryable", "error_code", "error_messages"}
    assert body["path"] == f"/vmc/api/orgs/{vmware.org_id}/tasks/no-such"


def test_task_that_never_ends_keeps_running_past_expiry(vmware: Vmware) -> None:
    vmware.control.set_modes(task_outcome="never")
    link = vmware.link_account()
    vmware.pass_time(100_000)
    task = vmware.task(link)
    assert (task["status"], task["progress_percent"]) == ("STARTED", 60)
    assert vmware.accounts() == []


def test_failed_task_says_why_and_leaves_no_record(vmware: Vmware) -> None:
    vmware.control.set_modes(task_outcome="fail", task_error_message="no role")
    link = vmware.link_account()
    task = vmware.task(link)
    assert (task["status"], task["error_message"]) == ("FAILED", "no role")
    assert task["service_errors"][0]["default_message"] == "no role"
    assert vmware.accounts() == []


def test_canceled_task_passes_through_canceling(vmware: Vmware) -> None:
    vmware.control.set_modes(task_outcome="cancel", task_seconds=100)
    link = vmware.request_link()
    vmware.run_template(link)
    vmware.control.advance(60)
    assert vmware.task(link)["status"] == "CANCELING"
    vmware.control.advance(40)
    assert vmware.task(link)["status"] == "CANCELED"
    assert vmware.accounts() == []


def test_task_without_a_run_fails_when_its_link_expires(vmware: Vmware) -> None:
    link = vmware.request_link()
    vmware.pass_time(1801)
    task = vmware.task(link)
    assert (task["status"], task["error_message"]) == ("FAILED", "The link request has expired.")


def test_task_can_lag_behind_the_record(vmware: Vmware) -> None:
    vmware.control.set_modes(task_lag_seconds=100)
    link = vmware.link_account()
    assert (vmware.task(link)["status"], len(vmware.accounts())) == ("STARTED", 1)
    vmware.control.advance(100)
    assert vmware.task(link)["status"] == "FINISHED"


def test_record_can_lag_behind_the_task(vmware: Vmware) -> None:
    vmware.control.set_modes(list_lag_seconds=100)
    link = vmware.link_account()
    assert (vmware.task(link)["status"], len(vmware.accounts())) == ("FINISHED", 0)
    assert len(vmware.control.connected_accounts()) == 1
    vmware.control.advance(100)
    assert len(vmware.accounts()) == 1


def test_changed_modes_do_not_rewrite_a_run_that_has_begun(vmware: Vmware) -> None:
    link = vmware.request_link()
    vmware.run_template(link)
    vmware.control.set_modes(task_outcome="fail")
    vmware.control.advance(2)
    assert vmware.task(link)["status"] == "FINISHED"


def test_failed_task_stays_failed_when_its_link_is_run_again(vmware: Vmware) -> None:
    vmware.control.set_modes(task_outcome="fail")
    link = vmware.link_account()
    vmware.control.set_modes(task_outcome="finish")
    vmware.run_template(link)
    vmware.control.advance(2)
    assert (vmware.task(link)["status"], len(vmware.accounts())) == ("FAILED", 1)


def test_run_of_an_unknown_link_is_refused_in_one_line(vmware: Vmware) -> None:
    with pytest.raises(LinkRefused, match=r"^the link request no-such is unknown$"):
        vmware.run_template({"tracking_task": "no-such"})


def test_run_after_expiry_is_refused_and_before_it_taken(vmware: Vmware) -> None:
    link = vmware.request_link()
    vmware.control.advance(1790)
    vmware.run_template(link)
    vmware.control.advance(11)
    with pytest.raises(LinkRefused, match="expired at"):
        vmware.run_template(link)
    assert [found.runs for found in vmware.control.links()] == [1]
