"""`python -m tools.schema`: writes the package's schema, out of the component's annotations and docstrings.

The SDK's own analyser reads them. What it can't do, and is done here: a `Literal`, which becomes an enum; and
names in descriptions, which are to be those that programs in other languages write.
"""

import enum
import json
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

from pulumi.provider.experimental.analyzer import Analyzer, ComponentDefinition, PropertyDefinition
from pulumi.provider.experimental.schema import generate_schema

from vmc_account_link import args
from vmc_account_link.account_link import AccountLink
from vmc_account_link.args import AccountLinkArgs
from vmc_account_link.resource_types import PACKAGE
from vmc_account_link.settings import setting_key

_REPOSITORY = Path(__file__).resolve().parents[1]
SCHEMA = _REPOSITORY / "components" / "vmc_account_link" / "schema.json"
_PYTHON_ONLY = "vmc"
"""A value that other languages can't make, and that the dynamic resources' process would not know."""


class _Analyzer(Analyzer):
    def analyze_property(self, arg: Any, typ: type, name: str, **how: Any) -> PropertyDefinition:
        """As the SDK's, and a `Literal` of texts as an enum that has the name of its alias."""
        if name == _PYTHON_ONLY:
            return PropertyDefinition()
        if typing.get_origin(arg) is typing.Literal:
            alias = next(key for key, value in vars(args).items() if value == arg)
            members = {word: word for word in typing.get_args(arg)}
            arg = enum.Enum(alias, members, module=args.__name__)  # type: ignore[misc,no-redef]
        return super().analyze_property(arg, typ, name, **how)


def schema() -> str:
    """The schema, as it stands in its file."""
    analyzer = _Analyzer(PACKAGE)
    inputs, inputs_mapping = analyzer.analyze_type(AccountLinkArgs, is_component_output=False)
    del inputs[_PYTHON_ONLY]
    outputs, outputs_mapping = analyzer.analyze_type(AccountLink, is_component_output=True)
    component = ComponentDefinition(
        name=AccountLink.__name__,
        inputs=inputs,
        outputs=outputs,
        inputs_mapping=inputs_mapping,
        outputs_mapping=outputs_mapping,
        module=None,
        description=AccountLink.__doc__,
    )
    project = tomllib.loads((_REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = generate_schema(
        PACKAGE, project["version"], None, {component.name: component}, analyzer.type_definitions, []
    ).to_json()
    described |= {"description": project["description"], "license": project["license"]}
    names = {*inputs_mapping.values(), *outputs_mapping.values()}
    return json.dumps(_readable(described, names), indent=2, ensure_ascii=False) + "\n"


def _readable(value: Any, names: set[str], *, described: bool = True) -> Any:
    """The same without what is unset, descriptions as one paragraph with `stackName` for `stack_name`.

    Args:
        value: a part of the schema.
        names: those of arguments and outputs in Python.
        described: whether it has a description of its own; the SDK repeats a list's in its items.
    """
    if isinstance(value, list):
        return [_readable(entry, names) for entry in value]
    if not isinstance(value, dict):
        return value
    value = {
        key: _readable(entry, names, described=key not in {"items", "additionalProperties"})
        for key, entry in value.items()
        if entry not in (None, [], {}) and (described or key != "description")
    }
    if isinstance(text := value.get("description"), str):
        value["description"] = re.sub(
            r"`(\w+)`",
            lambda found: f"`{setting_key(found[1])}`" if found[1] in names else found[0],
            " ".join(text.split()),
        )
    return value


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
