"""A question's answer as plain values: rows of figures, the aims beside them, what must be said with them."""

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Self

Value = str | float | int | None
Row = Mapping[str, Value]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the table."""

    key: str
    """In each row."""
    heading: str
    """With the unit."""
    digits: int = 1
    """After the point."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What was wanted of a figure, and what came."""

    target: str
    came: str
    is_met: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """All that one question's run found out."""

    question: str
    """Its name on the command line."""
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    aims: Sequence[Aim]
    notes: Sequence[str]
    """How it was measured, as far as a reader needs it to judge the figures."""
    runs: Sequence[Mapping[str, Any]]
    """Each measured run, for whoever wants to compute anew."""

    def to_json(self, about: Mapping[str, Any]) -> str:
        """The answer with `about` (machine, when, smoke) before it."""
        return json.dumps({**about, **dataclasses.asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read an answer back."""
        wire = json.loads(text)
        kept = {field.name: wire[field.name] for field in dataclasses.fields(cls)}
        kept["columns"] = [Column(**one) for one in wire["columns"]]
        kept["aims"] = [Aim(**one) for one in wire["aims"]]
        return cls(**kept)


def median(values: Sequence[float]) -> float:
    """The median; with two values their mean."""
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """`low-high` of several repetitions; empty for one."""
    if len(values) < 2:
        return ""
    return f"{min(values):.{digits}f}-{max(values):.{digits}f}"
