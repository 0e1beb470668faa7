"""Gets the Pulumi CLI and its Python language host: on PATH, else `.engine/bin`."""

import os
import re
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path

from tools.engine import work
from tools.engine.work import ENGINE, REPOSITORY, SetupError, say

BIN = ENGINE / "bin"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
PROGRAMS = ("pulumi", "pulumi-language-python", *(Path(script).name for script in SCRIPTS))
"""What runs a Python program and its dynamic providers."""
_CLI = Path(__file__).with_name("cli")
_LANGUAGE_HOST = Path(__file__).with_name("language-python")
_INSTALL = (
    "import sys, semver; from pulumi.automation import PulumiCommand; "
    "PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
)


def get_cli() -> Path:
    """The `pulumi` to use, got if need be; where it is ours, `.engine/env` leads to it.

    Raises:
        SetupError: there is none and none can be had.
    """
    found, problem = find_on_path()
    if found and not problem:
        say(f"Pulumi CLI: {found} is there")
        return found
    version = _find(r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)", _CLI / "go.mod")
    if found:
        say(f"Pulumi CLI: {problem}")
    files = (folder / name for folder in (_CLI, _LANGUAGE_HOST) for name in ("go.mod", "go.sum"))
    work.obtain(
        f"Pulumi CLI {version}",
        BIN / "pulumi",
        work.digest(*files),
        {"official installer": partial(_install, version), "build": partial(_build, version)},
        helps=f"an internet connection, {work.NEEDED_GO}, or Pulumi from {_spoken(_floor())} on PATH",
    )
    (ENGINE / "env").write_text(
        "# Written by `make setup`. Use it with:  . .engine/env\n"
        f'export PATH={shlex.quote(str(BIN))}:"$PATH"\n'
        # The language host that we build is too old to read the interpreter from Pulumi.yaml.
        f"export PULUMI_PYTHON_CMD={shlex.quote(str(REPOSITORY / '.venv/bin/python'))}\n"
        "export PULUMI_SKIP_UPDATE_CHECK=1\n",
        encoding="utf-8",
    )
    return BIN / "pulumi"


def find_on_path() -> tuple[Path | None, str]:
    """The first `pulumi` on PATH that is not ours, and what is wrong with it; empty where nothing is."""
    folders = (name for name in os.environ.get("PATH", "").split(os.pathsep) if name)
    others = os.pathsep.join(name for name in folders if Path(name).resolve() != BIN)
    name = shutil.which("pulumi", path=others)
    if name is None:
        return None, "there is none on PATH"
    pulumi = Path(name).absolute()
    try:
        match = re.match(r"v?(\d+\.\d+\.\d+)", work.run([pulumi, "version"], limit_seconds=20))
    except SetupError as error:
        return pulumi, f"{pulumi} can't be run: {error}"
    if match is None:
        return pulumi, f"{pulumi} does not tell its version"
    version, floor = _parsed(match[1]), _floor()
    if version < floor or version[0] != floor[0]:
        return pulumi, f"{pulumi} is {match[1]}, needed is {_spoken(floor)} or a later {floor[0]}.x"
    # The engine looks beside its executable too, with links followed, as package managers make them.
    where = os.pathsep.join([str(pulumi.parent), str(pulumi.resolve().parent), others])
    lost = [program for program in PROGRAMS if shutil.which(program, path=where) is None]
    return pulumi, f"{pulumi} comes without {', '.join(lost)}" if lost else ""


def _install(version: str, new: Path, spare: Path) -> None:
    if problem := work.unreachable():
        raise SetupError(problem)
    with work.timed("official installer"):
        work.run([sys.executable, "-c", _INSTALL, spare, version], cwd=REPOSITORY)
    for program in (spare / "bin").iterdir():
        program.rename(new / program.name)


def _build(version: str, new: Path, spare: Path) -> None:
    # Without a version the SDK refuses the CLI.
    flags = f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{version}"
    # The short one first: what is wrong with the machine shows early.
    for module, program in ((_LANGUAGE_HOST, PROGRAMS[1]), (_CLI, PROGRAMS[0])):
        work.go_build(new / program, module=module, spare=spare, flags=flags)
    sdk = work.go("list", "-m", "-f", "{{.Dir}}", SDK_MODULE, module=_CLI, spare=spare).strip()
    for script in SCRIPTS:
        shutil.copyfile(Path(sdk, script), new / Path(script).name)
        (new / Path(script).name).chmod(0o755)


def _floor() -> tuple[int, ...]:
    """The oldest release of the SDK for Python that is allowed: no older CLI was tried."""
    return _parsed(_find(r'^ *"pulumi>=([\d.]+)', REPOSITORY / "pyproject.toml"))


def _find(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SetupError(f"{file} has no {pattern}")
    return found[1]


def _parsed(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _spoken(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
