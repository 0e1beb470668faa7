"""Promise: `python -m tools.engine` leaves the CLI and the AWS provider there, whole, or a line says why not.

Real: the command, its processes, files, signals and locks, in a copy of `tools/` in a temporary checkout.
Not real: `go` and `pulumi`, which are shell scripts of a few lines, and the network, which is switched off.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY
from tests.support.patience import until
from tests.unit.test_provider_source import make_module
from tools.engine.pulumi_cli import PROGRAMS, SCRIPTS

AWS = f"resource-aws-v{version('pulumi_aws')}"
BUILDS = ["pulumi-language-python", "pulumi", "pulumi-resource-aws"]
GO = """#!/bin/sh
echo "$@" >> "{root}/go.log"
case "$1" in
list) case "$@" in *terraform*) echo "{root}/module" ;; *) echo "{root}/sdk" ;; esac ;;
build)
  {before}
  echo "$GOFLAGS $GOWORK $CGO_ENABLED" > "{root}/settings"
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\n' > "$2"
  /bin/chmod 755 "$2" ;;
esac
"""
PULUMI = """#!/bin/sh
[ "$1" = version ] && echo v{version} && exit
[ "$1 $2 $3 $4" = "plugin install resource aws" ] || exit 9
/bin/mkdir -p "$PULUMI_HOME/plugins/resource-aws-v$5"
/bin/cp "$0" "$PULUMI_HOME/plugins/resource-aws-v$5/pulumi-resource-aws"
"""
INSTALLER = """
import pathlib
class PulumiCommand:
    def install(root, version):
        pathlib.Path(root, "bin").mkdir()
        for name in {programs}:
            pathlib.Path(root, "bin", name).touch(0o755)
        {then}
"""


def program(file: Path, text: str = "#!/bin/sh\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


LISTENING = (
    "import runpy, signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    "runpy.run_module('tools.engine', run_name='__main__', alter_sys=True)\n"
)
"""`python -m tools.engine`, which hears signals also where the tests run in the background and ignore them.

Not in `preexec_fn`: a process that has used gRPC forks badly.
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout with `tools/` alone, and a PATH on which only fakes are found."""

    root: Path
    path: Path

    @property
    def engine(self) -> Path:
        return self.root / ".engine"

    @property
    def theirs(self) -> Path:
        """The provider as the engine installs it for the user."""
        return self.root / "home/plugins" / AWS / "pulumi-resource-aws"

    def builds(self) -> list[str]:
        """What go has built so far."""
        log = self.root / "go.log"
        return (
            re.findall(r"-o \S*/new/(\S+)", log.read_text().replace(str(self.root), ""))
            if log.exists()
            else []
        )

    def add_go(self, before: str = ":") -> None:
        program(self.path / "go", GO.format(root=self.root, before=before))

    def add_pulumi(self, on_path: str = "3.300.0") -> None:
        for name in PROGRAMS:
            program(self.path / name, PULUMI.format(version=on_path))

    def change(self, file: str, pattern: str, by: str) -> None:
        path = self.root / "tools/engine" / file
        text, count = re.subn(pattern, by, path.read_text("utf-8"), flags=re.MULTILINE)
        assert count
        path.write_text(text, "utf-8")

    def connect(self, *, then: str = "pass") -> None:
        """Let Pulumi's downloads answer, and the SDK's installer end with these statements."""
        self.change("work.py", "^DOWNLOADS = .*", 'DOWNLOADS = "file:///dev/null"')
        program(self.root / "pulumi/__init__.py", "")
        program(self.root / "pulumi/automation.py", INSTALLER.format(programs=PROGRAMS, then=then))

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        # Nothing listens on port 9: there is no network, wherever the test runs.
        network = {"https_proxy": "http://127.0.0.1:9", "PULUMI_HOME": str(self.root / "home")}
        with subprocess.Popen(
            [sys.executable, "-c", LISTENING, *arguments],
            cwd=self.root,
            env={"PATH": f"{self.engine}/bin:{self.path}", "GOFLAGS": "-mod=vendor", **network},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def set_up(self, *arguments: str, code: int = 0) -> str:
        """Run to the end; the last line of standard error, which is the only one, or standard output."""
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=60)
        assert (process.returncode, errors.count("\n")) == (code, bool(code)), errors
        return errors or output

    def is_whole(self) -> bool:
        programs = [self.engine / "bin" / name for name in PROGRAMS]
        programs.append(self.engine / "plugins" / AWS / "pulumi-resource-aws")
        return all(os.access(one, os.X_OK) for one in programs) and not list(self.engine.glob("partial-*"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a checkout"  # the space is part of the test
    shutil.copytree(REPOSITORY / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    for script in SCRIPTS:
        program(root / "sdk" / script).chmod(0o444)  # as in Go's module cache
    make_module(root / "module")
    (tmp_path / "path").mkdir()
    return Checkout(root, tmp_path / "path")


@pytest.fixture
def gate(checkout: Checkout) -> Iterator[Path]:
    """A `go build` that makes half a file and then waits for the file yielded here."""
    gate = checkout.root / "gate"
    wait = f'while [ ! -e "{gate}" ]; do /bin/sleep 0.05; done'
    checkout.add_go(before=f'[ -e "{checkout.root}/half" ] || {{ echo > "{checkout.root}/half"; {wait}; }}')
    yield gate
    gate.touch()


def wait_for_half(checkout: Checkout) -> None:
    until((checkout.root / "half").exists, patience_seconds=30, otherwise="no build was begun")


def test_without_a_network_all_is_built_and_env_leads_to_it(checkout: Checkout) -> None:
    checkout.add_go()
    said = checkout.set_up()
    assert "https://get.pulumi.com/install.sh does not answer" in said
    assert re.search(r"engine: go build of pulumi, .*: \d+ s\n", said)
    assert checkout.builds() == BUILDS
    assert checkout.is_whole()
    assert (checkout.root / "settings").read_text() == "-mod=readonly -buildvcs=false -trimpath off 0\n"
    sourced = subprocess.run(
        ["/bin/sh", "-c", '. "$0/.engine/env"; command -v pulumi; echo "$PULUMI_PYTHON_CMD"', checkout.root],
        env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert sourced == f"{checkout.engine}/bin/pulumi\n{checkout.root}/.venv/bin/python\n"


@pytest.mark.parametrize(
    ("file", "built"),
    [
        ("cli/go.sum", BUILDS[:2]),
        ("language-python/go.mod", BUILDS[:2]),
        ("aws/credentials.go", BUILDS[2:]),
        ("aws/source/go.sum", BUILDS[2:]),
        ("provider_source.py", BUILDS[2:]),
        ("README.md", []),
    ],
)
def test_second_run_makes_only_what_has_changed(checkout: Checkout, file: str, built: list[str]) -> None:
    checkout.add_go()
    checkout.set_up()
    with (checkout.root / "tools/engine" / file).open("a") as changed:
        changed.write("\n")
    assert f"{checkout.engine}/bin/pulumi" not in checkout.set_up(), "our own CLI passes for one on PATH"
    assert checkout.builds() == BUILDS + built
    assert checkout.is_whole()


def test_quick_provider_is_built_beside_the_other_where_there_is_a_go(checkout: Checkout) -> None:
    checkout.add_pulumi()
    program(checkout.theirs)
    checkout.set_up()
    assert "no go on PATH, so they wait as long as people do" in checkout.set_up("--quick")
    checkout.add_go()
    checkout.set_up("--quick")
    checkout.set_up("--quick")
    assert checkout.builds() == BUILDS[2:]
    assert (checkout.engine / "quick" / AWS / "pulumi-resource-aws").exists()


def test_language_host_is_built_where_pulumi_comes_without_it(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.add_pulumi()
    program(checkout.theirs)
    program(checkout.path / "pulumi-language-nodejs")
    for _ in range(2):
        said = checkout.set_up("--language", "nodejs", "--language", "yaml")
        assert f"language host for nodejs: {checkout.path}/pulumi-language-nodejs is there" in said
    assert checkout.builds() == ["pulumi-language-yaml"]
    version = re.search(
        r"github.com/pulumi/pulumi-yaml (\S+)", (REPOSITORY / "tools/engine/language-yaml/go.mod").read_text()
    )
    assert version
    assert (checkout.engine / "plugins" / f"language-yaml-{version[1]}" / "pulumi-language-yaml").exists()


def test_host_for_nodejs_is_two_programs_made_anew_when_a_file_of_either_changes(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.add_pulumi()
    program(checkout.theirs)
    built = ["pulumi-language-nodejs", "pulumi-language-nodejs-runtime"]
    for file in ("main.go", "runtime/go.mod"):
        for _ in range(2):
            checkout.set_up("--language", "nodejs")
        assert checkout.builds() == built
        with (checkout.root / "tools/engine/language-nodejs" / file).open("a") as changed:
            changed.write("\n")
        built += built[:2]
    (folder,) = (checkout.engine / "plugins").glob("language-nodejs-v*")
    assert {"pulumi-language-nodejs", "pulumi-language-nodejs-runtime"} < {
        one.name for one in folder.iterdir()
    }


def test_language_host_that_cannot_be_had_is_one_line(checkout: Checkout) -> None:
    checkout.add_pulumi()
    program(checkout.theirs)
    line = checkout.set_up("--language", "yaml", code=1)
    assert "language host for yaml v" in line
    assert "what helps: Go 1.26 or newer on PATH, or Pulumi's own installation on PATH" in line


@pytest.mark.parametrize(
    ("on_path", "lost", "said"),
    [
        ("3.300.1", "", ""),
        ("3.99.0", "", r"/pulumi is 3\.99\.0, needed is 3\.\d+\.0 or a later 3\.x"),
        ("4.0.0", "", r"/pulumi is 4\.0\.0, needed is 3\.\d+\.0 or a later 3\.x"),
        ("oops", "", r"/pulumi does not tell its version"),
        ("3.300.1", PROGRAMS[1], r"/pulumi comes without pulumi-language-python\n"),
    ],
)
def test_cli_on_path_is_used_if_it_will_do(checkout: Checkout, on_path: str, lost: str, said: str) -> None:
    checkout.add_go()
    checkout.add_pulumi(on_path)
    if lost:
        (checkout.path / lost).unlink()
    output = checkout.set_up()
    assert re.search(f"engine: Pulumi CLI: {checkout.path}{said or '/pulumi is there'}", output), output
    assert checkout.builds() == (BUILDS if said else BUILDS[2:])
    assert (checkout.engine / "env").exists() == bool(said)


def test_what_can_be_downloaded_is_not_built(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.connect()
    checkout.add_pulumi("3.99.0")
    shutil.copy(checkout.path / "pulumi", checkout.root / "pulumi-that-installs")
    checkout.change("aws_provider.py", r"\[pulumi,", f'["{checkout.root}/pulumi-that-installs",')
    checkout.set_up()
    assert checkout.builds() == []
    assert checkout.is_whole()
    shutil.rmtree(checkout.root / "home")
    checkout.set_up()
    assert checkout.is_whole(), "a link that leads nowhere is made again"


def test_provider_that_the_user_has_counts_once_it_is_whole(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.add_pulumi()
    theirs = program(checkout.theirs)
    partial = theirs.parent.with_name(f"{AWS}.partial")
    partial.touch()
    checkout.set_up()
    assert checkout.builds() == BUILDS[2:]
    partial.unlink()
    shutil.rmtree(checkout.engine)
    checkout.set_up()
    assert (checkout.engine / "plugins" / AWS / "pulumi-resource-aws").resolve() == theirs.resolve()


def test_failed_installer_is_one_line_and_a_build_follows(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.connect(then="raise ValueError('no room')")
    checkout.change("aws_provider.py", r"\[pulumi,", '["pulumi",')
    [line] = re.findall(r".*official installer: .*", checkout.set_up())
    assert line.endswith("ValueError: no room")
    assert checkout.builds() == BUILDS


def test_network_that_does_not_answer_is_given_up(checkout: Checkout, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent")  # opening it blocks for ever, as a name look-up may
    checkout.change("work.py", "^DOWNLOADS = .*", f'DOWNLOADS = "file://{tmp_path}/silent"')
    checkout.change("work.py", "^_REACH_SECONDS = .*", "_REACH_SECONDS = 1.0")
    assert "/silent does not answer (python had not ended after 1 s)" in checkout.set_up(code=1)


def test_nothing_that_works_is_one_line_with_what_helps(checkout: Checkout) -> None:
    line = checkout.set_up(code=1)
    assert "installer: https://get.pulumi.com/install.sh does not answer" in line
    assert "build: there is no go on PATH" in line
    assert re.search(r"what helps: an internet connection, Go 1\.26 or newer on PATH, or Pulumi from", line)


def test_failed_build_is_one_line_and_keeps_what_was_there(checkout: Checkout) -> None:
    checkout.add_go()
    checkout.set_up()
    checkout.change("cli/go.sum", r"\Z", "\n")
    checkout.add_go(before="echo 'x.go:1: no such module' >&2; exit 1")
    assert "build: go: x.go:1: no such module" in checkout.set_up(code=1)
    assert checkout.is_whole()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_interrupted_run_leaves_nothing_that_the_next_one_minds(
    checkout: Checkout, gate: Path, number: signal.Signals, code: int
) -> None:
    with checkout.start() as process:
        wait_for_half(checkout)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in errors) == (code, False)
    assert not (checkout.engine / "bin").exists()
    assert bool(list(checkout.engine.glob("partial-*"))) == (number == signal.SIGKILL)
    gate.touch()
    checkout.set_up()
    assert checkout.is_whole()


def test_second_run_waits_for_the_first_and_uses_what_it_made(checkout: Checkout, gate: Path) -> None:
    with checkout.start() as first:
        wait_for_half(checkout)
        with checkout.start() as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "engine: another run is at work: waiting for it\n"
            gate.touch()
            second.communicate(timeout=60)
        first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert checkout.builds() == BUILDS
