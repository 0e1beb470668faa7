"""Every message of ours by its text, read out of the code: what came back, and what to do."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPONENTS = Path(__file__).resolve().parents[2] / "components"
_ROOT = "VmcError"
_ROOT_OF_COMMANDS = "CommandFailed"
"""Its messages are one text."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Message:
    """A message as the code composes it; `…` stands for what is only known then."""

    kind: str
    """The class of the exception."""
    text: str
    """`action: detail`."""
    hint: str


def classes() -> dict[str, str]:
    """Each class of the two trees of errors, wherever it is, and its first line."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = tuple(base.id for base in node.bases if isinstance(base, ast.Name))
                found[node.name] = bases, (ast.get_docstring(node) or "").partition("\n")[0]
    kept = {_ROOT, _ROOT_OF_COMMANDS}
    while more := {name for name, (bases, _) in found.items() if kept & set(bases)} - kept:
        kept |= more
    return {name: line for name, (_, line) in found.items() if name in kept}


def messages() -> tuple[Message, ...]:
    """All messages that the code composes of an action, a detail and a hint, sorted."""
    kinds = classes()
    found = {message for tree in _trees() for message in _of_calls(tree, frozenset(kinds), _constants(tree))}
    return tuple(sorted(found))


def errors_text() -> str:
    """The messages as tables, one for each class."""
    parts: list[str] = []
    all_messages = messages()
    for kind, line in classes().items():
        found = [one for one in all_messages if one.kind == kind]
        # The messages of commands say in the same text what to do.
        columns = 2 if any(one.hint for one in found) else 1
        head = ["| message | what to do |", "| --- | --- |"] if columns == 2 else ["| message |", "| --- |"]
        rows = ["| " + " | ".join([_code(one.text), _plain(one.hint)][:columns]) + " |" for one in found]
        if rows:
            parts.append("\n".join([f"### {kind}", "", line, "", *head, *rows]))
    return "\n\n".join(parts)


def _trees() -> Iterator[ast.Module]:
    for path in sorted(_COMPONENTS.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The texts that a module gives a name: NAME = "…"."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _of_calls(tree: ast.Module, kinds: frozenset[str], constants: dict[str, ast.expr]) -> Iterator[Message]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        known = constants | {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds):
                continue
            parts = [_text(part, known) for part in node.args[:3]]
            text, hint = ": ".join(parts[:2]), parts[2] if len(parts) == 3 else ""
            if text.strip("….: "):
                yield Message(kind=node.func.id, text=text, hint=hint)


def _text(node: ast.expr, known: dict[str, ast.expr], depth: int = 0) -> str:
    """What an expression says, as far as the code tells."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known, depth) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, known, depth) + _text(node.right, known, depth)
    if isinstance(node, ast.Name) and node.id in known and depth < 3:
        return _text(known[node.id], known, depth + 1)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known, depth + 1)
    return "…"


def _code(text: str) -> str:
    """A message in a cell; one that has a back-quote itself is put between two."""
    quote = "``" if "`" in text else "`"
    space = " " if quote == "``" else ""
    return f"{quote}{space}{text}{space}{quote}".replace("|", "\\|")


def _plain(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts).replace(
        "|", "\\|"
    )
