"""Writes results into the blocks that texts have for them: docs/performance.md and the README."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.meter import REPOSITORY
from bench.questions import Run
from bench.results import RESULTS, Cell, QuestionResult

_ASSETS = REPOSITORY / "docs" / "assets"
RUNS = _ASSETS / "performance.jsonl"
"""What was measured on, then every single run, a line each: all that is written comes from it."""
TEXTS = (REPOSITORY / "docs" / "performance.md", REPOSITORY / "README.md")
_BLOCK = re.compile(r"(<!-- figures(?:: ([a-z ]+))? -->\n).*?(<!-- /figures -->)", re.DOTALL)
_IN_SHORT = "in short"


def read(lines: str) -> tuple[Mapping[str, Any], dict[str, QuestionResult]]:
    """What was measured on, and the results by question."""
    about, *wires = (json.loads(line) for line in lines.splitlines())
    runs = [Run.from_wire(wire) for wire in wires]
    names = [name for name in RESULTS if any(run.question == name for run in runs)]
    return about, {name: RESULTS[name]([run for run in runs if run.question == name]) for name in names}


def publish(lines: str) -> None:
    """Write the runs, the plots, and the figures into the texts."""
    RUNS.write_text(lines, encoding="utf-8")
    about, results = read(lines)
    for name, result in results.items():
        draw(result, _ASSETS / f"performance-{name}.svg")
    for path in TEXTS:
        path.write_text(filled(path.read_text("utf-8"), contents(about, results)), encoding="utf-8")


def filled(text: str, content: Mapping[str, str]) -> str:
    """The text with its blocks filled."""
    return _BLOCK.sub(lambda block: block[1] + content[block[2] or _IN_SHORT] + block[3], text)


def blocks(text: str) -> list[str]:
    """The names of the blocks in a text; one without a name is for all results in short."""
    return [block[2] or _IN_SHORT for block in _BLOCK.finditer(text)]


def contents(about: Mapping[str, Any], results: Mapping[str, QuestionResult]) -> dict[str, str]:
    """What goes into a block, by its name; a question that was not asked says so."""
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    return {
        **dict.fromkeys(RESULTS, "\nNot measured yet.\n\n"),
        **{
            name: f"\n![{' '.join(result.axes)}](assets/performance-{name}.svg)\n{section(result)}"
            for name, result in results.items()
        },
        _IN_SHORT: "".join(f"- {result.sentence}\n" for result in results.values()),
        "measured on": f"{about['machine']}. {versions}. {about['when']}, load before: {about['load']}.\n",
    }


def section(result: QuestionResult) -> str:
    """Table and aims."""
    aims = [
        (aim.what, f"{'≥' if aim.at_least else '≤'} {_shown(aim.limit)}", aim.came,
         "met" if aim.is_met else "**MISSED**")
        for aim in result.aims
    ]  # fmt: skip
    return _table(result.headings, result.rows) + (
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


def draw(result: QuestionResult, path: Path) -> None:
    """Plot a result's series into a file that is the same for the same figures."""
    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes: Any = figure.subplots()
        width = 0.8 / len(result.series)
        for number, (name, points) in enumerate(result.series.items()):
            along, high = list(points), list(points.values())
            if not isinstance(along[0], str):
                axes.plot(along, high, marker="o", linestyle="" if len(along) > 9 else "-", label=name)
                axes.set_xscale(result.scale)
            elif len(along) > 4:
                axes.barh(along[::-1], high[::-1])
            else:
                axes.bar([at + width * number for at in range(len(along))], high, width, label=name)
                axes.set_xticks([at + 0.4 - width / 2 for at in range(len(along))], along)
        axes.set(xlabel=result.axes[0], ylabel=result.axes[1])
        axes.set_ylim(bottom=None if result.axes[1] == "" else 0)
        if len(result.series) > 1:
            axes.legend()
        axes.grid(visible=True, alpha=0.3)
        figure.savefig(path, metadata={"Date": None})
