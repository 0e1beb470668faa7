"""A run of tests fails where it leaves a process behind. Real: pytest, and the processes."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.paths import REPOSITORY
from tests.support.processes import end_processes_of, processes_of

STARTS = """\
import subprocess
def test_it(tmp_path):
    process = subprocess.Popen(["sleep", "60"], cwd=tmp_path, start_new_session=True)
    {then}
"""


@pytest.mark.parametrize(("then", "code"), [("pass", 1), ("process.kill()", 0)], ids=["left", "ended"])
def test_a_run_fails_where_it_leaves_a_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str, code: int
) -> None:
    (tmp_path / "test_it.py").write_text(STARTS.format(then=then))
    plugin = tmp_path / "impatient.py"
    plugin.write_text("from tests.support import processes\nprocesses._GRACE_SECONDS = 0.5\n")
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}:{tmp_path}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.support.processes", "-p", "impatient"),
            *("-p", "no:cacheprovider", "--rootdir", tmp_path, "--basetemp", tmp_path / "base", tmp_path),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "1 passed" in done.stdout) == (code, True), done.stdout + done.stderr
    assert ("left behind: " in done.stdout) == bool(code)
    assert processes_of(tmp_path / "base") == []


def test_a_process_is_of_a_folder_by_its_environment_too(tmp_path: Path) -> None:
    inside, beside = tmp_path / "one", tmp_path / "one-more"
    environment = {"PULUMI_HOME": str(inside / "home")}
    with subprocess.Popen(["/bin/sleep", "60"], env=environment) as process:
        assert [found.pid for found in processes_of(inside)] == [process.pid]
        assert processes_of(beside) == []
        end_processes_of(inside)
        assert not psutil.pid_exists(process.pid)
