"""A CloudFormation template's text -> plain values, whoever wrote it.

Stricter than YAML: only what CloudFormation takes, and what every reader takes for the same. The text goes on
as it is, to the AWS provider and to CloudFormation, each with a reader of its own: what they would understand
in another way was not looked at, and what the provider's reader does not take it quotes, secrets and all.
"""

import json
import re
from typing import Any

import yaml

_SHORT_FORMS = frozenset(
    {"And", "Base64", "Cidr", "Condition", "Equals", "FindInMap", "GetAZs", "GetAtt", "If", "ImportValue"}
    | {"Join", "Length", "Not", "Or", "Ref", "Select", "Split", "Sub", "ToJsonString", "Transform"}
)
_WITHOUT_PREFIX = frozenset({"Ref", "Condition"})
_LARGEST_DEPTH = 100
"""Of nested values. CloudFormation's own templates stay far below."""
_LARGEST_NUMBER = 2.0**53
"""The AWS provider's reader of JSON makes a 64-bit float of each."""
_UNUSUAL = re.compile("[\x85\u2028\u2029\ufeff]|\r(?!\n)")
"""What some readers take for the end of a line, or for nothing, and others for text."""
_JSON_START = re.compile(r"\s*\{")
"""How the AWS provider chooses its reader."""
_BLOCKS = frozenset({"|", ">"})
_PLAIN_IN_FLOW = re.compile(r"(?!---|\.\.\.)[\w./*~+-](?:[\w ./*~+=@$()<>-]|:+(?=[\w/*]))*")
"""A text without quotes between brackets: there readers differ most."""


class NotTaken(ValueError):
    """What CloudFormation does not take, or not every reader takes for the same; the message says what."""


def load(text: str) -> Any:
    """Read JSON, or YAML with its short forms written out (`!Ref X` is `{"Ref": "X"}`).

    Raises:
        NotTaken: it is neither, or has what CloudFormation does not take.
    """
    try:
        return _json(text) if _JSON_START.match(text) else _yaml(text)
    except NotTaken:
        raise
    except yaml.constructor.ConstructorError as error:
        raise NotTaken(str(error.problem)) from None
    except (ValueError, RecursionError, yaml.YAMLError):
        raise NotTaken("it is neither a JSON nor a YAML template") from None


def _json(text: str) -> Any:
    return json.loads(
        text,
        object_pairs_hook=_without_twins,
        parse_constant=_no_number,
        parse_int=lambda digits: _number(int(digits)),
        parse_float=lambda digits: _number(float(digits)),
    )


def _yaml(text: str) -> Any:
    if _UNUSUAL.search(text):
        raise NotTaken("it has a character that readers of YAML do not agree about")
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """CloudFormation's YAML: its short forms; no alias, no other tag, no key twice."""

    depth = 0
    flows = 0
    """Brackets that are open."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs say no type
        self._check_event(event)
        in_flow = bool(getattr(event, "flow_style", False))
        self.depth, self.flows = self.depth + 1, self.flows + in_flow
        if self.depth > _LARGEST_DEPTH:
            raise NotTaken("it is nested too deep")
        node = super().compose_node(parent, index)
        self.depth, self.flows = self.depth - 1, self.flows - in_flow
        return node

    def _check_event(self, event: Any) -> None:
        """Refuse an event that not every reader takes for the same."""
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise NotTaken("it has YAML aliases, which CloudFormation does not take")
        if event.tag is not None and event.tag.removeprefix("!") not in _SHORT_FORMS:
            raise NotTaken("it has a YAML tag that is not one of CloudFormation's short forms")
        start: Any = event.start_mark
        end: Any = event.end_mark
        if isinstance(event, yaml.MappingStartEvent) and event.flow_style and _at(start) not in "{!":
            raise NotTaken("it has a pair between brackets without braces")
        if not isinstance(event, yaml.ScalarEvent):
            return
        if event.style in _BLOCKS:
            if event.value.startswith("\t"):
                raise NotTaken("it has a tab, which readers of YAML do not agree about")
            return
        if "\t" in start.buffer[start.pointer : end.pointer]:
            raise NotTaken("it has a tab, which readers of YAML do not agree about")
        is_simple = start.line == end.line and _PLAIN_IN_FLOW.fullmatch(event.value)
        if self.flows and not event.style and not is_simple:
            raise NotTaken("it has a text between brackets without the quotes that it needs")

    def process_directives(self) -> Any:
        if self.check_token(yaml.DirectiveToken):
            raise NotTaken("it has a YAML directive")
        return super().process_directives()  # type: ignore[no-untyped-call]  # the stubs say no type

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002, FBT001, FBT002
        pairs = []
        for key_node, value_node in node.value:
            is_text = isinstance(key_node, yaml.ScalarNode) and not key_node.tag.startswith("!")
            if not is_text or key_node.value == "":
                raise NotTaken("it has a key that is not a text")
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise NotTaken("it has a YAML merge key, which CloudFormation does not take")
            is_scalar = isinstance(value_node, yaml.ScalarNode)
            if node.flow_style and key_node.style is None and ":" in key_node.value and not is_scalar:
                raise NotTaken("it has a text between brackets without the quotes that it needs")
            pairs.append((str(key_node.value), self.construct_object(value_node, deep=True)))
        return _without_twins(pairs)


def _at(position: Any) -> str:
    return str(position.buffer[position.pointer])


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, which has no key twice: one reader keeps the first, another the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotTaken("it has the same key twice")
    return found


def _number(number: float) -> float:
    """A number that the AWS provider's reader keeps as it is."""
    if abs(number) > _LARGEST_NUMBER:
        raise NotTaken("it has a number that is not kept exactly")
    return number


def _no_number(name: str) -> float:
    raise NotTaken(f"{name} is no JSON")


def _short_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node)
    return {name if name in _WITHOUT_PREFIX else f"Fn::{name}": value}


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)
_Loader.add_multi_constructor("!", _short_form)
