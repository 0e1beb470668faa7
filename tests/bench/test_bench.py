"""The bench: every contender runs, its end state is looked at, and what is published is what was measured."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.meter import CLI, CommandFailed
from bench.page import RUNS, TEXTS, blocks, contents, filled, read
from bench.questions import FLEET, IMPORTS, LINK, PARTS, QUESTIONS, TABLE, Run
from bench.stage import stage
from tests.bench.test_results import links

LONG = set(QUESTIONS) - {LINK}


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "question",
    [pytest.param(name, marks=[pytest.mark.whole] if name in LONG else []) for name in QUESTIONS],
)
def test_a_trial_asks_every_contender(question: str, tmp_path: Path) -> None:
    assert bench.main([question, "--trial", "--to", str(tmp_path)]) == 0
    about, *runs = map(json.loads, (tmp_path / f"{question}.jsonl").read_text("utf-8").splitlines())
    assert about["trial"] is True
    measured = {run["contender"] for run in runs if run["case"] != IMPORTS}
    assert measured == {one.name for one in TABLE if one.question == question}
    assert all(run["cost"]["cpu_seconds"] > 0.1 for run in runs)
    if question == PARTS:
        roles = {role for run in runs for role in run["cost"]["cpu_by_role"]}
        assert roles >= {CLI, "language host", "program", "dynamic provider", "AWS provider"}


def test_an_interrupted_bench_goes_on_with_what_has_no_result_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions, measured, published, failing = {"commit": "a"}, list[str](), list[str](), [FLEET]

    def measure(question: str) -> Iterator[Run]:
        measured.append(question)
        yield links(5.0, 3.5)[0]
        if question in failing:
            failing.remove(question)
            raise CommandFailed("no such lab")

    monkeypatch.setattr(bench, "_about", lambda: {"machine": "2 cores", "versions": dict(versions)})
    monkeypatch.setattr(
        bench, "QUESTIONS", {name: lambda *_, name=name, **__: measure(name) for name in QUESTIONS}
    )
    monkeypatch.setattr(bench, "section", lambda _: "")
    monkeypatch.setattr(bench, "read", lambda _: ({}, dict.fromkeys(QUESTIONS)))
    monkeypatch.setattr(bench, "publish", published.append)
    order = list(QUESTIONS)
    since = order.index(FLEET)
    assert bench.main(["--to", str(tmp_path)]) == 1
    assert measured == order[: since + 1]
    assert not published
    assert bench.main(["--to", str(tmp_path), "--publish"]) == 0
    assert [len(lines.splitlines()) for lines in published] == [1 + since]
    published.clear()
    assert bench.main(["--to", str(tmp_path)]) == 0
    assert measured == order[: since + 1] + order[since:]
    assert [len(lines.splitlines()) for lines in published] == [1 + len(order)]
    # Of other code there is no result.
    versions["commit"] = "b"
    measured.clear()
    assert bench.main(["--to", str(tmp_path)]) == 0
    assert measured == order


def test_a_contender_that_left_an_account_unlinked_is_found_out() -> None:
    with stage(2, is_trial=True) as on:
        on.must_be_linked([])
        with pytest.raises(CommandFailed, match="0 of 1 accounts are ACTIVE"):
            on.must_be_linked(on.accounts[:1])
        # A record without its CloudFormation stack is not the end state either.
        on.control.seed_account(on.accounts[0].number)
        with pytest.raises(CommandFailed, match="0 of 1 accounts are ACTIVE by their stack, with 1 records"):
            on.must_be_linked(on.accounts[:1])


def test_what_the_page_and_the_readme_quote_is_what_was_measured() -> None:
    page, readme = (path.read_text("utf-8") for path in TEXTS)
    assert set(blocks(page)) == {*QUESTIONS, "in short", "measured on"}
    figures = contents(*read(RUNS.read_text("utf-8")))
    assert blocks(readme) == ["in short"]
    for text in (page, readme):
        assert filled(text, figures) == text, "`make bench` writes these figures"
