"""The commands that the README names."""

import re

from tests.support.paths import REPOSITORY

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def test_every_command_of_the_makefile_does_something() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    does = set(re.findall(r"^([a-z-]+):.*## .*\n\t", MAKEFILE, re.MULTILINE))
    # `demo: setup` alone would make a folder's name pass for a command that is done.
    assert set(phony.split()) - {"help", "setup", "clean", "lock"} <= does


def test_every_documented_command_exists() -> None:
    rules = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]
    described = {
        name
        for page in pages
        for name in re.findall(r"(?:`|^)make ([a-z-]+)\b", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {"demo", "test", "bench", "fleet-sweep"} <= described
    assert described <= rules
