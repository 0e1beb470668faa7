"""A template's resources with its intrinsic functions worked out, as far as that can be known. Pure.

pycfmodel evaluates one function at a time (ADR 0010). What it would have to make up is written `${…}`:
attributes of resources that do not exist yet, values of another stack, of SSM, of the account.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNKNOWN = "${"
"""The beginning of what is not known, in any text of a resolved template."""

_MOST_WORK = 200_000
"""Nodes looked at. A template of 1 MiB has fewer; conditions that name one another can ask for any number."""
_CHARACTERS_A_NODE = 64
"""Of a function's text, that count as one: a long text of a mapping can be asked for any number of times."""
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^{}]*)\}\}")
_EVALUATED = frozenset(
    {"Ref", *(f"Fn::{name}" for name in ("Base64", "FindInMap", "If", "Join", "Select", "Split", "Sub"))}
)
_LOGIC = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
_NO_VALUE = "AWS::NoValue"


class TemplateTooComplex(ValueError):
    """A template that expands beyond all measure, or refers to itself."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a template, resolved."""

    logical_id: str
    type: str
    """Unknown, as `${…}`, where the template does not say it plainly."""
    properties: Mapping[str, Any]
    """Where they are not known as a whole, their text under the key `Properties`."""
    when: str | None
    """The condition that decides whether it is made; None where it certainly is."""


def resolve_resources(template: Mapping[str, Any]) -> tuple[Resource, ...]:
    """Return the resources that the template makes, each with its properties resolved.

    Those whose condition certainly does not hold are left out. Nobody gives the link's template parameters,
    so its defaults hold.

    Raises:
        TemplateTooComplex: the template expands beyond all measure, or refers to itself.
    """
    try:
        return tuple(_resources(template, _Resolver(template)))
    except RecursionError:
        raise TemplateTooComplex("it refers to itself") from None


def opaque_constructs(template: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes CloudFormation add resources that the text does not show: macros, loops, modules, stacks."""
    found = set()
    if template.get("Transform"):
        found.add(f"Transform {template['Transform']}")
    resources = template.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, Mapping) else ():
        kind = resource.get("Type") if isinstance(resource, Mapping) else None
        if str(logical_id).startswith("Fn::"):
            found.add(str(logical_id))
        elif isinstance(kind, str) and (kind.endswith("::MODULE") or kind in _NESTED):
            found.add(f"{logical_id} ({kind})")
        if _holds_transform(resource):
            found.add(f"Fn::Transform in {logical_id}")
    return tuple(sorted(found))


_NESTED = frozenset(
    {"AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet", "AWS::CloudFormation::Macro"}
)


def is_known(text: str) -> bool:
    """Whether nothing in `text` had to be left open."""
    return UNKNOWN not in text


def _resources(template: Mapping[str, Any], resolver: "_Resolver") -> Iterator[Resource]:
    for logical_id, resource in template["Resources"].items():
        if not isinstance(resource, Mapping):
            yield Resource(
                logical_id=str(logical_id), type=_unknown("not a resource"), properties={}, when=None
            )
            continue
        condition = resource.get("Condition")
        holds = True if condition is None else resolver.condition(condition)
        if holds is False:
            continue
        kind, properties = resource.get("Type"), resolver.value(resource.get("Properties"))
        yield Resource(
            logical_id=str(logical_id),
            type=kind if isinstance(kind, str) else _unknown("type"),
            properties=_as_mapping(properties),
            when=None if holds is True else str(condition),
        )


def _as_mapping(properties: Any) -> Mapping[str, Any]:
    if isinstance(properties, Mapping):
        return properties
    return {} if properties is None else {"Properties": str(properties)}


def _holds_transform(node: Any, depth: int = 0) -> bool:
    if isinstance(node, Mapping) and depth < 100:
        return "Fn::Transform" in node or any(_holds_transform(child, depth + 1) for child in node.values())
    return (
        isinstance(node, list) and depth < 100 and any(_holds_transform(child, depth + 1) for child in node)
    )


def _unknown(what: str) -> str:
    return f"{UNKNOWN}{what}}}"


class _Resolver:
    """Works a tree out from its leaves."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self._work = 0
        self._mappings = _section(template, "Mappings")
        self._conditions = _section(template, "Conditions")
        self._parameters = {
            name: default
            for name, parameter in _section(template, "Parameters").items()
            if (default := _default(parameter)) is not None
        }
        self._parameters[_NO_VALUE] = _NO_VALUE

    def _count(self, nodes: int) -> None:
        self._work += nodes
        if self._work > _MOST_WORK:
            raise TemplateTooComplex("it expands to more than can be read")

    def value(self, node: Any) -> Any:
        """The node with everything in it resolved."""
        self._count(1)
        if isinstance(node, str):
            return _DYNAMIC_REFERENCE.sub(r"${resolve:\1}", node)
        if isinstance(node, list):
            return [value for child in node if (value := self.value(child)) != _NO_VALUE]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            ((name, body),) = node.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._function(name, body)
        pairs = ((str(key), self.value(child)) for key, child in node.items())
        return {key: value for key, value in pairs if value != _NO_VALUE}

    def condition(self, name: Any, under: tuple[str, ...] = ()) -> bool | None:
        """Whether a condition holds; None where that can't be known."""
        if not isinstance(name, str) or name not in self._conditions or name in under:
            return None
        self._count(1)
        return self._truth(self._conditions[name], (*under, name))

    def _truth(self, node: Any, under: tuple[str, ...]) -> bool | None:
        if not isinstance(node, Mapping) or len(node) != 1:
            return None
        ((name, body),) = node.items()
        if name == "Condition":
            return self.condition(body, under)
        if name not in _LOGIC or not isinstance(body, list):
            return None
        operands: list[Any]
        if name == "Fn::Equals":
            operands = [self.value(operand) for operand in body]
            if len(operands) != 2 or not all(_is_plain(operand) for operand in operands):
                return None
        else:
            operands = [self._truth(operand, under) for operand in body]
            if None in operands or not operands:
                return None
        return bool(self._evaluate(name, operands))

    def _function(self, name: str, body: Any) -> Any:
        """The function's value, or its text where that is not known."""
        if name == "Fn::If":
            return self._chosen(body)
        arguments = self.value(body)
        if name not in _EVALUATED or not self._can_be_known(name, arguments):
            return _as_written(name, arguments)
        try:
            value = self._evaluate(name, arguments)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            return _as_written(name, arguments)
        if isinstance(value, str):
            self._count(len(value) // _CHARACTERS_A_NODE)
        return value

    def _chosen(self, body: Any) -> Any:
        if not isinstance(body, list) or len(body) != 3:
            return _unknown("Fn::If")
        holds = self.condition(body[0])
        return _unknown(f"Fn::If {body[0]}") if holds is None else self.value(body[1] if holds else body[2])

    def _can_be_known(self, name: str, arguments: Any) -> bool:
        """Whether pycfmodel would work this out, rather than make something up."""
        match name, arguments:
            case "Ref", str():
                known = arguments in self._parameters
            case "Fn::Base64", str():
                known = is_known(arguments)
            case "Fn::Join", [str(), list(parts)]:
                known = all(_is_scalar(part) for part in parts)
            case "Fn::Select", [str() | int() as index, list(choices)]:
                known = str(index).isdecimal() and int(index) < len(choices)
            case "Fn::Split", [str(), str(text)]:
                known = is_known(text)
            case "Fn::FindInMap", [str(), str(), str()]:
                known = self._is_mapped(arguments)
            case "Fn::Sub", [str(), dict(variables)]:
                # An unknown value could be taken for one of the variables.
                known = all(_is_plain(value) for value in variables.values())
            case _:
                known = name == "Fn::Sub" and isinstance(arguments, str)
        return known

    def _is_mapped(self, keys: Sequence[str]) -> bool:
        found: Any = self._mappings
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found is not None

    def _evaluate(self, name: str, arguments: Any) -> Any:
        # Here and not above: it costs 0.7 s of CPU, and many a template has nothing for it to work out.
        from pycfmodel import resolver  # noqa: PLC0415

        # A copy: the library's Sub writes its own variables into it. And it takes a list as text.
        known = {
            key: value for key, value in self._parameters.items() if name != "Fn::Sub" or _is_text(value)
        }
        return resolver.resolve({name: arguments}, known, self._mappings, {})


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name)
    return section if isinstance(section, Mapping) else {}


def _default(parameter: Any) -> Any:
    """A parameter's value where nobody gives one; None where it is not in the template."""
    if not isinstance(parameter, Mapping) or "Default" not in parameter or parameter.get("NoEcho"):
        return None
    kind, default = str(parameter.get("Type", "String")), parameter["Default"]
    if kind.startswith("AWS::SSM::"):
        return None
    if kind.startswith("List<") or kind == "CommaDelimitedList":
        return [part.strip() for part in str(default).split(",")]
    return str(default) if _is_scalar(default) else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != _NO_VALUE


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_plain(value: Any) -> bool:
    return _is_scalar(value) and is_known(str(value))


def _as_written(name: str, arguments: Any) -> str:
    """What is not known, in the words of `Fn::Sub` where it has them."""
    if name == "Ref":
        return _unknown(str(arguments))
    if name == "Fn::GetAtt":
        return _unknown(".".join(map(str, arguments)) if isinstance(arguments, list) else str(arguments))
    return _unknown(f"{name} {arguments}")
