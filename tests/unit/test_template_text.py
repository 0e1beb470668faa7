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


TWINS = "it has the same key twice"
ALIASES = "it has YAML aliases, which CloudFormation does not take"
MERGE = "it has a YAML merge key, which CloudFormation does not take"
TAG = "it has a YAML tag that is not one of CloudFormation's short forms"
DIRECTIVE = "it has a YAML directive"
KEY = "it has a key that is not a text"
TAB = "it has a tab, which readers of YAML do not agree about"
NEITHER = "it is neither a JSON nor a YAML template"
CHARACTER = "it has a character that readers of YAML do not agree about"
QUOTES = "it has a text between brackets without the quotes that it needs"
BRACES = "it has a pair between brackets without braces"
DEEP = "it is nested too deep"
NAN = "NaN is no JSON"
ROUNDED = "it has a number that is not kept exactly"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("A: 1\nB: 2\nA: 3\n", TWINS, id="YAML, a key twice"),
        pytest.param("A: {B: 1, B: 2}\n", TWINS, id="a key twice between brackets"),
        pytest.param('{"A": {"B": 1, "B": 2}}', TWINS, id="JSON, a key twice"),
        pytest.param("A: &a 1\nB: 2\n", ALIASES, id="an anchor"),
        pytest.param("A: &a {C: 1}\nB: *a\n", ALIASES, id="an alias"),
        pytest.param("A:\n  <<: {B: 1}\n", MERGE, id="a merge key"),
        pytest.param("A: !!binary aGk=\n", TAG, id="a tag of YAML's own"),
        pytest.param("A: !Foo b\n", TAG, id="an unknown short form"),
        pytest.param("%YAML 1.1\n---\nA: 1\n", DIRECTIVE, id="a directive"),
        pytest.param("? [A, B]\n: 1\n", KEY, id="a list as a key"),
        pytest.param("A: 1\n? ", KEY, id="nothing as a key"),
        pytest.param("? !Ref A\n: 1\n", KEY, id="a function as a key"),
        pytest.param('A: "x\ty"\n', TAB, id="a tab between quotes"),
        pytest.param("A: 1\n---\nB: 1\n", NEITHER, id="two documents"),
        pytest.param("A: x\x85B: y\n", CHARACTER, id="a line end of another alphabet"),
        pytest.param("\ufeffA: 1\n", CHARACTER, id="a byte order mark"),
        pytest.param("A: [b\n  c]\n", QUOTES, id="a text over two lines between brackets"),
        pytest.param("A: {B: !Ref }\n", QUOTES, id="nothing between brackets"),
        pytest.param("A: {B:@ yes}\n", QUOTES, id="a reserved character"),
        pytest.param("A: [b:\nc]\n", BRACES, id="a pair without braces"),
        pytest.param("A: {Fn::Join: ['', [b]]}\n", QUOTES, id="a key with a colon and a list"),
        pytest.param("A:\n  - |\n    \tx\n    y\n", TAB, id="a text that begins with a tab"),
        pytest.param("A: " + "[" * 200 + "]" * 200 + "\n", DEEP, id="nested too deep"),
        pytest.param('{"A": NaN}', NAN, id="NaN"),
        pytest.param('{"A": 12345678901234567890}', ROUNDED, id="a number that is rounded"),
        pytest.param('{"A": 1e999}', ROUNDED, id="a number without end"),
        pytest.param("{A: 1}", NEITHER, id="YAML that looks like JSON"),
        pytest.param('{"A": "x\ty"}', NEITHER, id="JSON with a control character"),
    ],
)
def test_what_readers_do_not_agree_about_is_refused_without_quoting_it(text: str, said: str) -> None:
    with pytest.raises(NotTaken) as refusal:
        load(text)
    assert str(refusal.value) == said


def test_as_deep_as_may_be_is_taken_wherever_it_stands() -> None:
    """The limit is of what is open, so what was closed before does not count."""
    shallow = "A: [[b], [c]]\n"
    deepest = f"B: {'[' * 98}x{']' * 98}\n"
    assert set(load(shallow + deepest)) == {"A", "B"}
    with pytest.raises(NotTaken, match=DEEP):
        load(f"{shallow}B: {'[' * 99}x{']' * 99}\n")


def test_a_text_needs_no_quotes_once_the_brackets_are_closed() -> None:
    assert load("A: [b]\nC: it's d & e\nF: {g: h}\nI: a, b\n") == {
        "A": ["b"], "C": "it's d & e", "F": {"g": "h"}, "I": "a, b",
    }  # fmt: skip


def test_a_short_form_is_read_as_its_long_form() -> None:
    assert load("A: !Sub '${B}'\n") == json.loads('{"A": {"Fn::Sub": "${B}"}}')
