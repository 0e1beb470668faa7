"""Which subnets an SDDC can use, and whether the chosen ones fit: pure decisions."""

import dataclasses

import pytest

from vmc_account_link.api.models import BadPayload, Subnet
from vmc_account_link.errors import SubnetsDoNotFit
from vmc_account_link.link.subnets import by_zone, check_chosen, rejected

ACCOUNT_ID = "record-1"


def subnet(name: str, zone: str, **changes: object) -> Subnet:
    made = Subnet(
        id=f"subnet-{name}",
        availability_zone=f"us-west-2{zone}",
        cidr_block="10.0.0.0/26",
        vpc_id="vpc-1",
        is_compatible=True,
        note=None,
        connected_account_id=ACCOUNT_ID,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


SUBNETS = [
    subnet("b2", "b"),
    subnet("a2", "a"),
    subnet("a1", "a"),
    subnet("d", "d", is_compatible=False, note="Not in a supported availability zone."),
    subnet("c", "c", is_compatible=False, cidr_block=None),
    subnet("small", "b", cidr_block="10.0.0.0/27"),
    subnet("theirs", "b", connected_account_id="record-2"),
]


def test_the_compatible_ones_are_grouped_by_zone_and_sorted() -> None:
    assert by_zone(SUBNETS) == {
        "us-west-2a": ["subnet-a1", "subnet-a2"],
        "us-west-2b": ["subnet-b2", "subnet-small", "subnet-theirs"],
    }
    assert list(by_zone(SUBNETS)) == ["us-west-2a", "us-west-2b"]


def test_each_rejected_one_has_the_services_note() -> None:
    assert rejected(SUBNETS) == {
        "subnet-c": "us-west-2c: the service gives no reason",
        "subnet-d": "us-west-2d, 10.0.0.0/26: Not in a supported availability zone.",
    }


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        (["subnet-a1"], None),
        (["subnet-a1"], "SingleAZ"),
        (["subnet-a1"], "1NODE"),
        (["subnet-a1", "subnet-b2"], "MultiAZ"),
    ],
)
def test_what_fits_is_let_through(chosen: list[str], kind: str | None) -> None:
    check_chosen(chosen, SUBNETS, sddc_type=kind, connected_account_id=ACCOUNT_ID)


@pytest.mark.parametrize(
    ("chosen", "kind", "reason"),
    [
        (["subnet-a1", "subnet-b2"], "SingleAZ", "SingleAZ takes one subnet, not 2"),
        (["subnet-a1", "subnet-b2"], "1NODE", "1NODE takes one subnet, not 2"),
        (["subnet-a1"], "MultiAZ", "MultiAZ takes two subnets, not 1"),
        (["subnet-a1", "subnet-a1"], "MultiAZ", "one is named twice"),
        (["subnet-a1", "subnet-a2"], "MultiAZ", "they are both in us-west-2a"),
        (["subnet-x"], None, "VMware knows no subnet-x in the linked account and this region"),
        (["subnet-theirs"], None, "subnet-theirs is of another connected account, record-2"),
        (["subnet-d"], None, "subnet-d: Not in a supported availability zone."),
        (["subnet-c"], None, "subnet-c: the service gives no reason"),
        (["subnet-small"], None, "subnet-small is a /27, and at least a /26 is needed"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason_and_what_can_be_used(
    chosen: list[str], kind: str | None, reason: str
) -> None:
    with pytest.raises(SubnetsDoNotFit) as refusal:
        check_chosen(chosen, SUBNETS, sddc_type=kind, connected_account_id=ACCOUNT_ID)
    assert reason in str(refusal.value)
    assert "us-west-2a: subnet-a1, subnet-a2" in str(refusal.value)


def test_the_refusal_names_what_was_chosen_and_every_zone_that_can_be_used() -> None:
    with pytest.raises(SubnetsDoNotFit) as refusal:
        check_chosen(
            ["subnet-a1", "subnet-a2"], SUBNETS, sddc_type="MultiAZ", connected_account_id=ACCOUNT_ID
        )
    assert str(refusal.value) == (
        "use subnet-a1, subnet-a2 for a MultiAZ SDDC: they are both in us-west-2a, and MultiAZ needs two "
        "availability zones. Set vmc-account-link:sddcSubnets to 2 of: us-west-2a: subnet-a1, subnet-a2; "
        "us-west-2b: subnet-b2, subnet-small, subnet-theirs."
    )


def test_the_refusal_says_where_nothing_can_be_used() -> None:
    with pytest.raises(SubnetsDoNotFit, match="to 1 of: none can be used"):
        check_chosen(["subnet-x"], [], sddc_type=None, connected_account_id=ACCOUNT_ID)


def test_a_block_is_measured_by_its_prefix_even_where_it_names_a_host() -> None:
    small = subnet("host", "a", cidr_block="10.0.0.5/27")
    with pytest.raises(SubnetsDoNotFit, match="is a /27"):
        check_chosen([small.id], [small], sddc_type=None, connected_account_id=ACCOUNT_ID)


@pytest.mark.parametrize("cidr_block", [None, "", "10.0.0.0/99"])
def test_an_unknown_cidr_block_is_left_to_the_service(cidr_block: str | None) -> None:
    unknown = subnet("untold", "a", cidr_block=cidr_block)
    check_chosen([unknown.id], [unknown], sddc_type=None, connected_account_id=ACCOUNT_ID)


def test_a_subnet_without_a_zone_is_shown_all_the_same() -> None:
    nowhere = subnet("n", "a", availability_zone=None, cidr_block=None)
    assert by_zone([nowhere]) == {"": ["subnet-n"]}
    assert rejected([dataclasses.replace(nowhere, is_compatible=False)]) == {
        "subnet-n": "nowhere known: the service gives no reason"
    }


def test_a_missing_compatible_counts_as_false_over_all_vpcs() -> None:
    read = Subnet.list_from_wire(
        {
            "customer_available_zones": None,
            "vpc_map": {
                "vpc-2": {"subnets": [{"subnet_id": "s2", "availability_zone": "a", "compatible": True}]},
                "vpc-1": {"subnets": [{"subnet_id": "s1", "availability_zone": "a", "compatible": None}]},
                "vpc-3": {"subnets": None},
            },
        }
    )
    assert [(one.id, one.is_compatible) for one in read] == [("s1", False), ("s2", True)]
    assert Subnet.list_from_wire({"vpc_map": None}) == ()
    assert Subnet.list_from_wire({"vpc_map": {"v": {"subnets": [{}, None]}, "w": None}}) == ()


@pytest.mark.parametrize("wire", [None, [], {"vpc_map": "x"}])
def test_a_list_that_can_not_be_read_is_not_an_empty_one(wire: object) -> None:
    with pytest.raises(BadPayload):
        Subnet.list_from_wire(wire)
