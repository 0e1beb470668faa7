"""What runs say: figures from known runs, and which aims they miss."""

import dataclasses
import functools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import page, questions
from bench.meter import Cost
from bench.questions import Run, import_seconds
from bench.results import RESULTS, QuestionResult


def run(
    question: str,
    contender: str,
    *,
    case: str = "",
    size: float = 1,
    wall: float = 1.0,
    cpu: float = 1.0,
    peak_mb: float = 0,
    engines: int = 0,
    requests: Mapping[str, int] | None = None,
    details: Mapping[str, float] | None = None,
) -> Run:
    cost = Cost(
        wall_seconds=wall,
        cpu_seconds=cpu,
        peak_bytes=int(peak_mb * 1e6),
        engines=engines,
        cpu_by_role={"CLI": cpu},
    )
    return Run(
        question=question, contender=contender, case=case, size=size, cost=cost,
        requests=requests or {}, details=details or {},
    )  # fmt: skip


def result(*runs: Run) -> QuestionResult:
    return RESULTS[runs[0].question](runs)


def missed(*runs: Run) -> list[str]:
    return [aim.what for aim in result(*runs).aims if not aim.is_met]


def links(up_late: float, skip_late: float) -> list[Run]:
    late = {"script": 20.0, "up": up_late, "up --skip-preview": skip_late}
    return [run(questions.LINK, name, size=30, wall=30 + seconds) for name, seconds in late.items()]


def test_a_link_is_held_to_its_mean_and_to_its_worst() -> None:
    assert missed(*links(5.0, 3.5)) == []
    assert missed(*links(5.5, 3.6)) == ["up: mean, s", "up --skip-preview: mean, s"]
    assert "up: worst, s" in missed(*links(5.0, 3.5), run(questions.LINK, "up", size=5, wall=16.1))


def unchanged(cpu: float, wall: float, requests: Mapping[str, int]) -> list[Run]:
    of = functools.partial(run, questions.UNCHANGED, case="up")
    expired = of(questions.EXPIRED, wall=wall, cpu=cpu, requests=requests)
    return [of(questions.FRESH, wall=10, cpu=10), expired, of(questions.SMALLEST, wall=10, cpu=10)]


def test_an_unchanged_command_is_held_to_time_cpu_and_silence() -> None:
    assert missed(*unchanged(11.0, 11.0, {})) == []
    assert missed(*unchanged(11.1, 11.1, {"exchange-token": 1})) == [
        "up, link, its request expired: wall time, times the smallest",
        "up, link, its request expired: CPU, times the smallest",
        "up, link, its request expired: requests to VMware",
    ]


def fleets(cpu: float, seconds: float, peak_mb: float, requests: Mapping[str, int]) -> list[Run]:
    name, counts = "vmc-labs up", {"exchange-token": 1, **requests}
    of = functools.partial(run, questions.FLEET)
    return [
        of(name, size=10, wall=15, cpu=10, peak_mb=500, engines=10, requests=counts),
        of(name, size=300, wall=seconds, cpu=300 * cpu, peak_mb=peak_mb, engines=10, requests=counts),
        of("loop in 12 threads", size=24, wall=108, cpu=24 * 4, peak_mb=1200, engines=12),
    ]


def test_a_fleet_is_held_to_the_threads_and_to_its_own_small_one() -> None:
    assert missed(*fleets(1.09, 450, 1000, {"request-link": 10})) == []
    assert missed(*fleets(1.15, 460, 1001, {"request-link": 40, "exchange-token": 2})) == [
        "300 labs: CPU a lab, times less than the threads",
        "300 labs: labs a minute, times the threads",
        "peak MB for each lab in flight; the threads'",
        "requests to VMware a lab",
        "token exchanges of a fleet",
        "CPU a lab at 300, % more than at 10",
    ]


@pytest.mark.parametrize(("many", "is_met"), [(20.0, True), (20.5, False)])
def test_many_that_wait_may_ask_twice_as_often_as_one(many: float, *, is_met: bool) -> None:
    one = run(questions.WAITING, "vmc-labs up", size=1, details={"get-task": 4, "list": 6})
    (aim,) = result(run(questions.WAITING, "vmc-labs up", size=64, details={"list": many}), one).aims
    assert aim.is_met is is_met


def test_the_parts_of_an_up_add_up_to_all_of_it() -> None:
    up = run(questions.PARTS, "up", case=questions.PHASES, wall=4, cpu=3, details={"first": 1, "then": 3})
    imports = run(
        questions.PARTS, "program", case=questions.IMPORTS, details={"vmc_account_link": 0.1, "grpc": 0.3}
    )
    rows = result(up, imports).rows
    assert ("wall time", "then", 3, "75%") in rows
    assert ("imports of the program", "vmc_account_link", 0.1, "25%") in rows
    assert ("CPU", "CLI", 3, "100%") in rows


def test_import_times_are_added_up_by_package() -> None:
    printed = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      1000 |       1000 |   grpc._cython\n"
        "import time:      2000 |       3000 | grpc\n"
        "import time:       500 |        500 | json.decoder\n"
        "import time:       500 |        500 | email\n"
    )
    assert import_seconds(printed) == {"grpc": 0.003, "standard library": 0.001}


def test_what_is_published_marks_what_was_missed_and_is_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        *links(5.0, 3.6),
        *unchanged(11.0, 11.0, {}),
        *fleets(1.09, 450, 1000, {}),
        run(questions.WAITING, "vmc-labs up", size=1, details={"get-task": 12}),
        run(questions.PARTS, "up", case=questions.PHASES, details={"first": 1}),
        run(
            questions.PARTS, "program", case=questions.IMPORTS, details={"vmc_account_link": 0.1, "grpc": 0.3}
        ),
    ]
    about = {"machine": "2 cores", "versions": {"Python": "3.11"}, "when": "2026-11-26", "load": 0.1}
    lines = "".join(json.dumps(one) + "\n" for one in (about, *map(dataclasses.asdict, runs)))
    texts = tmp_path / "performance.md", tmp_path / "README.md"
    shutil.copy(page.TEXTS[0], texts[0])
    texts[1].write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    monkeypatch.setattr(page, "TEXTS", texts)
    monkeypatch.setattr(page, "RUNS", tmp_path / "runs.jsonl")
    monkeypatch.setattr(page, "_ASSETS", tmp_path)
    page.publish(lines)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    page.publish(first["runs.jsonl"].decode())
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
    assert len(list(tmp_path.glob("*.svg"))) == len(questions.QUESTIONS)
    rows = texts[0].read_text("utf-8").splitlines()
    aims_missed = [line.split(" | ")[0].strip("| ") for line in rows if "**MISSED**" in line]
    assert aims_missed == ["up --skip-preview: mean, s"]
    readme = texts[1].read_text("utf-8")
    assert readme.startswith(
        "before\n<!-- figures -->\n- **One link**: `pulumi up` ends 5.0 s (at most 5.0 s) after"
    )
    assert readme.endswith("<!-- /figures -->\nafter\n")
    assert "old" not in readme
