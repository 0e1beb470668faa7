"""`vmc-labs logs` and `report --open`, each as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY
from vmc_labs.fleet.lab_log import LabLog, last_run

SPEC = """\
event: event
vmc: {orgId: 8120f1bc-8fa6-45fe-9ccd-70ce37730bb0}
labs:
  - {name: "team-{01..03}", awsAccountId: "2000000000{01..03}"}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (file := tmp_path / "spec.yaml").write_text(SPEC)
    return file


def environment(folder: Path) -> Mapping[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state")}


def command(folder: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmc_labs", *map(str, arguments)],
        cwd=REPOSITORY, env={**environment(folder), **more}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def log_run(file: Path, *lines: str) -> None:
    with LabLog(file, "team-01", lambda _: None) as log:
        for line in lines:
            log.write(line)


def test_the_log_of_the_last_run_is_printed_with_its_day(tmp_path: Path, spec: Path) -> None:
    file = tmp_path / "state/vmc-account-link/events/event/logs/team-01.log"
    log_run(file, "the first", "# run of the mill")
    log_run(file, "the second", "its end")
    printed = command(tmp_path, "logs", spec, "team-01")
    assert (printed.returncode, printed.stderr) == (0, "")
    day, *lines = printed.stdout.splitlines()
    assert day.startswith("# run of 20")
    assert [line.partition("Z ")[2] for line in lines] == ["the second", "its end"]
    assert last_run(printed.stdout) == printed.stdout


@pytest.mark.parametrize(
    ("lab", "code", "said"),
    [
        ("team-1", 2, "team-1: there is no such lab in {spec}; did you mean team-01?"),
        ("spare", 2, "spare: there is no such lab in {spec}"),
        (
            "team-02",
            1,
            (
                "read the log {folder}/logs/team-02.log: No such file or directory; a lab has one after its "
                "first run on this machine (`--log-dir` if that run had one)"
            ),
        ),
    ],
)
def test_a_log_that_is_not_there_is_one_line(
    tmp_path: Path, spec: Path, lab: str, code: int, said: str
) -> None:
    printed = command(tmp_path, "logs", spec, lab, "--log-dir", tmp_path / "logs")
    said = said.format(spec=spec, folder=tmp_path)
    assert (printed.returncode, printed.stdout, printed.stderr) == (code, "", f"error: {said}\n")


def test_a_log_is_followed_until_ctrl_c(tmp_path: Path, spec: Path) -> None:
    file = tmp_path / "logs" / "team-01.log"
    log_run(file, "before")
    following = subprocess.Popen(
        [sys.executable, "-m", "vmc_labs", "logs", spec, "team-01", "--follow", "--log-dir", file.parent],
        cwd=REPOSITORY, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert following.stdout is not None
    assert [following.stdout.readline()[:9], following.stdout.readline()[14:]] == ["# run of ", "before\n"]
    log_run(file, "after")
    assert [following.stdout.readline()[:9], following.stdout.readline()[14:]] == ["# run of ", "after\n"]
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=60)
    assert (following.returncode, "Traceback" in errors) == (130, False)


@pytest.mark.parametrize("opens", [True, False], ids=["a browser", "a browser that fails"])
def test_the_report_is_opened_in_the_browser(tmp_path: Path, spec: Path, *, opens: bool) -> None:
    (tmp_path / "bin").mkdir()
    for name, text in {
        "pulumi": "",
        "browser": f'echo "$1" > {tmp_path}/opened; exit {int(not opens)}',
    }.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o700)
    (tmp_path / "states").mkdir()
    reported = command(
        tmp_path, "report", spec, "--open", PATH=f"{tmp_path}/bin:/usr/bin:/bin",
        PULUMI_BACKEND_URL=(tmp_path / "states").as_uri(), BROWSER=f"{tmp_path}/bin/browser %s",
    )  # fmt: skip
    page = Path(reported.stdout.strip())
    assert "0 of 3" in page.read_text()
    assert (tmp_path / "opened").read_text() == f"{page.as_uri()}\n"
    failed = f"error: open {page}: no browser was found; open it yourself\n"
    assert (reported.returncode, reported.stderr) == ((0, "") if opens else (1, failed))
