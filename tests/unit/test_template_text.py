"""Templates that one reader takes and another does not, or takes for something else: refused."""

import json

import pytest

from vmc_account_link.template.parse import NotTaken, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A: !Ref B\n", {"A": {"Ref": "B"}}),
        ("A: !GetAtt B.C.D\n", {"A": {"Fn::GetAtt": ["B", "C.D"]}}),
        ("A: !Join ['-', [!Ref B, 'c']]\n", {"A": {"Fn::Join": ["-", [{"Ref": "B"}, "c"]]}}),
        ("A: !If [Is, !Ref B, {Fn::Sub: c}]\n", {"A": {"Fn::If": ["Is", {"Ref": "B"}, {"Fn::Sub": "c"}]}}),
        ("A: !Transform {Name: AWS::Include}\n", {"A": {"Fn::Transform": {"Name": "AWS::Include"}}}),
        ("A: !Condition B\n", {"A": {"Condition": "B"}}),
        ("A: |\n  x:\ty\n", {"A": "x:\ty\n"}),
        ("A: {B: AWS::SSM::Parameter::Value<String>}\n", {"A": {"B": "AWS::SSM::Parameter::Value<String>"}}),
        ("12: x\n", {"12": "x"}),
        ('{"A": 1, "B": 1.5}', {"A": 1, "B": 1.5}),
        ('{"A": 9007199254740992}', {"A": 2**53}),
    ],
)  # fmt: skip
def test_what_cloudformation_takes_is_read(text: str, value: object) -> None:
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("A: 1\nB: 2\nA: 3\n", "same key twice", id="YAML, a key twice"),
        pytest.param("A: {B: 1, B: 2}\n", "same key twice", id="a key twice between brackets"),
        pytest.param('{"A": {"B": 1, "B": 2}}', "same key twice", id="JSON, a key twice"),
        pytest.param("A: &a 1\nB: 2\n", "aliases", id="an anchor"),
        pytest.param("A: &a {C: 1}\nB: *a\n", "aliases", id="an alias"),
        pytest.param("A:\n  <<: {B: 1}\n", "merge key", id="a merge key"),
        pytest.param("A: !!binary aGk=\n", "tag", id="a tag of YAML's own"),
        pytest.param("A: !Foo b\n", "tag", id="an unknown short form"),
        pytest.param("%YAML 1.1\n---\nA: 1\n", "directive", id="a directive"),
        pytest.param("? [A, B]\n: 1\n", "key that is no text", id="a list as a key"),
        pytest.param("A: 1\n? ", "key that is no text", id="nothing as a key"),
        pytest.param('A: "x\ty"\n', "tab", id="a tab between quotes"),
        pytest.param("A: 1\n---\nB: 1\n", "neither", id="two documents"),
        pytest.param("A: x\x85B: y\n", "character", id="a line end of another alphabet"),
        pytest.param("\ufeffA: 1\n", "character", id="a byte order mark"),
        pytest.param("A: [b\n  c]\n", "between brackets", id="a text over two lines between brackets"),
        pytest.param("A: {B: !Ref }\n", "between brackets", id="nothing between brackets"),
        pytest.param("A: {B:@ yes}\n", "between brackets", id="a reserved character"),
        pytest.param("A: [b:\nc]\n", "without braces", id="a pair without braces"),
        pytest.param("A: {Fn::Join: ['', [b]]}\n", "between brackets", id="a key with a colon and a list"),
        pytest.param("A:\n  - |\n    \tx\n    y\n", "tab", id="a text that begins with a tab"),
        pytest.param("A: " + "[" * 200 + "]" * 200 + "\n", "too deep", id="nested too deep"),
        pytest.param('{"A": NaN}', "no JSON", id="NaN"),
        pytest.param('{"A": 12345678901234567890}', "not kept exactly", id="a number that is rounded"),
        pytest.param('{"A": 1e999}', "not kept exactly", id="a number without end"),
        pytest.param("{A: 1}", "neither", id="YAML that looks like JSON"),
        pytest.param('{"A": "x\ty"}', "neither", id="JSON with a control character"),
    ],
)
def test_what_readers_do_not_agree_about_is_refused_without_quoting_it(text: str, said: str) -> None:
    with pytest.raises(NotTaken, match=said) as refusal:
        load(text)
    assert "aGk=" not in str(refusal.value)


def test_a_short_form_is_read_as_its_long_form() -> None:
    assert load("A: !Sub '${B}'\n") == json.loads('{"A": {"Fn::Sub": "${B}"}}')
