"""The service's payloads: what we need is required, what we do not use may be anything. Pure."""

from datetime import UTC, datetime
from typing import Any

import pytest

from vmc_account_link.api.models import AccountRecord, BadPayload, Link, Organisation, SddcConnection, Task

LINK = {
    "tracking_task": "5d1f7e0a",
    "expiration_date": "2026-01-10T12:30:00.000000Z",
    "template_url": "https://b.s3.us-west-2.amazonaws.com/t?X-Amz-Signature=abc",
    "template_execution_url": "https://console.aws.amazon.com/x",
}
ACCOUNT = {"id": "aaaa", "account_number": "123456789012", "cf_stack_name": "S", "state": "ACTIVE"}


def test_a_link_is_read_with_its_expiry_in_utc() -> None:
    link = Link.from_wire(LINK)
    assert link.expiration_date == datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
    assert (link.tracking_task, link.template_url) == ("5d1f7e0a", LINK["template_url"])


def test_a_link_without_an_expiry_is_still_a_link() -> None:
    wire = {key: value for key, value in LINK.items() if key != "expiration_date"}
    assert Link.from_wire(wire).expiration_date is None


def test_the_signed_url_is_not_in_a_links_repr() -> None:
    assert "Signature" not in repr(Link.from_wire(LINK))


def test_a_record_with_unknown_keys_and_a_new_state_is_read_as_it_is() -> None:
    record = AccountRecord.from_wire(
        {**ACCOUNT, "state": "PENDING", "region_to_datacenter_to_az_mapping": None}
    )
    assert record.state == "PENDING"


def test_a_tasks_estimate_of_minus_one_means_none() -> None:
    task = Task.from_wire(
        {"id": "t", "status": "STARTED", "progress_percent": 0, "estimated_remaining_minutes": -1}
    )
    assert (task.progress_percent, task.remaining_minutes) == (0, None)


def test_the_phase_has_its_name() -> None:
    phases = [{"id": "1", "name": "one"}, {"id": "2", "name": "Verifying roles"}]
    task = Task.from_wire(
        {"id": "t", "status": "STARTED", "phase_in_progress": "2", "task_progress_phases": phases}
    )
    assert task.phase == "Verifying roles"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error_message": "internal", "customer_error_message": "for you"}, "for you"),
        ({"error_message": "internal"}, "internal"),
        ({"service_errors": [{"default_message": "below"}]}, "below"),
        ({"service_errors": "nonsense", "error_message": " "}, None),
    ],
)
def test_a_failed_task_tells_the_text_meant_for_customers_first(
    fields: dict[str, Any], expected: str | None
) -> None:
    assert Task.from_wire({"id": "t", "status": "FAILED", **fields}).error == expected


@pytest.mark.parametrize(
    ("read", "wire", "named"),
    [
        pytest.param(Link.from_wire, {**LINK, "template_url": None}, "template_url", id="no template"),
        pytest.param(Link.from_wire, {**LINK, "template_url": 7}, "template_url", id="a number for a URL"),
        pytest.param(Link.from_wire, [LINK], "object", id="a list for a link"),
        pytest.param(Link.from_wire, None, "nothing", id="null for a link"),
        pytest.param(AccountRecord.list_from_wire, {"results": []}, "list", id="an object for the list"),
        pytest.param(SddcConnection.list_from_wire, None, "list", id="null for the SDDCs' connections"),
    ],
)
def test_a_payload_without_what_we_need_is_refused_by_the_fields_name(
    read: Any, wire: Any, named: str
) -> None:
    with pytest.raises(BadPayload, match=named):
        read(wire)


@pytest.mark.parametrize(
    ("read", "wire", "field", "expected", "unread"),
    [
        pytest.param(Link.from_wire, {**LINK, "expiration_date": "soon"}, "expiration_date", None,
                     "expiration_date is not a moment in ISO 8601", id="no moment"),
        pytest.param(Link.from_wire, {**LINK, "expiration_date": 1768048200000}, "expiration_date",
                     datetime(2026, 1, 10, 12, 30, tzinfo=UTC), None, id="milliseconds"),
        pytest.param(Link.from_wire, {**LINK, "expiration_date": "1768048200"}, "expiration_date",
                     datetime(2026, 1, 10, 12, 30, tzinfo=UTC), None, id="seconds in a text"),
        pytest.param(Link.from_wire, {**LINK, "expiration_date": 10**400}, "expiration_date", None,
                     "expiration_date is int, not text", id="a number beyond all dates"),
        pytest.param(Link.from_wire, {**LINK, "tracking_task": ["t"]}, "tracking_task", None,
                     "tracking_task is list, not text", id="a list for the task"),
        pytest.param(Link.from_wire, {"template_url": "https://x/y"}, "tracking_task", None, None,
                     id="nothing but the template"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "id": ""}, "id", "", None, id="no id"),
        pytest.param(AccountRecord.from_wire, {"id": "aaaa"}, "state", None, None, id="nothing but the id"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "state": 1.5}, "state", None,
                     "state is float, not text", id="a fraction for the state"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "state": "Active"}, "state", "ACTIVE", None,
                     id="another case"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "account_number": 12345678901}, "account_number",
                     "012345678901", None, id="a number that lost its first digit"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "account_number": "1234-5678-9012"},
                     "account_number", "123456789012", None, id="a number with dashes"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "version": "7"}, "version", 7, None,
                     id="a version in a text"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "version": {}}, "version", None,
                     "version is not a whole number", id="an object for the version"),
        pytest.param(AccountRecord.from_wire, {**ACCOUNT, "updated": 1768048200000}, "updated",
                     "1768048200000", None, id="a date in milliseconds"),
        pytest.param(Task.from_wire, {"id": "t"}, "status", None, None, id="no status"),
        pytest.param(Task.from_wire, {"status": "S", "progress_percent": 0.5}, "progress_percent", None,
                     "progress_percent is not a whole number", id="a fraction"),
        pytest.param(Task.from_wire, {"status": "S", "progress_percent": 1e400}, "progress_percent", None,
                     "progress_percent is not a whole number", id="infinity"),
    ],
)  # fmt: skip
def test_a_field_that_can_not_be_read_is_unknown_and_named(
    read: Any, wire: Any, field: str, expected: Any, unread: str | None
) -> None:
    value = read(wire)
    assert getattr(value, field) == expected
    assert value.unread == ((unread,) if unread else ())


def test_one_record_that_can_not_be_read_hides_no_other() -> None:
    strange: list[Any] = [
        None,
        7,
        [],
        {},
        {"id": {}},
        {**ACCOUNT, "state": None},
        {**ACCOUNT, "account_number": True},
    ]
    records = AccountRecord.list_from_wire([*strange, ACCOUNT])
    assert records[-1] == AccountRecord.from_wire(ACCOUNT)
    assert len(records) == 5


def test_a_connection_of_which_nothing_is_known_is_still_one() -> None:
    connections = SddcConnection.list_from_wire([{"sddc_id": "s"}, None])
    assert [(one.sddc_id, one.connected_account_id) for one in connections] == [("s", None), (None, None)]


def test_an_organisation_is_known_by_the_name_that_people_see() -> None:
    wire = [
        {"id": "o", "name": "x", "display_name": "Workshop"},
        {"id": "gone", "project_state": "DELETED"},
        {},
    ]
    assert Organisation.list_from_wire(wire) == (Organisation(id="o", name="Workshop"),)


def test_the_roles_of_an_account_are_those_that_the_service_names() -> None:
    record = AccountRecord.from_wire(
        {
            **ACCOUNT,
            "policy_payer_arn": "arn:1",
            "policy_payer_linked_arn": None,
            "policy_service_arn": "arn:3",
        }
    )
    assert record.role_arns == ("arn:1", "arn:3")


def test_an_sddcs_connection_is_read_with_what_it_lacks() -> None:
    (connection,) = SddcConnection.list_from_wire(
        [{"id": "c", "sddc_id": "s", "subnet_availability_zone": "us-west-2a", "state": "ACTIVE", "more": 1}]
    )
    assert (connection.sddc_id, connection.availability_zone, connection.vpc_id) == ("s", "us-west-2a", None)
