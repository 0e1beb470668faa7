"""Promise: after `python -m tools.engine` there is a whole engine, or a clear line for each way that failed.

Real: the command, its processes, files, signals and locks, in a copy of `tools/` in a temporary checkout.
Not real: `go` and `pulumi`, which are shell scripts of a few lines, and the network, which is switched off.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.patience import until
from tests.support.places import REPOSITORY
from tools.engine import build, store
from tools.engine.locate import (
    COMPANIONS,
    ENGINE_VERSION,
    Found,
    OnPath,
    Plan,
    Stamp,
    Way,
    decide,
    forced_way,
    look_on_path,
)
from tools.engine.process import SetupError, run, tail

RECIPE = "digest"
MODERN = OnPath(pulumi=Path("/opt/pulumi/pulumi"), version=str(ENGINE_VERSION), missing=())
BUILT = Stamp(version=str(ENGINE_VERSION), way="build", recipe=RECIPE)
INSTALLED = Stamp(version=str(ENGINE_VERSION), way="install", recipe="")
NOTHING = Found(on_path=None, stamp=None)

# `go build … -o FILE …` makes a program that tells its version; `go list` tells where the SDK's module is.
FAKE_GO = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
env) echo 'go: downloading go9.9 toolchain' >&2; echo {version} ;;
list) echo 'go: downloading x' >&2; echo "{sdk}" ;;
build)
  {before}
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\necho v{makes}\\n' > "$2"
  /bin/chmod 755 "$2" ;;
esac
"""


FAKE_SDK = """
import os, pathlib, subprocess
class PulumiCommand:
    @classmethod
    def install(cls, root, version):
        bin = pathlib.Path(root, "bin")
        bin.mkdir()
        for name in {programs}:
            (bin / name).write_text(f"#!/bin/sh\\necho v{{version}}\\n")
            (bin / name).chmod(0o755)
        {ends_with}
"""


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout with `tools/` alone, and a PATH on which only fakes are found."""

    root: Path
    path: Path
    sdk: Path

    @property
    def engine(self) -> Path:
        return self.root / ".engine"

    @property
    def go_calls(self) -> list[str]:
        log = self.root / "go.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    @property
    def builds(self) -> int:
        return sum(call.startswith("build") for call in self.go_calls)

    def add_go(
        self, *, version: str = "go1.26.8", before: str = ":", makes: str = str(ENGINE_VERSION)
    ) -> None:
        log = self.root / "go.log"
        text = FAKE_GO.format(log=log, version=version, sdk=self.sdk, before=before, makes=makes)
        program(self.path / "go", text)

    def add_pulumi(self, *, version: str, companions: tuple[str, ...] = COMPANIONS) -> None:
        program(self.path / "pulumi", f"#!/bin/sh\necho 'warning: be warned' >&2\necho v{version}\n")
        for name in companions:
            program(self.path / name, "#!/bin/sh\n")

    def add_installer(self, *, ends_with: str, address: str = os.devnull) -> None:
        """Let the installer's address answer, and the SDK's `install(root, version)` be these statements."""
        ours = self.root / "tools/engine/install.py"
        text = ours.read_text(encoding="utf-8")
        text = re.sub(r"^INSTALLER = .*", f'INSTALLER = "file://{address}"', text, flags=re.MULTILINE)
        text = re.sub(r"^REACH_SECONDS = .*", "REACH_SECONDS = 1", text, flags=re.MULTILINE)
        ours.write_text(text, encoding="utf-8")
        program(self.root / "pulumi/__init__.py", "")
        program(
            self.root / "pulumi/automation.py",
            FAKE_SDK.format(programs=("pulumi", *COMPANIONS), ends_with=ends_with),
        )

    def environment(self, **more: str) -> dict[str, str]:
        # Nothing listens on port 9: the installer is not reachable, wherever the test runs.
        return {"PATH": str(self.path), "https_proxy": "http://127.0.0.1:9", **more}

    @contextlib.contextmanager
    def start(self, **more: str) -> Iterator[subprocess.Popen[str]]:
        """The command, running; killed if the test ends before it does."""
        with subprocess.Popen(
            [sys.executable, "-m", "tools.engine"],
            cwd=self.root,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def set_up(self, **more: str) -> subprocess.CompletedProcess[str]:
        with self.start(**more) as process:
            output, errors = process.communicate(timeout=60)
        assert "Traceback" not in errors
        return subprocess.CompletedProcess([], process.returncode, output, errors)

    def partial_folders(self) -> list[Path]:
        return list(self.engine.glob("partial-*"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a checkout"  # the space is part of the test
    shutil.copytree(
        REPOSITORY / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache")
    )
    sdk = tmp_path / "sdk"
    for script in build.SCRIPTS:
        file = program(sdk / script, "#!/bin/sh\n")
        file.chmod(0o444)  # as in Go's module cache
    path = tmp_path / "path"
    path.mkdir()
    return Checkout(root=root, path=path, sdk=sdk)


@pytest.fixture
def signals() -> Iterator[None]:
    """Signals reach what a test starts, even where the tests run in the background, with these ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def blocked_go(checkout: Checkout) -> Iterator[Path]:
    """A `go build` that makes half a file and then waits for the file yielded here."""
    gate = checkout.root / "gate"
    checkout.add_go(
        before=f'echo half > "{checkout.root}/half"; while [ ! -e "{gate}" ]; do /bin/sleep 0.05; done'
    )
    yield gate
    gate.touch()


def wait_for(file: Path) -> None:
    until(file.exists, patience_seconds=20, pause_seconds=0.02, otherwise=f"{file} did not appear")


# Deciding


@pytest.mark.parametrize(
    ("found", "forced", "use", "ways"),
    [
        pytest.param(NOTHING, None, None, (Way.INSTALL, Way.BUILD), id="nothing there: install, then build"),
        pytest.param(Found(on_path=MODERN, stamp=None), None, Way.PATH, (), id="modern one on PATH: use it"),
        pytest.param(
            Found(on_path=MODERN, stamp=BUILT), None, Way.PATH, (), id="PATH comes before ours: use it"
        ),
        pytest.param(
            Found(on_path=replace(MODERN, version="3.300.1"), stamp=None),
            None,
            Way.PATH,
            (),
            id="newer on PATH: use it",
        ),
        pytest.param(
            Found(on_path=replace(MODERN, version="3.99.0"), stamp=BUILT),
            None,
            Way.BUILD,
            (),
            id="old on PATH (by number, not by letter): use ours",
        ),
        pytest.param(
            Found(on_path=replace(MODERN, version=f"{ENGINE_VERSION}-alpha.1"), stamp=None),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="pre-release of the wanted one on PATH: make ours",
        ),
        pytest.param(
            Found(on_path=replace(MODERN, version="4.0.0"), stamp=None),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="next major on PATH: make ours",
        ),
        pytest.param(
            Found(on_path=replace(MODERN, version="oops"), stamp=None),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="no version from the one on PATH: make ours",
        ),
        pytest.param(
            Found(on_path=replace(MODERN, missing=COMPANIONS[:1]), stamp=None),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="no language host on PATH: make ours",
        ),
        pytest.param(Found(on_path=None, stamp=BUILT), None, Way.BUILD, (), id="built earlier: keep it"),
        pytest.param(
            Found(on_path=None, stamp=INSTALLED), None, Way.INSTALL, (), id="installed earlier: keep it"
        ),
        pytest.param(
            Found(on_path=None, stamp=replace(BUILT, version="3.258.0")),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="another release built earlier: make a new one",
        ),
        pytest.param(
            Found(on_path=None, stamp=replace(BUILT, recipe="older")),
            None,
            None,
            (Way.INSTALL, Way.BUILD),
            id="go.mod changed since: make a new one",
        ),
        pytest.param(
            Found(on_path=None, stamp=INSTALLED), Way.BUILD, None, (Way.BUILD,), id="build forced: build"
        ),
        pytest.param(
            Found(on_path=None, stamp=BUILT), Way.BUILD, Way.BUILD, (), id="build forced, built: keep it"
        ),
        pytest.param(
            Found(on_path=None, stamp=BUILT), Way.INSTALL, None, (Way.INSTALL,), id="install forced: install"
        ),
        pytest.param(
            Found(on_path=None, stamp=BUILT), Way.PATH, None, (), id="PATH forced, none there: nothing left"
        ),
    ],
)
def test_choice_follows_what_is_there(
    found: Found, forced: Way | None, use: Way | None, ways: tuple[Way, ...]
) -> None:
    plan = decide(found, recipe=RECIPE, forced=forced)

    assert (plan.use, plan.ways) == (use, ways)


@pytest.mark.parametrize(
    ("on_path", "said"),
    [
        (None, "none found"),
        (replace(MODERN, version="3.99.0"), f"is 3.99.0, needed is {ENGINE_VERSION} or a later 3.x"),
        (replace(MODERN, version=""), "does not tell its version"),
        (replace(MODERN, missing=("pulumi-language-python",)), "comes without pulumi-language-python"),
    ],
)
def test_refused_engine_on_path_is_named_with_its_fault(on_path: OnPath | None, said: str) -> None:
    (refusal,) = _plan(on_path).refused

    assert str(refusal).startswith("pulumi on PATH: ")
    assert str(refusal).endswith(said)


def _plan(on_path: OnPath | None) -> Plan:
    return decide(Found(on_path=on_path, stamp=None), recipe=RECIPE, forced=None)


def test_unknown_override_is_refused_with_the_values_it_may_have() -> None:
    with pytest.raises(
        SetupError, match=r"^VMC_ENGINE is 'brew': use path, install, build or leave it unset$"
    ):
        forced_way({"VMC_ENGINE": "brew"})
    assert forced_way({"VMC_ENGINE": ""}) is None


@pytest.mark.parametrize(
    ("reported", "problem"),
    [
        ("go1.26.8", None),
        ("go1.27rc1", None),
        ("go1.100", None),
        ("devel go1.27-abcdef", None),
        ("go1.9.7", "go1.9 is too old, Go 1.26 or newer is needed"),
        ("go1.25.1", "go1.25 is too old, Go 1.26 or newer is needed"),
        ("", "it does not tell its version (no output)"),
    ],
)
def test_go_is_judged_by_its_number(reported: str, problem: str | None) -> None:
    assert build.go_problem(reported, needed="1.26") == problem


# Looking at PATH


def test_our_own_engine_on_path_does_not_count(checkout: Checkout, tmp_path: Path) -> None:
    checkout.add_pulumi(version="3.300.0")
    linked = tmp_path / "link"
    linked.symlink_to(checkout.path)

    for folder in (checkout.path, linked):
        assert look_on_path({"PATH": str(folder)}, ours=checkout.path) is None
    other = look_on_path(checkout.environment(), ours=checkout.engine / "bin")
    assert other == OnPath(pulumi=checkout.path / "pulumi", version="3.300.0", missing=())


def test_language_host_is_found_beside_the_executable_that_a_link_leads_to(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.add_pulumi(version="3.300.0")
    links = tmp_path / "links"
    links.mkdir()
    (links / "pulumi").symlink_to(checkout.path / "pulumi")

    found = look_on_path({"PATH": str(links)}, ours=checkout.engine / "bin")

    assert found == OnPath(pulumi=links / "pulumi", version="3.300.0", missing=())


# The command, with the engine on PATH


def test_modern_engine_on_path_is_used_and_nothing_written(checkout: Checkout) -> None:
    checkout.add_pulumi(version="3.300.0")

    ended = checkout.set_up()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"engine: using {checkout.path}/pulumi, 3.300.0\n"
    assert not checkout.engine.exists()


def test_forced_path_without_an_engine_fails_and_writes_nothing(checkout: Checkout) -> None:
    checkout.add_go()

    ended = checkout.set_up(VMC_ENGINE="path")

    assert ended.returncode == 1
    assert "pulumi on PATH: none found. What helps: put Pulumi" in ended.stderr
    assert not checkout.engine.exists()
    assert checkout.go_calls == []


def test_wrong_override_exits_2(checkout: Checkout) -> None:
    ended = checkout.set_up(VMC_ENGINE="brew")

    assert ended.returncode == 2
    assert ended.stderr == "engine: VMC_ENGINE is 'brew': use path, install, build or leave it unset\n"


# The command, making one


def test_without_network_the_engine_is_built_and_env_leads_to_it(checkout: Checkout) -> None:
    checkout.add_go()

    ended = checkout.set_up()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "engine: official installer: not reachable: " in ended.stdout
    assert ended.stdout.index("not reachable") < ended.stdout.index("building Pulumi")
    assert not store.missing_files(checkout.engine / "bin")
    assert checkout.partial_folders() == []
    sourced = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '. "$0/.engine/env"; pulumi version; echo "$PULUMI_PYTHON_CMD $PULUMI_SKIP_UPDATE_CHECK $PATH"',
            checkout.root,
        ],
        cwd="/",
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        sourced.stdout
        == f"v{ENGINE_VERSION}\n{checkout.root}/.venv/bin/python 1 {checkout.engine}/bin:/nowhere\n"
    )


def test_installer_that_answers_is_used_before_a_build(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.add_installer(ends_with="pass")

    ended = checkout.set_up()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1].startswith(f"engine: .engine/bin/pulumi, {ENGINE_VERSION}, is ready")
    assert checkout.go_calls == []
    assert store.read_stamp(checkout.engine) == INSTALLED
    assert (checkout.engine / "env").exists()
    assert "is here already" in checkout.set_up().stdout


@pytest.mark.parametrize(
    ("ends_with", "said"),
    [
        ("raise subprocess.CalledProcessError(1, ['install.sh'], b'no room\\n')", "failed: no room"),
        ("raise ValueError('odd version')", "failed: odd version"),
        ("(bin / 'pulumi-language-python').unlink()", "it ended well but made no pulumi-language-python"),
    ],
)
def test_failed_installer_is_one_line_and_a_build_follows(
    checkout: Checkout, ends_with: str, said: str
) -> None:
    checkout.add_go()
    checkout.add_installer(ends_with=ends_with)

    ended = checkout.set_up()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[1] == f"engine: official installer: {said}"
    assert store.read_stamp(checkout.engine) == replace(BUILT, recipe=build.recipe())


def test_installer_that_does_not_answer_is_given_up(checkout: Checkout, tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    os.mkfifo(silent)  # opening it blocks for ever, as a name look-up may
    checkout.add_installer(ends_with="pass", address=str(silent))

    ended = checkout.set_up(VMC_ENGINE="install")

    assert ended.returncode == 1
    assert "official installer: not reachable: no answer in 1 s. What helps: " in ended.stderr
    assert checkout.partial_folders() == []


def test_second_run_keeps_the_engine_and_asks_nobody(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    asked = checkout.go_calls
    (checkout.engine / "env").unlink()

    ended = checkout.set_up()

    assert ended.stdout == f"engine: .engine/bin/pulumi, {ENGINE_VERSION}, is here already\n"
    assert checkout.go_calls == asked
    assert (checkout.engine / "env").exists()


@pytest.mark.parametrize("lost", ["pulumi", *COMPANIONS])
def test_engine_with_a_lost_file_is_made_again(checkout: Checkout, lost: str) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    (checkout.engine / "bin" / lost).unlink()

    assert checkout.set_up(VMC_ENGINE="build").returncode == 0

    assert checkout.builds == 4
    assert not store.missing_files(checkout.engine / "bin")


def test_engine_that_lost_its_execute_permission_is_made_again(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    (checkout.engine / "bin/pulumi-resource-pulumi-python").chmod(0o644)

    checkout.set_up(VMC_ENGINE="build")

    assert checkout.builds == 4


def test_changed_module_pins_build_a_new_engine(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    with (checkout.root / "tools/engine/language-python/go.sum").open("a", encoding="utf-8") as pins:
        pins.write("\n")

    checkout.set_up(VMC_ENGINE="build")

    assert checkout.builds == 4


def test_failed_go_build_is_one_line_and_leaves_nothing(checkout: Checkout) -> None:
    checkout.add_go(before="echo 'go: downloading x'; echo 'x.go:1: no such module' >&2; exit 1")

    ended = checkout.set_up(VMC_ENGINE="build")

    assert ended.returncode == 1
    said = "build from Go modules: go build failed: x.go:1: no such module"
    assert ended.stdout.splitlines()[-1] == f"engine: {said}"
    assert ended.stderr.splitlines() == [
        "engine: there is no Pulumi engine, and none could be had:",
        f"  {said}. What helps: run this again with Go 1.26 or newer on PATH (what was compiled is kept)",
    ]
    assert {file.name for file in checkout.engine.iterdir()} == {"lock"}


def test_failed_rebuild_keeps_the_engine_that_was_there(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    stamp = store.read_stamp(checkout.engine)
    with (checkout.root / "tools/engine/cli/go.sum").open("a", encoding="utf-8") as pins:
        pins.write("\n")
    checkout.add_go(before="exit 1")

    assert checkout.set_up(VMC_ENGINE="build").returncode == 1

    assert stamp is not None
    assert store.read_stamp(checkout.engine) == stamp


def test_build_of_another_version_is_not_put_in_place(checkout: Checkout) -> None:
    checkout.add_go(makes="3.1.0")

    ended = checkout.set_up(VMC_ENGINE="build")

    assert ended.returncode == 1
    assert f"build from Go modules: it made version 3.1.0, not {ENGINE_VERSION}" in ended.stdout
    assert not (checkout.engine / "bin").exists()


def test_old_go_is_named_with_what_is_needed(checkout: Checkout) -> None:
    checkout.add_go(version="go1.20.3")

    ended = checkout.set_up(VMC_ENGINE="build")

    assert ended.returncode == 1
    assert f"{checkout.path}/go: go1.20 is too old, Go {build.needed_go()} or newer is needed" in ended.stderr
    assert checkout.builds == 0


def test_when_nothing_works_each_way_says_why_and_what_helps(checkout: Checkout) -> None:
    checkout.add_pulumi(version="3.10.0")

    ended = checkout.set_up()

    assert ended.returncode == 1
    head, path, installer, modules = ended.stderr.splitlines()
    assert head == "engine: there is no Pulumi engine, and none could be had:"
    assert re.fullmatch(
        r"  pulumi on PATH: \S+/pulumi is 3\.10\.0, needed is .* What helps: put Pulumi .*", path
    )
    assert re.fullmatch(
        r"  official installer: not reachable: .* What helps: .* internet connection", installer
    )
    assert re.fullmatch(
        r"  build from Go modules: go is not on PATH.* What helps: .*Go 1\.26 or newer.*", modules
    )


def test_unwritable_checkout_is_one_line(checkout: Checkout) -> None:
    checkout.engine.write_text("in the way", encoding="utf-8")

    ended = checkout.set_up(VMC_ENGINE="build")

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(checkout.engine) in ended.stderr


# Interrupted, and at the same time


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_interrupted_build_stops_go_and_leaves_nothing(
    checkout: Checkout, blocked_go: Path, number: signal.Signals, code: int
) -> None:
    with checkout.start(VMC_ENGINE="build") as process:
        wait_for(checkout.root / "half")
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == code
    assert "Traceback" not in errors
    assert checkout.partial_folders() == []
    assert not (checkout.engine / "bin").exists()
    blocked_go.touch()
    time.sleep(0.2)
    assert checkout.builds == 1
    assert not _alive(checkout)


@pytest.mark.usefixtures("signals")
def test_run_under_nohup_outlives_its_terminal(checkout: Checkout, blocked_go: Path) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with checkout.start(VMC_ENGINE="build") as process:
        wait_for(checkout.root / "half")
        process.send_signal(signal.SIGHUP)
        blocked_go.touch()
        process.communicate(timeout=30)

    assert process.returncode == 0


def _alive(checkout: Checkout) -> list[str]:
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in processes.stdout.splitlines() if str(checkout.path / "go") in line]


def test_killed_build_counts_as_nothing_and_the_next_run_cleans_up(
    checkout: Checkout, blocked_go: Path
) -> None:
    with checkout.start(VMC_ENGINE="build") as process:
        wait_for(checkout.root / "half")
        process.kill()
        blocked_go.touch()
    (left,) = checkout.partial_folders()
    assert store.read_stamp(checkout.engine) is None

    checkout.add_go()
    ended = checkout.set_up(VMC_ENGINE="build")

    assert ended.returncode == 0
    assert not left.exists()
    assert checkout.partial_folders() == []
    assert store.read_stamp(checkout.engine) is not None


def test_engine_without_its_stamp_does_not_count(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up(VMC_ENGINE="build")
    (checkout.engine / "stamp.json").unlink()

    checkout.set_up(VMC_ENGINE="build")

    assert checkout.builds == 4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "1"}', '{"unknown": 1}'])
def test_unreadable_stamp_does_not_count(tmp_path: Path, text: str) -> None:
    for name in ("pulumi", *COMPANIONS):
        program(tmp_path / "bin" / name, "#!/bin/sh\n")
    (tmp_path / "stamp.json").write_text(text, encoding="utf-8")

    assert store.read_stamp(tmp_path) is None


@pytest.mark.timeout(30)
def test_second_run_waits_for_the_first_and_uses_its_engine(checkout: Checkout, blocked_go: Path) -> None:
    with checkout.start(VMC_ENGINE="build") as first:
        wait_for(checkout.root / "half")
        with checkout.start(VMC_ENGINE="build") as second:
            assert second.stdout is not None
            assert (
                second.stdout.readline() == "engine: another run is setting up the engine: waiting for it\n"
            )
            blocked_go.touch()
            output, _ = second.communicate(timeout=30)
        first.communicate(timeout=30)

    assert (first.returncode, second.returncode) == (0, 0)
    assert output == f"engine: the other run has made .engine/bin/pulumi, {ENGINE_VERSION}\n"
    assert checkout.builds == 2


# Running a tool


def test_long_tool_gives_a_sign_of_life_with_the_time_gone(tmp_path: Path) -> None:
    gone: list[float] = []
    enough = tmp_path / "enough"

    def beat(seconds: float) -> None:
        gone.append(seconds)
        if len(gone) == 3:
            enough.touch()

    script = program(
        tmp_path / "slow", f"#!/bin/sh\nwhile [ ! -e {enough} ]; do /bin/sleep 0.02; done\necho done\n"
    )
    ended = run([script], environment=PLAIN, limit_seconds=30, beat_seconds=0.05, on_beat=beat)

    assert ended.output == "done\n"
    assert len(gone) >= 3
    assert gone == sorted(gone)


PLAIN: Mapping[str, str] = {"PATH": os.defpath}


def test_tool_that_does_not_end_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = program(tmp_path / "stuck", f"#!/bin/sh\n/bin/sleep 600 &\necho $! > {pid}\nwait\n")

    started = time.monotonic()
    with pytest.raises(SetupError, match=r"^not finished after 1 s, given up$"):
        run([script], environment=PLAIN, limit_seconds=1)

    assert time.monotonic() - started < 20
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid.read_text().strip()], capture_output=True, text=True, check=False
    )
    assert state.stdout.strip()[:1] in ("", "Z")


def test_tool_that_can_not_be_started_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"^absent could not be started: No such file or directory$"):
        run([tmp_path / "absent"], environment=PLAIN, limit_seconds=5)


def test_tail_is_one_line_of_the_last_telling_words() -> None:
    assert tail("one\n\n two \nthree\ngo: downloading x v1\nfour\n") == "two | three | four"
    assert tail("go: downloading x v1\n") == "go: downloading x v1"
    assert tail("\n") == "no output"
    assert len(tail("x" * 5000)) <= 401


# Agreement


def test_engine_sdk_and_modules_are_of_one_release() -> None:
    pins = (build.CLI / "go.mod").read_text(encoding="utf-8")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))

    assert re.findall(r"github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", pins) == [str(ENGINE_VERSION)] * 2
    assert project["tool"]["uv"]["constraint-dependencies"] == [f"pulumi=={ENGINE_VERSION}"]


def test_each_module_has_one_tool_so_that_one_file_is_built() -> None:
    for module, name, _ in build.TARGETS:
        tools = re.findall(r"^tool (\S+)$", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
        assert [tool.rsplit("/", 1)[-1] for tool in tools] == [name]
