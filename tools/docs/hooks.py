"""MkDocs hooks: reference pages out of Pulumi.yaml and the command line, and links into the repository."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files, InclusionLevel
from mkdocs.structure.pages import Page

from vmc_account_link import environment
from vmc_account_link.cli.command_line import command_line

_REPOSITORY = Path(__file__).resolve().parents[2]
_OUT_OF_DOCS = re.compile(r"\]\((?:\.\./)+((?!adr/|how-to/|reference/|explanation/)[\w./-]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave out of the navigation what is not written yet."""
    config.nav = [entry for entry in map(_existing, config.nav or []) if entry]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:  # noqa: ARG001
    """Keep the decision records out of the navigation, where their list stands for them."""
    decisions = sorted(file.src_uri for file in files if re.match(r"adr/\d{4}-", file.src_uri))
    for uri in decisions:
        found = files.get_file_from_path(uri)
        if found is not None:
            found.inclusion = InclusionLevel.NOT_IN_NAV
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Put the generated tables in, and turn links out of `docs/` into the paths that they name."""
    described = yaml.safe_load((_REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    markdown = markdown.replace("<!-- settings -->", settings_table(described["config"]))
    markdown = markdown.replace("<!-- commands -->", commands_text())
    markdown = markdown.replace("<!-- environment -->", environment.table())
    if "<!-- spec -->" in markdown:
        schema = json.loads(
            (_REPOSITORY / "components" / "vmc_labs" / "spec" / "schema.json").read_text(encoding="utf-8")
        )
        markdown = markdown.replace("<!-- spec -->", spec_tables(schema))
    return _OUT_OF_DOCS.sub(r"](#) `\1`", markdown) if page.file.src_uri.startswith("adr/") else markdown


def settings_table(config: Mapping[str, Mapping[str, Any]]) -> str:
    """The settings that Pulumi.yaml declares, as a table. Pure."""
    rows = [
        f"| `{name}` | {entry['type']} | {_default(entry.get('default'))} | {entry.get('description', '')} |"
        for name, entry in config.items()
    ]
    return "\n".join(["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows])


def spec_tables(schema: Mapping[str, Any]) -> str:
    """The keys of a fleet's spec, a table for each part of it. Pure."""
    parts = schema["$defs"]
    own = {key: value for key, value in parts["Lab"]["properties"].items() if key not in _shared(schema)}
    tables = {
        "At the top": schema["properties"],
        "`vmc`": parts["Vmc"]["properties"],
        "`limits`": parts["Limits"]["properties"],
        "`labs[]`": own,
        "`defaults`, and `labs[]` where a lab differs": _shared(schema),
    }
    return "\n".join(
        f"**{title}**\n\n| key | meaning |\n| --- | --- |\n"
        + "".join(f"| `{key}` | {value.get('description', '')} |\n" for key, value in keys.items())
        for title, keys in tables.items()
    )


def _shared(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    shared: Mapping[str, Any] = schema["$defs"]["Settings"]["properties"]
    return shared


def commands_text() -> str:
    """What `--help` says of each command."""
    parent = click.Context(command_line, info_name=command_line.name, terminal_width=100)
    return "\n".join(
        f"## {name}\n\n```text\n{command.get_help(click.Context(command, parent, name))}\n```\n"
        for name, command in command_line.commands.items()
    )


def _default(value: Any) -> str:
    if value in ("", [], {}, None):
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _existing(entry: Any) -> Any:
    """The entry without pages that nobody has written."""
    if isinstance(entry, str):
        return entry if (_REPOSITORY / "docs" / entry).is_file() else None
    ((title, target),) = entry.items()
    if isinstance(target, list):
        return {title: [kept for kept in map(_existing, target) if kept]}
    return entry if _existing(target) else None
