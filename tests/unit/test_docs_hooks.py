"""The configuration reference is made of Pulumi.yaml; unwritten pages stay out of the navigation."""

import json
import re

import yaml

from tests.support.paths import REPOSITORY
from tools.docs.hooks import _existing, commands_text, settings_table, spec_tables


def test_every_setting_is_in_the_table_with_its_type_default_and_description() -> None:
    config = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    rows = settings_table(config).splitlines()[2:]
    assert [re.match(r"\| `(\w+)` \|", row)[1] for row in rows] == list(config)  # type: ignore[index]
    assert "| `unlinkOnDestroy` | boolean | `true` | On destroy" in settings_table(config)
    assert "| `awsAccountId` | string | unset | Refuse" in settings_table(config)


def test_the_four_commands_are_in_the_reference() -> None:
    assert re.findall(r"^## (\w+)$", commands_text(), re.MULTILINE) == [
        "inspect",
        "doctor",
        "status",
        "recover",
    ]


def test_every_key_of_a_spec_is_in_the_tables_with_its_description() -> None:
    schema = json.loads((REPOSITORY / "components" / "vmc_labs" / "spec" / "schema.json").read_text())
    tables = spec_tables(schema)
    keys = [*schema["properties"], *(key for part in schema["$defs"].values() for key in part["properties"])]
    nested = {*schema["$defs"]["Policy"]["properties"]}
    assert [key for key in keys if f"| `{key}` | " not in tables and key not in nested] == []
    assert re.findall(r"\| `\w+` \|  \|", tables) == [], "a key without a description"


def test_a_page_that_does_not_exist_is_left_out_and_one_that_does_is_not() -> None:
    nav = {"How to": [{"A": "how-to/unlink.md"}, {"B": "how-to/nobody-wrote-this.md"}]}
    assert _existing(nav) == {"How to": [{"A": "how-to/unlink.md"}]}
