"""The way by Go modules: two builds, and two scripts out of the SDK's module. README.md says why these."""

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tools.engine.locate import ENGINE_VERSION
from tools.engine.process import OnBeat, SetupError, run

HERE = Path(__file__).parent
CLI = HERE / "cli"
LANGUAGE_HOST = HERE / "language-python"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")

TARGETS = (
    # The short one first: what is wrong with the machine shows early.
    (LANGUAGE_HOST, "pulumi-language-python", "-s -w"),
    # Without the -X the CLI has no version, and the SDK's check of it fails.
    (CLI, "pulumi", f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{ENGINE_VERSION}"),
)
# Said on the command line because a user's GOFLAGS may say otherwise.
BUILD_FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath")
# 6 minutes were measured on two cores, most of it compiling; ten times that is a machine that hangs.
BUILD_LIMIT_SECONDS = 3600.0
QUESTION_LIMIT_SECONDS = 120.0


def recipe() -> str:
    """Digest of all that goes into a build: another one makes an engine built earlier stale."""
    digest = hashlib.sha256(repr((BUILD_FLAGS, SCRIPTS)).encode())
    for module, name, linker_flags in TARGETS:
        digest.update(f"{name} {linker_flags}".encode())
        for file in ("go.mod", "go.sum"):
            digest.update((module / file).read_bytes())
    return digest.hexdigest()


def build(staged: Path, *, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Build the engine into `staged/bin`.

    Raises:
        SetupError: no Go, too old a Go, or one of its commands failed.
    """
    # Without cgo the same build works where there is no C compiler. A go.work above the checkout is not ours.
    environment = {**environment, "CGO_ENABLED": "0", "GOWORK": "off"}
    go = find_go(environment)
    say(f"building Pulumi {ENGINE_VERSION} from Go modules: about 6 minutes the first time, then under one")
    (staged / "bin").mkdir()
    for number, (module, name, linker_flags) in enumerate(TARGETS, start=1):
        step = f"{number} of {len(TARGETS)}: {name}"
        say(step)
        started = time.monotonic()
        _go(
            # `tool` is the package that the module's go.mod names as its tool.
            [go, "build", *BUILD_FLAGS, "-ldflags", linker_flags, "-o", staged / "bin" / name, "tool"],
            module=module,
            environment=environment,
            on_beat=partial(_report, say, step),
        )
        say(f"{step}: built in {_spoken(time.monotonic() - started)}")
    sdk = _go(
        [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE], module=CLI, environment=environment
    )
    for script in SCRIPTS:
        copy = staged / "bin" / Path(script).name
        shutil.copyfile(Path(sdk.strip()) / script, copy)
        copy.chmod(0o755)


def find_go(environment: Mapping[str, str]) -> Path:
    """The `go` on PATH, if it is new enough.

    It is asked inside the module, where a Go that may download a newer toolchain has done so when it answers.

    Raises:
        SetupError: there is none, or it is older than the modules ask for.
    """
    needed = needed_go()
    found = shutil.which("go", path=environment.get("PATH", ""))
    if found is None:
        raise SetupError(f"go is not on PATH, Go {needed} or newer is needed")
    answer = run(
        [found, "env", "GOVERSION"], cwd=CLI, environment=environment, limit_seconds=QUESTION_LIMIT_SECONDS
    )
    if answer.code != 0:
        raise SetupError(f"go env failed: {answer.tail}")
    problem = go_problem(answer.output.strip(), needed=needed)
    if problem:
        raise SetupError(f"{found}: {problem}")
    return Path(found)


def needed_go() -> str:
    """The Go version, such as "1.26", that the CLI's go.mod asks for."""
    line = re.search(r"^go (\d+\.\d+)", (CLI / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if line is None:
        raise SetupError(f"{CLI.name}/go.mod has no go line")
    return line[1]


def go_problem(reported: str, *, needed: str) -> str | None:
    """What is wrong with a Go that calls itself `reported` ("go1.26.8"); None when nothing is."""
    version = re.search(r"go(\d+)\.(\d+)", reported)
    if version is None:
        return f"it does not tell its version ({reported or 'no output'})"
    major, minor = (int(part) for part in needed.split("."))
    if (int(version[1]), int(version[2])) < (major, minor):
        return f"{version[0]} is too old, Go {needed} or newer is needed"
    return None


def _go(
    command: list[str | Path],
    *,
    module: Path,
    environment: Mapping[str, str],
    on_beat: OnBeat = lambda _elapsed_seconds: None,
) -> str:
    ended = run(
        command, cwd=module, environment=environment, limit_seconds=BUILD_LIMIT_SECONDS, on_beat=on_beat
    )
    if ended.code != 0:
        raise SetupError(f"go {command[1]} failed: {ended.tail}")
    return ended.output


def _report(say: Callable[[str], None], step: str, elapsed_seconds: float) -> None:
    say(f"{step}: building for {_spoken(elapsed_seconds)}")


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
