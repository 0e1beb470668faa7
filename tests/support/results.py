"""What a long run prints on the way, and the files that it leaves."""

import dataclasses
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def say(text: str) -> None:
    """Print at once: it takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def save_results(folder: Path, name: str, results: Iterable["DataclassInstance"], table: str) -> None:
    """Write `NAME.json` and `NAME.txt`, each whole or not at all."""
    wire = [dataclasses.asdict(result) for result in results]
    for file, text in ((f"{name}.json", json.dumps(wire, indent=1) + "\n"), (f"{name}.txt", table)):
        new = folder / f"{file}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(folder / file)
