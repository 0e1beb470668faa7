"""Write an answer down: JSON with every run, Markdown, and a plot."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.question_result import QuestionResult
from bench.table import markdown


def publish(
    answer: QuestionResult,
    draw: Callable[[Axes, QuestionResult], None],
    about: Mapping[str, Any],
    folder: Path,
) -> str:
    """Write `<question>.json`, `.md` and `.svg` into the folder and return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(answer, about)
    (folder / f"{answer.question}.json").write_text(answer.to_json(about), encoding="utf-8")
    (folder / f"{answer.question}.md").write_text(text, encoding="utf-8")
    # The same figures give the same file: no date, no random ids.
    with mpl.rc_context({"svg.hashsalt": answer.question, "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        draw(axes, answer)
        axes.set_title(answer.title)
        axes.grid(visible=True, alpha=0.3)
        figure.savefig(folder / f"{answer.question}.svg", metadata={"Date": None})
    return text
