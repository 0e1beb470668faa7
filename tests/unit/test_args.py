"""The component's arguments: each wrong one is one line in whole, beside a right one. Pure."""

from typing import Any

import pulumi
import pytest

from vmc_account_link.args import AccountLinkArgs, drop_unset, join_args, parse_args, validate_args
from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import setting_key

SUBNETS = {"subnet_region": "us-west-2"}
IN_QUOTES = (
    "Put it in quotes (`pulumi config set --path … --type string`): YAML reads 0123 or 1.10 as another "
    "number."
)
SIGNS = "letters, digits, spaces and _ . : / = + - @."
NO_NAME = f"can't be a tag's name. AWS's rule: 1 to 128 {SIGNS}"
TAGS = "tags: they are not an object of texts. Set one, such as {owner: workshop}."
NO_ZONES = "it needs a region of subnets, and none is set. Set subnet_region too, or remove it."
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "arguments that do not exist": (
        {"stackname": "x", "link": "existing", "aliases": []},
        "AccountLink: it has no argument aliases, stackname. See AccountLinkArgs.",
    ),
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
        f"tags: ' ' {NO_NAME}",
    ),
    "a tag with a name of other signs": (
        {"tags": {"a*": "b"}}, f"tags: 'a*' {NO_NAME}",
    ),
    "a tag with too long a name": (
        {"tags": {"a" * 129: "b"}}, f"tags: '{'a' * 129}' {NO_NAME}",
    ),
    "a tag with too long a value": (
        {"tags": {"a": "b" * 257}},
        f"tags: the value of a can't be a tag's value. AWS's rule: at most 256 {SIGNS}",
    ),
    "more tags than a stack takes": (
        {"tags": {str(number): "b" for number in range(51)}},
        "tags: there are 51 of them. CloudFormation takes 50 at most.",
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
# Outputs made as the module is loaded: a test of another file may have taken the thread's event loop away.
# Neither names of the module, nor of a list or an object: pytest or the SDK makes coroutines of those, which
# nobody awaits.
GOOD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a minute": {"link_timeout_minutes": 1},
    "tags": {"tags": {"owner": "a", "year": "2026", "kind": pulumi.Output.from_input("b")}},
    "as many and as long tags as there may be": {
        "tags": {f"{number:>0128}": "b" * 256 for number in range(50)},
    },
    "tags yet unknown": {"tags": pulumi.Output.from_input("b")},
    "hosts yet unknown": {"template_hosts": pulumi.Output.from_input("b")},
    "a host": {**SUBNETS, "sddc_hosts": 1},
    "two zones": {
        **SUBNETS, "sddc_type": "MultiAZ", "sddc_hosts": 4, "sddc_subnets": ["subnet-1", "subnet-2"],
    },
    "one zone": {**SUBNETS, "sddc_subnets": ["subnet-1"]},
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_argument_is_one_line_that_says_what_to_do(name: str) -> None:
    given, line = BAD[name]
    with pytest.raises(SettingsError) as refusal:
        validate_args(given)
    assert str(refusal.value) == line


@pytest.mark.parametrize("name", GOOD)
def test_a_right_argument_is_taken(name: str) -> None:
    validate_args(GOOD[name])


@pytest.mark.parametrize("entry", ["", "a b", 1])
def test_each_entry_of_a_list_is_validated_also_after_an_unknown_list(entry: object) -> None:
    given = {"template_hosts": ["host", entry]}
    with pytest.raises(SettingsError, match=r"^template_hosts: \['host', .*\] is not valid\. "):
        validate_args(given)
    later = {**GOOD["hosts yet unknown"], "sddc_subnets": [entry], **SUBNETS}
    with pytest.raises(SettingsError, match=r"^sddc_subnets: \[.*\] is not valid\. "):
        validate_args(later)


def test_what_is_unset_is_none_blank_or_no_hosts() -> None:
    given = {"region": None, "relink": " ", "sddc_hosts": 0, "link_timeout_minutes": 0, "stack_name": "Link"}
    assert drop_unset(given) == {"link_timeout_minutes": 0, "stack_name": "Link"}  # type: ignore[arg-type]
    assert drop_unset({"sddc_hosts": 1}) == {"sddc_hosts": 1}


def test_an_argument_is_given_in_the_object_or_by_keyword() -> None:
    assert join_args({"region": "us-west-2"}, {"relink": "1"}) == {"region": "us-west-2", "relink": "1"}
    both: AccountLinkArgs = {"relink": "1", "region": "us-west-2"}
    with pytest.raises(SettingsError) as refusal:
        join_args({**both, "link": "create"}, both)
    assert str(refusal.value) == (
        "AccountLink: region, relink is given twice. Give it in `args` or by keyword."
    )


@pytest.mark.parametrize(
    ("argument", "text", "value"),
    [
        ("relink", '"2"', '"2"'),
        ("link_timeout_minutes", "5", 5),
        ("link_timeout_minutes", "2.5", "2.5"),
        ("link_timeout_minutes", "true", "true"),
        ("unlink_on_destroy", "false", False),
        ("unlink_on_destroy", "null", "null"),
        ("unlink_on_destroy", " ", " "),
        ("template_hosts", '["a"]', ["a"]),
        ("template_hosts", "a", "a"),
        pytest.param("template_hosts", "[" * 100_000, "[" * 100_000, id="nested too deep"),
    ],
)
def test_a_text_of_the_configuration_that_is_not_of_its_type_stays_one(
    argument: str, text: str, value: object
) -> None:
    """So that the refusal shows what was written."""
    key = setting_key(argument)
    assert parse_args("labs", [f"labs:{key}", "aws:region"], {key: text}.get) == {argument: value}


def test_the_services_settings_are_no_key_of_the_configuration() -> None:
    with pytest.raises(SettingsError, match=r"^labs:vmc: there is no such setting\."):
        parse_args("labs", ["labs:vmc"], {"vmc": "{}"}.get)
