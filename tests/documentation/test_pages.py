"""README, tutorial and examples: each command as it is written, in a fresh clone. Real: all of it."""

import pytest

from bench.page import filled
from tests.support.paths import REPOSITORY
from tools.docs.__main__ import run_documented
from tools.docs.blocks import Block, missing_lines, read_blocks

PAGES = ("README.md", "docs/tutorial.md", "examples/README.md")


@pytest.mark.documented
@pytest.mark.engine
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_the_page_says(page: str) -> None:
    ran = list(run_documented(page))
    assert len(ran) == len(read_blocks((REPOSITORY / page).read_text(encoding="utf-8")))
    problems = [(one.block.line, one.problems, one.output) for one in ran if one.problems]
    assert problems == []


def test_blocks_are_read_with_the_output_that_follows_them() -> None:
    page = (
        "# A\n\n```sh\na\n```\n\n```text\nout\n```\n\n"
        "1. B\n\n   ```sh\n   b\n     c\n   ```\n\ntext\n\n```text\nno\n```\n"
    )
    assert read_blocks(page) == (
        Block(line=3, text="a\n", expected="out\n"),
        Block(line=13, text="b\n  c\n"),
    )


def test_an_output_is_compared_by_lines_in_order_with_gaps_where_the_page_has_them() -> None:
    output = "Created  stack\npass  token  180 days left\n\npass roles full\n"
    assert missing_lines("Created stack\npass token … left\n…\npass roles full\n", output) == ()
    assert missing_lines("pass roles full\nCreated stack\n", output) == ("Created stack",)
    assert missing_lines("pass token 179 … left\n", output) == ("pass token 179 … left",)


def test_the_readme_is_short() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(readme.split()) <= 1200
    # And stays so with the figures of `make bench`, which have some 150 words.
    assert len(filled(readme, {"in short": ""}).split()) <= 1045
