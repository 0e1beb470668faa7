"""The configuration reference is made of Pulumi.yaml; unwritten pages stay out of the navigation."""

import re
from pathlib import Path

import yaml

from tools.docs.hooks import _existing, commands_text, settings_table

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_setting_is_in_the_table_with_its_type_default_and_description() -> None:
    config = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    rows = settings_table(config).splitlines()[2:]
    assert [re.match(r"\| `(\w+)` \|", row)[1] for row in rows] == list(config)  # type: ignore[index]
    assert "| `inlineTemplate` | boolean | `true` | Download" in settings_table(config)
    assert "| `awsAccountId` | string | unset | Refuse" in settings_table(config)


def test_the_three_commands_are_in_the_reference() -> None:
    assert re.findall(r"^## (\w+)$", commands_text(), re.MULTILINE) == ["inspect", "doctor", "status"]


def test_a_page_that_does_not_exist_is_left_out_and_one_that_does_is_not() -> None:
    nav = {"How to": [{"A": "how-to/unlink.md"}, {"B": "how-to/nobody-wrote-this.md"}]}
    assert _existing(nav) == {"How to": [{"A": "how-to/unlink.md"}]}
