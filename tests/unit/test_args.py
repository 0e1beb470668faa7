"""The component's arguments: each wrong one is one line in whole, beside a right one. Pure."""

from typing import Any

import pulumi
import pytest

from vmc_account_link.args import drop_unset, validate_args
from vmc_account_link.errors import SettingsError

SUBNETS = {"subnet_region": "us-west-2"}
IN_QUOTES = (
    "Put it in quotes (`pulumi config set --path … --type string`): YAML reads 0123 or 1.10 as another "
    "number."
)
TAGS = "tags: they are not an object of texts. Set one, such as {owner: workshop}."
NO_ZONES = "it needs a region of subnets, and none is set. Set subnet_region too, or remove it."
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no settings": (
        {"vmc": {}}, "AccountLink: its vmc is not a VmcSettings. Read them with `read_settings`.",
    ),
    "a link that is none": (
        {"link": "adopt"}, "link: 'adopt' is not one of its values. Set it to `create` or `existing`.",
    ),
    "no time": ({"link_timeout_minutes": 0}, "link_timeout_minutes: 0 is too short. Set 1 or more."),
    "tags as a list": ({"tags": ["a"]}, TAGS),
    "a tag of tags": ({"tags": {"a": {"b": "c"}}}, TAGS),
    "a tag that is a list": ({"tags": {"a": ["b"]}}, TAGS),
    "a tag without a value": ({"tags": {"a": None}}, TAGS),
    "a tag without a name": (
        {"tags": {" ": "b"}},
        "tags: ' ' can't be a tag's name. AWS's rule: 1 to 128 letters, digits, spaces and _ . : / = + - @.",
    ),
    "a tag that is a number": (
        {"tags": {"year": 2026}},
        f"tags: year is 2026, not a text. {IN_QUOTES}",
    ),
    "a tag of AWS's": (
        {"tags": {"owner": "a", "AWS:x": "b"}},
        "tags: AWS:x is AWS's own. Choose a name that does not begin with aws:.",
    ),
    "a type of SDDC without a region": (
        {"sddc_type": "1NODE"}, f"sddc_type: {NO_ZONES}",
    ),
    "subnets without a region": (
        {"sddc_subnets": ["subnet-1"]},
        f"sddc_subnets: {NO_ZONES}",
    ),
    "a type of SDDC that is none": (
        {**SUBNETS, "sddc_type": "2AZ"},
        "sddc_type: '2AZ' is not valid. Set one of 1NODE, SingleAZ, MultiAZ.",
    ),
    "hosts below one": (
        {**SUBNETS, "sddc_hosts": -1}, "sddc_hosts: -1 is too few. Set 1 or more.",
    ),
    "two subnets for one zone": (
        {**SUBNETS, "sddc_subnets": ["subnet-1", "subnet-2"]},
        "sddc_subnets: SingleAZ takes one subnet, not 2. Correct the list, or sddc_type.",
    ),
}  # fmt: skip
# Made as the module is loaded: a test of another file may have taken the thread's event loop away.
UNKNOWN_HOSTS = pulumi.Output.from_input(["host"])


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_argument_is_one_line_that_says_what_to_do(name: str) -> None:
    given, line = BAD[name]
    with pytest.raises(SettingsError) as refusal:
        validate_args(given)
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"link_timeout_minutes": 1},
        {"tags": {"owner": "a", "year": "2026", "kind": pulumi.Output.from_input("b")}},
        {"tags": pulumi.Output.from_input({"aws:x": "b"})},
        {"template_hosts": UNKNOWN_HOSTS},
        {**SUBNETS, "sddc_hosts": 1},
        {**SUBNETS, "sddc_type": "MultiAZ", "sddc_hosts": 4, "sddc_subnets": ["subnet-1", "subnet-2"]},
        {**SUBNETS, "sddc_subnets": ["subnet-1"]},
    ],
    ids=[
        "nothing",
        "a minute",
        "tags",
        "tags yet unknown",
        "hosts yet unknown",
        "a host",
        "two zones",
        "one zone",
    ],
)
def test_a_right_argument_is_taken(given: dict[str, Any]) -> None:
    validate_args(given)


@pytest.mark.parametrize("entry", ["", "a b", 1])
def test_each_entry_of_a_list_is_validated_also_after_an_unknown_list(entry: object) -> None:
    given = {"template_hosts": ["host", entry]}
    with pytest.raises(SettingsError, match=r"^template_hosts: \['host', .*\] is not valid\. "):
        validate_args(given)
    later = {"template_hosts": UNKNOWN_HOSTS, "sddc_subnets": [entry], **SUBNETS}
    with pytest.raises(SettingsError, match=r"^sddc_subnets: \[.*\] is not valid\. "):
        validate_args(later)


def test_what_is_unset_is_none_blank_or_no_hosts() -> None:
    given = {"region": None, "relink": " ", "sddc_hosts": 0, "link_timeout_minutes": 0, "stack_name": "Link"}
    assert drop_unset(given) == {"link_timeout_minutes": 0, "stack_name": "Link"}  # type: ignore[arg-type]
    assert drop_unset({"sddc_hosts": 1}) == {"sddc_hosts": 1}
