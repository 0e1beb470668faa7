"""What a machine may lack: open files, room on a disk, rights, somebody who reads. Real: files, processes."""

import errno
import os
import pickle
import resource
import signal
import stat
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

import vmc_account_link.errors
from tests.support.paths import REPOSITORY
from vmc_account_link.errors import CommandFailed, Refused, RequestError, VmcError
from vmc_labs import private_files
from vmc_labs.commands.up import interruptible
from vmc_labs.fleet.lab import Control, run_lab
from vmc_labs.fleet.lab_log import LabLog
from vmc_labs.fleet.paths import FleetPaths
from vmc_labs.fleet.results import LabProgress, LabResult, LabTask, Verb
from vmc_labs.fleet.sizing import LAB_FILES, OWN_FILES, parallel
from vmc_labs.fleet.status import LabStatus
from vmc_labs.output.live_table import LiveFleet
from vmc_labs.output.terminal import Output, write_env_files
from vmc_labs.spec.model import Credentials, LabSpec, Service


def test_as_many_labs_run_as_there_are_files_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plenty = {"cores": 64, "free_bytes": 10**13}
    assert parallel(requested=None, open_files=256, **plenty) == (256 - OWN_FILES) // LAB_FILES
    assert parallel(requested=4, open_files=256) == 4
    with pytest.raises(
        RequestError, match=r"^30 labs at a time: they need 784 open files, and 256 are allowed"
    ):
        parallel(requested=30, open_files=256)
    with pytest.raises(RequestError, match=r"^1 labs at a time"):
        parallel(requested=None, open_files=OWN_FILES, **plenty)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert parallel(requested=None, **plenty) == 64


def test_a_process_takes_all_the_files_it_may_have() -> None:
    program = """
import resource
from vmc_labs.fleet.sizing import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024))
raise_file_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1024\n"


class Full(StringIO):
    """A file on a disk that is full."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_costs_the_log_and_not_the_lab(tmp_path: Path) -> None:
    progress: list[LabProgress] = []
    with LabLog(tmp_path / "logs" / "one.log", "one", progress.append) as log:
        log.write("first")
        assert log._file is not None
        log._file.close()
        log._file = Full()
        log.step("stack", "making")
        log.step("stack", "made")
    assert [one.message for one in progress] == [
        (
            f"the log {tmp_path}/logs/one.log can't be written: No space left on device; the lab goes on "
            "without it"
        ),
        "making",
        "made",
    ]


def task(folder: Path, log: Path) -> LabTask:
    service = Service(org_id="org", vmc_url="https://vmc.invalid", csp_url="https://csp.invalid")
    lab = LabSpec(
        name="one",
        stack="event-one",
        service=service,
        credentials=Credentials(),
        aws_account_id=None,
        settings={},
    )
    return LabTask(
        verb=Verb.UP, event="event", lab=lab, backend=folder.as_uri(), token_variables=("API_TOKEN",),
        work_dir=folder / "file" / "one", log_file=log,
    )  # fmt: skip


def test_a_folder_that_can_not_be_written_fails_its_lab_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "a-token")
    (tmp_path / "file").write_text("")
    result = run_lab(task(tmp_path, tmp_path / "file" / "one.log"))
    assert result.status is LabStatus.FAILED
    assert result.error == f"write the lab's folder {tmp_path}/file/one: Not a directory; check its rights"


def test_folders_that_can_not_be_written_are_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    paths = FleetPaths(root=tmp_path / "root", logs=tmp_path / "file" / "logs")
    with pytest.raises(
        RequestError, match=r"^write in .*/file/logs: Not a directory; make room or choose another"
    ):
        paths.prepare()
    with pytest.raises(RequestError, match=r"^write .*/file/one.env: Not a directory"):
        write_env_files(tmp_path / "file", {"one": {}})


def test_a_reader_who_left_does_not_end_the_labs() -> None:
    class Closed(StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with LiveFleet(Output(StringIO(), Closed()), 1) as live:
        live.emit_progress(LabProgress(lab="one", phase="stack", message="making"))
        live.report(LabResult(lab="one", status=LabStatus.LINKED))


@pytest.mark.parametrize("arguments", [["schema"], ["up", "--help"]])
def test_a_closed_or_ascii_standard_output_is_no_error(
    arguments: list[str],
) -> None:
    command = [sys.executable, "-m", "vmc_labs", *arguments]
    letters = subprocess.run(
        command,
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (letters.returncode, letters.stderr) == (0, b"")
    closed = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, b"")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_their_folders_are_the_users_alone_from_their_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: list[int] = []
    replace = Path.replace

    def read(self: Path, target: Path) -> Path:
        values.append(mode(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", read)
    before = os.umask(0)
    try:
        private_files.write_file(tmp_path / "a" / "b" / "page.html", "text")
        with LabLog(tmp_path / "c" / "d" / "one.log", "one", lambda _: None) as log:
            log.write("line")
        (env,) = write_env_files(tmp_path / "e", {"one": {"account_number": "1"}})
    finally:
        os.umask(before)
    assert values == [0o600, 0o600]
    assert [mode(tmp_path / name) for name in ("a", "a/b", "c", "c/d", "e")] == [0o700] * 5
    assert [mode(tmp_path / "a/b/page.html"), mode(tmp_path / "c/d/one.log"), mode(env)] == [0o600] * 3


def test_every_exception_survives_the_way_to_another_process() -> None:
    """A lab on another machine fails with its own line, not with one about pickling."""
    kinds = [
        one
        for one in vars(vmc_account_link.errors).values()
        if isinstance(one, type) and issubclass(one, VmcError)
    ]
    assert len(kinds) > 15
    errors: list[Exception] = [
        kind("ask", "answered", "Do.", status=500, retry_after_seconds=3.0)
        if issubclass(kind, Refused)
        else kind("ask", "answered", "Do.")
        for kind in kinds
    ]
    errors += [
        one("a line")
        for one in vars(vmc_account_link.errors).values()
        if isinstance(one, type) and issubclass(one, CommandFailed)
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_moment_of_progress_names_its_zone() -> None:
    err = StringIO()
    with LiveFleet(Output(StringIO(), err), 1) as live:
        live.report(LabResult(lab="one", status=LabStatus.LINKED))
    assert err.getvalue()[8:] == "Z one: linked after 0:00 (1/1)\n"


def test_nothing_but_a_flag_is_set_in_a_signals_handler() -> None:
    """It runs between any two steps of the main thread, which may hold a lock."""
    control = Control(emit_progress=lambda _: None, stop=threading.Event())
    said: list[str] = []
    with interruptible(control, said.append):
        with control.stop._cond, control.force_stop._cond:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert said == []
        assert control.stop.wait(5)
        assert control.force_stop.wait(5)
    assert [line.partition(";")[0] for line in said] == ["no new labs", "ending now"]
