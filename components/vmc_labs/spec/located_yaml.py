"""YAML with the line of every key and item: (text) -> (plain data, path -> line)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

Path = tuple[str | int, ...]
_LARGEST_BYTES = 4 * 1024 * 1024


class YamlRefused(Exception):
    """The text is no YAML that we read; `line` counts from 1."""

    def __init__(self, line: int, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.line, self.path, self.reason = line, path, reason


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocatedYaml:
    """What a file says, and where."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a path, or of the closest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


def read(text: str) -> LocatedYaml:
    """Read one YAML document with a safe loader.

    Raises:
        YamlRefused: no YAML, several documents, an anchor's alias, a key twice, or a key that is no text.
    """
    if len(text.encode()) > _LARGEST_BYTES:
        raise YamlRefused(1, (), "the file is larger than 4 MiB")
    lines: dict[Path, int] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        data = _build(loader, node, (), lines) if node else None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlRefused(
            line, (), f"no YAML: the character {chr(error.character)!r} can't be in it"
        ) from None
    except yaml.MarkedYAMLError as error:
        position = error.problem_mark or error.context_mark
        raise YamlRefused(position.line + 1 if position else 1, (), f"no YAML: {error.problem}") from None
    except RecursionError:
        raise YamlRefused(1, (), "no YAML: it is nested too deep") from None
    return LocatedYaml(data=data, lines=lines)


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _construct(loader, node, path)


def _construct(loader: yaml.SafeLoader, node: yaml.Node, path: Path) -> Any:
    """The value of a text; PyYAML lets its own errors through, as of 2026-02-30, which looks like a date."""
    try:
        return loader.construct_object(node)
    except (ValueError, LookupError, AttributeError):
        reason = f"{node.value[:60]!r} can't be read: put it in quotes"
        raise YamlRefused(node.start_mark.line + 1, path, reason) from None


def _build_mapping(
    loader: yaml.SafeLoader, node: yaml.MappingNode, path: Path, lines: dict[Path, int]
) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise YamlRefused(line, path, "`<<` is not read: put what labs share under `defaults`")
        key = _construct(loader, key_node, path)
        if not isinstance(key, str):
            raise YamlRefused(line, path, f"the key {key!r} is not a text: put it in quotes")
        if key in mapping:
            raise YamlRefused(line, (*path, key), "it is there twice")
        lines[*path, key] = line
        mapping[key] = _build(loader, value_node, (*path, key), lines)
    return mapping
