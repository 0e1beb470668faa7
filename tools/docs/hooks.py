"""MkDocs hooks: reference pages out of the code, and links that lead somewhere in the site too."""

import ast
import functools
import itertools
import json
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from tools.docs.errors import errors_text
from vmc_account_link.cli import environment
from vmc_account_link.cli.command_line import command_line
from vmc_account_link.cli.rights import RIGHTS
from vmc_labs.__main__ import labs

_REPOSITORY = Path(__file__).resolve().parents[2]
_ROOT_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-report.md",
}
"""Pages at the root of the repository -> where the site has them."""
_LINK = re.compile(r"\[(?P<text>[^\]\n]*)\]\((?P<target>[\w./-]+?)(?P<anchor>#[\w-]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave out of the navigation what is not written yet."""
    config.nav = [entry for entry in map(_existing, config.nav or []) if entry]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Take in the pages of the root; keep the decision records, which have a list, out of the navigation."""
    for source, uri in _ROOT_PAGES.items():
        files.append(File.generated(config, uri, content=(_REPOSITORY / source).read_text(encoding="utf-8")))
    decisions = sorted(file.src_uri for file in files if re.match(r"adr/\d{4}-", file.src_uri))
    for uri in decisions:
        found = files.get_file_from_path(uri)
        if found is not None:
            found.inclusion = InclusionLevel.NOT_IN_NAV
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Put the generated tables in, and turn links out of the site into the paths that they name."""
    for marker, generate in _GENERATED.items():
        if f"<!-- {marker} -->" in markdown:
            markdown = markdown.replace(f"<!-- {marker} -->", generate())
    return with_links_of_the_site(markdown, page.file.src_uri)


def with_links_of_the_site(markdown: str, uri: str) -> str:
    """A page with links that the site can follow; one to a file of the repository becomes its path. Pure.

    Args:
        markdown: the page, whose links are for a reader of the repository.
        uri: where the site has it.
    """
    home = {new: old for old, new in _ROOT_PAGES.items()}.get(uri, f"docs/{uri}")

    def followed(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(home), match["target"]))
        if target.startswith("docs/"):
            reached = target.removeprefix("docs/")
        elif target in _ROOT_PAGES:
            reached = _ROOT_PAGES[target]
        elif match["text"].strip("`") in target:
            return f"`{target}`"
        else:
            return f"{match['text']} (`{target}`)"
        here = posixpath.relpath(reached, posixpath.dirname(uri) or ".")
        return f"[{match['text']}]({here}{match['anchor'] or ''})"

    return _LINK.sub(followed, markdown)


def _settings() -> str:
    described = yaml.safe_load((_REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    return settings_table(described["config"])


def _spec() -> str:
    path = _REPOSITORY / "components" / "vmc_labs" / "spec" / "schema.json"
    return spec_tables(json.loads(path.read_text(encoding="utf-8")))


def outputs_table() -> str:
    """The program's outputs, in the words of the component. Pure, but for reading the code."""
    program = (_REPOSITORY / "__main__.py").read_text(encoding="utf-8")
    described = _described_attributes(
        _REPOSITORY / "components" / "vmc_account_link" / "account_link.py", "AccountLink"
    )
    rows = [f"| `{name}` | {_cell(described[name])} |" for name in re.findall(r'export\("(\w+)"', program)]
    return "\n".join(["| output | what |", "| --- | --- |", *rows])


def _described_attributes(path: Path, name: str) -> dict[str, str]:
    """The attributes of a class and the text under each."""
    (found,) = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return {
        first.target.id: " ".join(str(second.value.value).split())
        for first, second in itertools.pairwise(found.body)
        if isinstance(first, ast.AnnAssign)
        and isinstance(first.target, ast.Name)
        and isinstance(second, ast.Expr)
        and isinstance(second.value, ast.Constant)
    }


def settings_table(config: Mapping[str, Mapping[str, Any]]) -> str:
    """The settings that Pulumi.yaml declares, as a table. Pure."""
    rows = [
        f"| `{name}` | {entry['type']} | {_default(entry.get('default'))} "
        f"| {_cell(entry.get('description', ''))} |"
        for name, entry in config.items()
    ]
    return "\n".join(["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows])


def rights_table() -> str:
    """Each right of the policy, with the commands that need it and why. Pure."""
    rows = [
        f"| `{right.action}` | {', '.join(right.commands)} | {right.caller} | {right.why} |"
        for right in RIGHTS
    ]
    head = ["| action | needed by | asked by | what for |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


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
        + "".join(f"| `{key}` | {_cell(value.get('description', ''))} |\n" for key, value in keys.items())
        for title, keys in tables.items()
    )


def package_tables(schema: Mapping[str, Any]) -> str:
    """Inputs and outputs of the package's component, a table each. Pure."""
    component = schema["resources"]["vmc-account-link:index:AccountLink"]
    tables = {"Inputs": component["inputProperties"], "Outputs": component["properties"]}
    return "\n".join(
        f"## {title}\n\n| name | type | meaning |\n| --- | --- | --- |\n"
        + "".join(
            f"| `{key}` | {_property_type(value, schema)} | {_cell(value['description'])} |\n"
            for key, value in properties.items()
        )
        for title, properties in tables.items()
    )


def _property_type(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in value:
        values = schema["types"][value["$ref"].removeprefix("#/types/")]["enum"]
        return ", ".join(f"`{one['value']}`" for one in values)
    inner = value.get("items") or value.get("additionalProperties")
    return f"{value['type']} of {_property_type(inner, schema)}" if inner else str(value["type"])


def package_examples() -> str:
    """The repository's examples in three languages."""
    files = {
        "YAML": ("yaml", "examples/yaml/Pulumi.yaml"),
        "TypeScript": ("typescript", "examples/typescript/index.ts"),
        "Python": ("python", "template/__main__.py"),
    }
    return "\n".join(
        f"## {title}\n\n```{language}\n{(_REPOSITORY / file).read_text(encoding='utf-8')}```\n"
        for title, (language, file) in files.items()
    )


def _shared(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    shared: Mapping[str, Any] = schema["$defs"]["Settings"]["properties"]
    return shared


def commands_text(group: click.Group = command_line) -> str:
    """What `--help` says of each command of a command line."""
    parent = click.Context(group, info_name=group.name, terminal_width=80)
    return "\n".join(
        f"### {group.name} {name}\n\n```text\n{command.get_help(click.Context(command, parent, name))}\n```\n"
        for name, command in group.commands.items()
    )


def _cell(text: str) -> str:
    """A text as a table's cell shows it: `<event>` is no HTML, a bar ends no cell. Pure."""
    outside = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in outside).replace(
        "|", "\\|"
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


def _package() -> str:
    file = _REPOSITORY / "components" / "vmc_account_link" / "schema.json"
    return package_tables(json.loads(file.read_text(encoding="utf-8")))


_GENERATED: Mapping[str, Callable[[], str]] = {
    "settings": _settings,
    "outputs": outputs_table,
    "commands": commands_text,
    "fleet commands": functools.partial(commands_text, labs),
    "rights": rights_table,
    "environment": environment.table,
    "errors": errors_text,
    "spec": _spec,
    "package": _package,
    "package examples": package_examples,
}
"""Marker in a page -> what is put in its place."""
