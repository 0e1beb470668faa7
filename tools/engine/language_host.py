"""Gets a language host of the engine: beside `pulumi` or on PATH, else in `.engine/plugins`."""

import os
import re
import shutil
from functools import partial
from pathlib import Path

from tools.engine import work
from tools.engine.work import ENGINE, SetupError, say

MODULES = {"yaml": "github.com/pulumi/pulumi-yaml", "nodejs": "github.com/pulumi/pulumi/sdk/v3"}
"""Language -> the Go module with its host; what builds it is `language-<name>/`."""


def get_language_host(pulumi: Path, language: str) -> None:
    """Have the host where the engine looks: it comes with every installation of Pulumi that is not ours.

    Raises:
        SetupError: it can't be had.
    """
    program = f"pulumi-language-{language}"
    folders = (str(pulumi.parent), str(pulumi.resolve().parent), os.environ.get("PATH", ""))
    if found := shutil.which(program, path=os.pathsep.join(folders)):
        say(f"language host for {language}: {found} is there")
        return
    module = Path(__file__).with_name(f"language-{language}")
    version = _required(MODULES[language], module / "go.mod")
    files = sorted(file for file in module.rglob("*") if file.is_file())
    work.obtain(
        f"language host for {language} {version}",
        ENGINE / "plugins" / f"language-{language}-{version}" / program,
        work.digest(*files),
        {"build": partial(_build, module, program)},
        helps=f"{work.NEEDED_GO}, or Pulumi's own installation on PATH",
    )


def _build(module: Path, program: str, new: Path, spare: Path) -> None:
    work.go_build(new / program, module=module, spare=spare)
    if (runtime := module / "runtime").is_dir():
        work.go_build(new / f"{program}-runtime", module=runtime, spare=spare)


def _required(module: str, file: Path) -> str:
    found = re.search(rf"\b{re.escape(module)} (v\S+)", file.read_text(encoding="utf-8"))
    if found is None:
        raise SetupError(f"{file} does not require {module}")
    return found[1]
