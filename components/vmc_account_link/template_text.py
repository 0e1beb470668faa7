"""A CloudFormation template's text -> plain values, whoever wrote it."""

from typing import Any

import cfn_flip
import yaml
from cfn_tools.yaml_loader import CfnYamlLoader


class AliasFound(Exception):
    """A YAML alias."""


class _Loader(CfnYamlLoader):  # type: ignore[misc]  # no types
    """CloudFormation's YAML, read safely; without aliases, a few of which make a text of any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise AliasFound
        return super().compose_node(parent, index)


def load(text: str) -> Any:
    """Read JSON, or YAML with its short forms written out (`!Ref X` is `{"Ref": "X"}`).

    Raises:
        AliasFound: of YAML, which CloudFormation does not take either.
        Exception: the loaders of JSON and YAML raise a dozen kinds.
    """
    try:
        return cfn_flip.load_json(text)
    except ValueError:
        return _Loader(text).get_single_data()
