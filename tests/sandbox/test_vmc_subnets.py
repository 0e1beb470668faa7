"""Compatible subnets and SDDC connections; and that VMware's SDK decodes all answers around a link.

Real: an HTTP server, moto's network, VMware's runtime. The clock is the test's.
"""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask
from moto.ec2.models import ec2_backends
from moto.moto_api._internal.models import moto_api_backend

from sandbox.vmc.routes import vmc_blueprint
from tests.contract.model import decode, unknown_fields
from tests.sandbox.service import ACCOUNT, Vmware

SUBNETS = "/account-link/compatible-subnets"


@pytest.fixture
def record(vmware: Vmware) -> dict[str, Any]:
    """The connected account, in an AWS account with nothing but its default VPC."""
    moto_api_backend.reset()
    vmware.link_account()
    (record,) = vmware.accounts()
    return record


def list_subnets(vmware: Vmware, record: dict[str, Any], **query: str) -> dict[str, dict[str, Any]]:
    """Subnet id -> subnet."""
    answer = vmware.ask(SUBNETS, params={"linkedAccountId": record["id"], "region": "us-west-2", **query})
    assert answer.status_code == 200, answer.text
    return {one["subnet_id"]: one for vpc in answer.json()["vpc_map"].values() for one in vpc["subnets"]}


def make_subnet(cidr: str, zone: str) -> str:
    """What a customer does in AWS."""
    network = ec2_backends[ACCOUNT]["us-west-2"]
    (vpc,) = network.describe_vpcs()
    return str(network.create_subnet(vpc.id, cidr, availability_zone=zone).id)


def test_each_subnet_is_compatible_or_has_a_note(vmware: Vmware, record: dict[str, Any]) -> None:
    small = make_subnet("172.31.64.0/28", "us-west-2a")
    subnets = list_subnets(vmware, record)
    assert len(subnets) == 5
    notes = {one["availability_zone"]: one["note"] for one in subnets.values() if one["subnet_id"] != small}
    assert notes == {
        "us-west-2a": None,
        "us-west-2b": None,
        "us-west-2c": None,
        "us-west-2d": "Not in a supported availability zone.",
    }
    assert (subnets[small]["compatible"], subnets[small]["note"]) == (
        False,
        "The subnet must be at least /26.",
    )
    assert list_subnets(vmware, record, region="US_WEST_2") == subnets


def test_what_came_after_the_inventory_shows_when_another_is_forced(
    vmware: Vmware, record: dict[str, Any]
) -> None:
    list_subnets(vmware, record)
    late = make_subnet("172.31.64.0/26", "us-west-2a")
    assert late not in list_subnets(vmware, record)
    assert late in list_subnets(vmware, record, forceRefresh="true")


def test_right_after_linking_no_subnet_is_known_until_a_rescan(
    vmware: Vmware, record: dict[str, Any]
) -> None:
    vmware.control.set_modes(inventory_seconds=100)
    assert list_subnets(vmware, record) == {}
    assert len(list_subnets(vmware, record, forceRefresh="true")) == 4


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"linkedAccountId": ""}, "Invalid linkedAccountId specified."),
        ({"sddcType": ""}, "Invalid sddc type specified."),
        ({"sddcType": "2AZ"}, "Invalid sddc type specified."),
        ({"numOfHosts": ""}, "Invalid numOfHosts specified."),
        ({"region": "Oregon"}, "Invalid region specified."),
        ({"linkedAccountId": "11111111-1111-1111-1111-111111111111"}, "no connected account"),
    ],
)
def test_an_empty_or_wrong_parameter_is_refused(
    vmware: Vmware, record: dict[str, Any], query: dict[str, str], message: str
) -> None:
    answer = vmware.ask(SUBNETS, params={"linkedAccountId": record["id"], **query})
    assert answer.status_code == 400
    assert message in answer.json()["error_messages"][0]


def test_an_sddc_has_a_connection(vmware: Vmware, record: dict[str, Any]) -> None:
    sddc = vmware.control.attach_sddc(ACCOUNT)
    vmware.control.attach_sddc(ACCOUNT)
    path = "/account-link/sddc-connections"
    assert len(vmware.ask(path).json()) == 2
    (connection,) = vmware.ask(path, params={"sddc": sddc}).json()
    assert (connection["connected_account_id"], connection["state"]) == (record["id"], "ACTIVE")
    vmware.control.detach_sddcs()
    assert vmware.ask(path).json() == []


Ask = Callable[[Vmware, dict[str, Any]], requests.Response]


def connections(vmware: Vmware, _record: dict[str, Any]) -> requests.Response:
    """The connections of one SDDC."""
    vmware.control.attach_sddc(ACCOUNT)
    return vmware.ask("/account-link/sddc-connections")


def failed_task(vmware: Vmware, _record: dict[str, Any]) -> requests.Response:
    """A task with a service's error in it."""
    vmware.control.set_modes(task_outcome="fail")
    link = vmware.link_account()
    return vmware.ask(f"/tasks/{link['tracking_task']}")


ANSWERS: dict[str, tuple[Any, Ask]] = {
    "mint": ("LinkRequest", lambda v, _: v.ask("/account-link")),
    "accounts": (["AwsCustomerConnectedAccount"], lambda v, _: v.ask("/account-link/connected-accounts")),
    "unlink": ("AwsCustomerConnectedAccount", lambda v, r: v.unlink(r["id"])),
    "unlink refused": ("ErrorResponse", lambda v, _: v.unlink("11111111-1111-1111-1111-111111111111")),
    "subnets": (
        "AwsCompatibleSubnets",
        lambda v, r: v.ask(SUBNETS, params={"linkedAccountId": r["id"], "forceRefresh": "true"}),
    ),
    "subnets, none": (
        "AwsCompatibleSubnets",
        lambda v, r: v.ask(SUBNETS, params={"linkedAccountId": r["id"], "region": "eu-west-1"}),
    ),
    "connections": (["AwsSddcConnection"], connections),
    "a failed task": ("Task", failed_task),
    "no such task": ("ErrorResponse", lambda v, _: v.ask("/tasks/11111111-1111-1111-1111-111111111111")),
}
BEYOND_THE_SDK = {"region_to_datacenter_to_az_mapping", "customer_error_message"}
"""Fields of real answers that the SDK of the recorded shapes does not know yet."""


@pytest.mark.parametrize("name", ANSWERS)
def test_vmwares_own_sdk_decodes_every_answer(vmware: Vmware, record: dict[str, Any], name: str) -> None:
    shape, ask = ANSWERS[name]
    answer = ask(vmware, record)
    assert unknown_fields(answer.json(), shape) <= BEYOND_THE_SDK
    decoded = decode(answer.text, shape)
    if isinstance(shape, list):
        assert decoded
        decoded, first = decoded[0], answer.json()[0]
    else:
        first = answer.json()
    for field in ("id", "account_number", "tracking_task", "sddc_id", "subnet_id", "error_code"):
        assert getattr(decoded, field, None) == first.get(field)


def test_no_call_around_a_link_is_left_out(vmware: Vmware) -> None:
    moto_api_backend.reset()
    for _, ask in ANSWERS.values():
        vmware.control.reset_modes()
        vmware.link_account()
        ask(vmware, vmware.accounts()[0])
    app = Flask("calls")
    app.register_blueprint(vmc_blueprint(vmware.world.organizations, started_at=vmware.control.now()))
    calls = {
        rule.endpoint.rpartition(".")[2]
        for rule in app.url_map.iter_rules()
        if "/account-link" in rule.rule or "/tasks" in rule.rule
    }
    assert len(calls) == 6
    assert calls <= {entry.call for entry in vmware.control.journal(service="vmc")}


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("Task", '{"id": "1"}'),
        (
            "ErrorResponse",
            '{"status": [400], "path": "", "retryable": false, "error_code": "", "error_messages": []}',
        ),
        ("LinkRequest", '{"expiration_date": "tomorrow"}'),
    ],
    ids=["a field is missing", "a list for a number", "no moment"],
)
def test_what_the_sdk_can_not_decode_is_not_taken(shape: str, text: str) -> None:
    with pytest.raises(Exception, match=r"."):
        decode(text, shape)
