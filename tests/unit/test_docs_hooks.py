"""The configuration reference is made of Pulumi.yaml; unwritten pages stay out of the navigation."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.paths import REPOSITORY
from tools.docs.errors import classes, errors_text, messages
from tools.docs.hooks import (
    _GENERATED,
    _existing,
    commands_text,
    outputs_table,
    package_examples,
    package_tables,
    rights_table,
    settings_table,
    spec_tables,
    with_links_of_the_site,
)
from vmc_account_link.cli.command_line import command_line
from vmc_account_link.cli.rights import RIGHTS
from vmc_account_link.stack_hooks import MAY_BE_THERE, what_to_do
from vmc_labs.__main__ import labs


def test_every_setting_is_documented_with_type_and_default() -> None:
    config = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    rows = settings_table(config).splitlines()[2:]
    assert [re.match(r"\| `(\w+)` \|", row)[1] for row in rows] == list(config)  # type: ignore[index]
    assert "| `unlinkOnDestroy` | boolean | `true` | On destroy" in settings_table(config)
    assert "| `awsAccountId` | string | unset | Refuse" in settings_table(config)


def test_every_input_and_output_of_the_package_is_documented_with_its_type() -> None:
    file = REPOSITORY / "components" / "vmc_account_link" / "schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    component = schema["resources"]["vmc-account-link:index:AccountLink"]
    tables = package_tables(schema)
    rows = re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)
    assert rows == [*component["inputProperties"], *component["properties"]]
    assert "| `link` | `create`, `existing` | `create` (the default)" in tables
    assert "| `compatibleSubnets` | object of array of string | Availability zone" in tables
    assert "type: vmc-account-link:AccountLink" in package_examples()


def test_every_command_and_option_is_in_the_reference() -> None:
    for group in (command_line, labs):
        text = commands_text(group)
        assert re.findall(r"^### [\w-]+ (\w+)$", text, re.MULTILINE) == list(group.commands)
        options = {o for one in group.commands.values() for p in one.params for o in p.opts if o[:2] == "--"}
        assert [option for option in options if option not in text] == []


def test_every_right_and_every_output_is_in_its_table() -> None:
    assert [right.action for right in RIGHTS if f"| `{right.action}` |" not in rights_table()] == []
    outputs = re.findall(r'pulumi\.export\("(\w+)"', (REPOSITORY / "__main__.py").read_text())
    assert re.findall(r"^\| `(\w+)` \| \w", outputs_table(), re.MULTILINE) == outputs


def test_errors_are_found_by_their_text() -> None:
    text = errors_text()
    line = (
        "| `vmc:orgId: the VMC organisation is not set…` "
        "| Run `pulumi config set vmc:orgId <organisation id>`"
    )
    assert line in text
    assert (
        "| `wait for AWS account … to be connected: … min passed (linkTimeoutMinutes); last seen: …` |"
        in text
    )
    assert "### RequestError" in text
    kinds = {message.kind for message in messages()}
    said = {kind for kind in classes() if f"### {kind}\n" in text}
    assert said == kinds


@pytest.mark.parametrize(
    ("uri", "link", "expected"),
    [
        ("how-to/ci.md", "[a](install.md#x)", "[a](install.md#x)"),
        ("adr/0001.md", "[a](../how-to/ci.md)", "[a](../how-to/ci.md)"),
        ("how-to/upgrade.md", "[changelog](../../CHANGELOG.md)", "[changelog](../changelog.md)"),
        ("contributing.md", "[docs/adr](docs/adr/README.md)", "[docs/adr](adr/README.md)"),
        ("contributing.md", "[cli/x.py](components/cli/x.py)", "`components/cli/x.py`"),
        ("reference/python.md", "[examples](../../examples/README.md)", "`examples/README.md`"),
        ("adr/0001.md", "[the code](../../tools/engine)", "the code (`tools/engine`)"),
        ("index.md", "[Pulumi](https://www.pulumi.com/x)", "[Pulumi](https://www.pulumi.com/x)"),
    ],
)
def test_a_link_leads_somewhere_in_the_site_or_names_the_file(uri: str, link: str, expected: str) -> None:
    assert with_links_of_the_site(link, uri) == expected


def test_the_diagram_is_the_readmes() -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    picture = (REPOSITORY / "docs" / "assets" / "flow.svg").read_text(encoding="utf-8")
    assert f"<!-- mermaid:\n{drawn.replace('--', '- -')}-->" in picture, "draw it anew from the README"


def test_nothing_of_the_site_is_eaten_or_left_as_a_marker(tmp_path: Path) -> None:
    """`<event>-<lab>` is no HTML, wherever a text comes from."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.html")
    }
    for name in ("how-to/workshop.html", "reference/fleet.html"):
        shown = html.unescape(re.sub(r"<[^>]*>", "", pages[name]))
        assert "<event>-<lab>" in shown, name
    markers = [f"<!-- {marker} -->" for marker in _GENERATED]
    assert [name for name, page in pages.items() if any(marker in page for marker in markers)] == []


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


def test_the_page_of_errors_quotes_what_is_said_of_a_stack_that_may_be_there_or_is() -> None:
    page = (REPOSITORY / "docs" / "reference" / "errors.md").read_text()
    assert f"| `{MAY_BE_THERE}` |" in page
    said = what_to_do("AlreadyExistsException", "lab") or ""
    (quoted,) = re.findall(r"`(the name is taken [^`…]*) …`", page)
    assert said.startswith(quoted)
