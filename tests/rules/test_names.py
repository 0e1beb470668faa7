"""The words of the code: names that were replaced by the field's own do not come back."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.paths import REPOSITORY

FOLDERS = ("components", "sandbox", "tests", "bench", "tools")

PARTS = re.compile(
    "tell|told|asked|answered|unheard|(un)?seen|judg(es?|ed|ing)|mint(s|ed|ing)?|wanted|persons?|look(s|ed|ing|out)?"
    "|holders?|mark(s|ed)?|anew|entangled|strays?|amazon|adopt(s|ed|ing)?|desk|board|book|hurry"
    "|wish(es)?|words|spent",
    re.IGNORECASE,
)
"""No name has one of them as a part."""

WHOLE = re.compile(
    "do|refused|places?|placed|listed|let_in|is_ours|our_stacks|record_before|is_run|is_renewed|inspection|may_stop|orphans"
    "|stands_in_the_way|given_arguments|refuse_what_can_not_be|watch_for_cancel|working_for|inline_template"
    "|Answer|Call|NoAnswer|NoReply|NotSent|NOT_RUN|Place|Placed|Places|Repeat|SddcsOnLink|StillLinked|Why"
)
"""No name is one of them, with or without a leading underscore."""


def defined_names(tree: ast.AST) -> Iterator[str]:
    """The names that a module gives: those of other libraries are only used, and theirs."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield "" if name.startswith("test_") else name  # a sentence
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name


def is_replaced(name: str) -> bool:
    """Whether a name is one that was replaced, or has a word that was."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return bool(WHOLE.fullmatch(name.strip("_"))) or any(map(PARTS.fullmatch, parts))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_name_is_one_that_was_replaced(folder: str) -> None:
    found = {
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in (REPOSITORY / folder).rglob("*.py")
        for name in (path.stem, *defined_names(ast.parse(path.read_text())))
        if is_replaced(name)
    }
    assert found == set()


@pytest.mark.parametrize("name", ["_told", "judge_link", "LinkBoard", "LOOK_SECONDS", "refused", "_place"])
def test_a_replaced_name_is_known_by_its_words(name: str) -> None:
    (given,) = defined_names(ast.parse(f"{name} = 1"))
    assert is_replaced(given)


@pytest.mark.parametrize("name", ["orphaned_engines", "Refused", "placement", "bookmark", "evaluate_link"])
def test_a_name_that_only_resembles_one_is_fine(name: str) -> None:
    assert not is_replaced(name)
