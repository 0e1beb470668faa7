"""Intrinsic functions are worked out where that can be known, else left open for all to see. Pure."""

from collections.abc import Callable
from typing import Any

import pytest

from vmc_account_link.template.intrinsics import TemplateTooComplex, opaque_constructs, resolve_resources

TEMPLATE = {
    "Parameters": {
        "Account": {"Type": "String", "Default": "000000000101"},
        "Accounts": {"Type": "CommaDelimitedList", "Default": "000000000101, 000000000102"},
        "Ports": {"Type": "List<Number>", "Default": "80, 443"},
        "Untyped": {"Default": 7},
        "Odd": {"Type": "String", "Default": {"a": "b"}},
        "Open": {"Type": "String"},
        "Hidden": {"Type": "String", "Default": "x", "NoEcho": True},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path/of/a/parameter"},
    },
    "Mappings": {"Vmware": {"prod": {"Account": "000000000103"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Account"}, "000000000101"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Maybe": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-west-2"]},
        "PerhapsNot": {"Fn::Not": [{"Condition": "Maybe"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Maybe"}]},
        "Round": {"Fn::Not": [{"Condition": "Round"}]},
        "Text": "x",
        "Two": {"Fn::Not": [{"Condition": "Yes"}], "Fn::And": [{"Condition": "Yes"}]},
        "NoList": {"Fn::Not": {"Condition": "Yes"}},
        "NoLogic": {"Fn::Join": ["", ["true"]]},
    },
}


def resolved(value: Any, **more: Any) -> Any:
    """What `value` becomes as a property of a resource."""
    resources = {"It": {"Type": "Custom::It", "Properties": {"value": value}, **more}}
    (resource,) = resolve_resources({**TEMPLATE, "Resources": resources})
    return resource.properties.get("value")


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ({"Ref": "Account"}, "000000000101"),
        ({"Ref": "Accounts"}, ["000000000101", "000000000102"]),
        ({"Ref": "Ports"}, ["80", "443"]),
        ({"Ref": "Untyped"}, "7"),
        ({"Fn::Sub": "arn:aws:iam::${Account}:root"}, "arn:aws:iam::000000000101:root"),
        ({"Fn::Sub": ["${A}-${Account}", {"A": {"Ref": "Account"}}]}, "000000000101-000000000101"),
        ({"Fn::FindInMap": ["Vmware", "prod", "Account"]}, "000000000103"),
        ({"Fn::Join": [":", ["arn", {"Ref": "Account"}]]}, "arn:000000000101"),
        ({"Fn::Select": [1, {"Ref": "Accounts"}]}, "000000000102"),
        ({"Fn::Select": ["0", {"Fn::Split": ["-", "a-b"]}]}, "a"),
        ({"Fn::Base64": {"Ref": "Account"}}, "MDAwMDAwMDAwMTAx"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", {"Ref": "Account"}]}, "000000000101"),
        ({"Fn::If": ["No", "then", {"Ref": "AWS::NoValue"}]}, None),
        ([{"Ref": "AWS::NoValue"}, "kept"], ["kept"]),
    ],
)
def test_a_function_of_what_is_known_gives_its_value(function: Any, value: Any) -> None:
    assert resolved(function) == value


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        ({"Ref": "Open"}, "${Open}"),
        ({"Ref": "Odd"}, "${Odd}"),
        ({"Fn::Select": [1, ["a"]]}, "${Fn::Select [1, ['a']]}"),
        ({"Ref": "Hidden"}, "${Hidden}"),
        ({"Ref": "Stored"}, "${Stored}"),
        ({"Ref": "AWS::AccountId"}, "${AWS::AccountId}"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "${Role.Arn}"),
        ({"Fn::GetAtt": "Role.Arn"}, "${Role.Arn}"),
        ({"Fn::If": ["Yes", "then"]}, "${Fn::If}"),
        ({"Fn::If": "Yes"}, "${Fn::If}"),
        ({"Fn::Sub": "arn:${AWS::Partition}:${Role.Arn}"}, "arn:${AWS::Partition}:${Role.Arn}"),
        ({"Fn::Sub": "${Accounts}"}, "${Accounts}"),
        ({"Fn::Join": ["", ["a", {"Ref": "Open"}]]}, "a${Open}"),
        ("{{resolve:ssm:/a:1}}", "${resolve:ssm:/a:1}"),
        ({"Fn::Base64": {"Ref": "Open"}}, "${Fn::Base64 ${Open}}"),
    ],
)
def test_what_is_not_known_is_shown_as_it_is_written(function: Any, shown: str) -> None:
    assert resolved(function) == shown


@pytest.mark.parametrize(
    "function",
    [
        pytest.param({"Fn::ImportValue": "vmware-account"}, id="another stack's value"),
        pytest.param({"Fn::GetAZs": ""}, id="the region's zones"),
        pytest.param({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, id="a function that the library does not have"),
        pytest.param({"Fn::If": ["Maybe", "a", "b"]}, id="a condition on the region"),
        pytest.param({"Fn::If": ["PerhapsNot", "a", "b"]}, id="the opposite of what is not known"),
        pytest.param({"Fn::If": ["Either", "a", "b"]}, id="an alternative with what is not known"),
        pytest.param({"Fn::If": ["Missing", "a", "b"]}, id="a condition that is not there"),
        pytest.param({"Fn::If": ["Round", "a", "b"]}, id="a condition on itself"),
        pytest.param({"Fn::If": ["Text", "a", "b"]}, id="a condition that is a text"),
        pytest.param({"Fn::If": ["Two", "a", "b"]}, id="a condition of two functions"),
        pytest.param({"Fn::If": ["NoList", "a", "b"]}, id="a condition on no list"),
        pytest.param({"Fn::If": ["NoLogic", "a", "b"]}, id="a condition of another function"),
        pytest.param({"Fn::FindInMap": ["Vmware", {"Ref": "AWS::Region"}, "Account"]}, id="an unknown key"),
        pytest.param({"Fn::FindInMap": ["Vmware", "test", "Account"]}, id="a missing key"),
        pytest.param({"Fn::Select": [5, ["a"]]}, id="beyond the list"),
        pytest.param({"Fn::Select": [0, {"Ref": "Open"}]}, id="one of an unknown list"),
        pytest.param(
            {"Fn::Split": [":", {"Fn::Sub": "arn:${AWS::Partition}:x"}]}, id="part of an unknown text"
        ),
        pytest.param({"Fn::Sub": ["${A}${Open}", {"A": {"Ref": "Open"}}]}, id="an unknown variable"),
        pytest.param({"Fn::Sub": 7}, id="no text"),
        pytest.param({"Ref": ["Account"]}, id="no name"),
    ],
)
def test_nothing_is_guessed(function: Any) -> None:
    assert resolved(function).startswith("${")


def test_the_variables_of_one_sub_do_not_leak_into_another() -> None:
    both = resolved([{"Fn::Sub": ["${Open}", {"Open": "mine"}]}, {"Ref": "Open"}, {"Fn::Sub": "${Open}"}])
    assert both == ["mine", "${Open}", "${Open}"]


def test_an_unknown_value_is_not_taken_for_a_variable_of_its_name() -> None:
    spoofed = {"Fn::Sub": ["${A}", {"A": {"Ref": "Other"}, "Other": "000000000101"}]}
    known_later = {"Fn::Sub": ["${A} ${Other}", {"A": {"Ref": "Other"}, "Other": "000000000101"}]}
    assert "${Other}" in resolved(spoofed)
    assert resolved(known_later).startswith("${Fn::Sub")


def test_only_a_resource_that_is_never_created_is_left_out() -> None:
    resources = {
        name: {"Type": "AWS::IAM::Role", "Condition": name} for name in ("Yes", "No", "Maybe", "Missing")
    }
    made = resolve_resources({**TEMPLATE, "Resources": resources})
    assert {resource.logical_id: resource.when for resource in made} == {
        "Yes": None,
        "Maybe": "Maybe",
        "Missing": "Missing",
    }


def test_what_is_no_resource_is_shown_as_one_of_an_unknown_type() -> None:
    made = resolve_resources({"Resources": {"Odd": "text", "It": {"Type": {"Ref": "X"}}}})
    assert [(one.logical_id, one.type, one.properties) for one in made] == [
        ("Odd", "${not a resource}", {}),
        ("It", "${type}", {}),
    ]


def test_a_resource_without_properties_has_none() -> None:
    (resource,) = resolve_resources({"Resources": {"It": {"Type": "AWS::IAM::Role"}}})
    assert resource.properties == {}


def test_properties_that_are_not_known_as_a_whole_are_not_taken_for_none() -> None:
    resources = {"It": {"Type": "AWS::IAM::Role", "Properties": {"Fn::If": ["Maybe", {}, {}]}}}
    (resource,) = resolve_resources({**TEMPLATE, "Resources": resources})
    assert resource.properties == {"Properties": "${Fn::If Maybe}"}


@pytest.mark.parametrize("section", [{}, {"Resources": ["It"]}])
def test_a_template_without_resources_hides_none(section: dict[str, Any]) -> None:
    assert opaque_constructs(section) == ()


@pytest.mark.parametrize("wrap", [lambda node: [node], lambda node: {"key": node}], ids=["lists", "objects"])
def test_an_include_is_found_at_any_depth(wrap: Callable[[Any], Any]) -> None:
    """As deep as a template of YAML may be (`template.parse`), which is deeper than CloudFormation takes."""
    node: Any = {"Fn::Transform": {"Name": "AWS::Include"}}
    for _ in range(97):
        node = wrap(node)
    resources = {"It": {"Type": "Custom::It", "Properties": node}}
    assert opaque_constructs({"Resources": resources}) == ("Fn::Transform in It",)


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    bomb: Any = ["x"] * 10
    for _ in range(12):
        bomb = [bomb] * 10
    with pytest.raises(TemplateTooComplex, match="to more than can be read"):
        resolved(bomb)


def test_a_template_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {"a": 1, "b": 2}
    loop["a"] = loop
    with pytest.raises(TemplateTooComplex, match="refers to itself"):
        resolved(loop)


def test_what_adds_resources_unseen_is_named() -> None:
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Nested": {"Type": "AWS::CloudFormation::Stack"},
            "Module": {"Type": "My::Org::Thing::MODULE"},
            "Fn::ForEach::Roles": ["x", ["a"], {}],
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Fn::Transform": {"Name": "AWS::Include"}}},
        },
    }
    assert opaque_constructs(template) == (
        "Fn::ForEach::Roles",
        "Fn::Transform in Role",
        "Module (My::Org::Thing::MODULE)",
        "Nested (AWS::CloudFormation::Stack)",
        "Transform AWS::Serverless-2016-10-31",
    )
