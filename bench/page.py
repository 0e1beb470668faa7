"""Writes answers into the places that texts have for them: docs/performance.md and the README."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.answers import ANSWERS, Answer, Cell
from bench.meter import REPOSITORY
from bench.questions import Run

_ASSETS = REPOSITORY / "docs" / "assets"
RUNS = _ASSETS / "performance.jsonl"
"""What was measured on, then every single run, a line each: all that is written comes from it."""
TEXTS = (REPOSITORY / "docs" / "performance.md", REPOSITORY / "README.md")
_PLACE = re.compile(r"(<!-- figures(?:: ([a-z ]+))? -->\n).*?(<!-- /figures -->)", re.DOTALL)
_IN_SHORT = "in short"


def read(lines: str) -> tuple[Mapping[str, Any], dict[str, Answer]]:
    """What was measured on, and the answers by question."""
    about, *wires = (json.loads(line) for line in lines.splitlines())
    runs = [Run.from_wire(wire) for wire in wires]
    asked = dict.fromkeys(run.question for run in runs)
    return about, {name: ANSWERS[name]([run for run in runs if run.question == name]) for name in asked}


def publish(lines: str) -> None:
    """Write the runs, the plots, and the figures into the texts."""
    RUNS.write_text(lines, encoding="utf-8")
    about, answers = read(lines)
    for name, answer in answers.items():
        draw(answer, _ASSETS / f"performance-{name}.svg")
    for path in TEXTS:
        path.write_text(filled(path.read_text("utf-8"), contents(about, answers)), encoding="utf-8")


def filled(text: str, content: Mapping[str, str]) -> str:
    """The text with each of its places filled."""
    return _PLACE.sub(lambda place: place[1] + content[place[2] or _IN_SHORT] + place[3], text)


def places(text: str) -> list[str]:
    """The places that a text has; one without a name is for all answers in short."""
    return [place[2] or _IN_SHORT for place in _PLACE.finditer(text)]


def contents(about: Mapping[str, Any], answers: Mapping[str, Answer]) -> dict[str, str]:
    """What goes into a place, by its name."""
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    return {
        **{name: section(answer) for name, answer in answers.items()},
        _IN_SHORT: "".join(f"- {answer.sentence}\n" for answer in answers.values()),
        "measured on": f"{about['machine']}. {versions}. {about['when']}, load before: {about['load']}.\n",
    }


def section(answer: Answer) -> str:
    """Table and aims."""
    aims = [
        (aim.what, f"{'≥' if aim.at_least else '≤'} {_shown(aim.wanted)}", aim.came,
         "met" if aim.is_met else "**MISSED**")
        for aim in answer.aims
    ]  # fmt: skip
    return _table(answer.headings, answer.rows) + (
        _table(("figure", "aim", "came", ""), aims) if aims else ""
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table that reads as text too."""
    lines = [list(headings), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    text = [" | ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n" + "".join(f"| {line} |\n" for line in text)


def _shown(cell: Cell) -> str:
    """Three digits of a number, or as many as it has before the point."""
    if isinstance(cell, str):
        return cell
    return f"{cell:,.0f}" if abs(cell) >= 100 or cell == int(cell) else f"{cell:.3g}"


def draw(answer: Answer, path: Path) -> None:
    """Plot an answer's series into a file that is the same for the same figures."""
    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes: Any = figure.subplots()
        for number, (name, points) in enumerate(answer.series.items()):
            marks = (
                sorted(points.items()) if not isinstance(next(iter(points)), str) else list(points.items())
            )
            along, high = [mark[0] for mark in marks], [mark[1] for mark in marks]
            if not isinstance(along[0], str):
                axes.plot(along, high, marker="o", linestyle="" if len(along) > 9 else "-", label=name)
            elif len(along) > 4:
                axes.barh(along[::-1], high[::-1])
            else:
                axes.bar([place + 0.4 * number for place in range(len(along))], high, width=0.38, label=name)
                axes.set_xticks(
                    [place + 0.2 * (len(answer.series) - 1) for place in range(len(along))], along
                )
        axes.set(xlabel=answer.axes[0], ylabel=answer.axes[1])
        if len(answer.series) > 1:
            axes.legend()
        axes.grid(visible=True, alpha=0.3)
        figure.savefig(path, metadata={"Date": None})
