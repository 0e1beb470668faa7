"""Gets the AWS provider of the installed `pulumi_aws`; `sandbox/plugins.py` finds it in `.engine`."""

import os
import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tools.engine import work
from tools.engine.provider_source import copy_reduced
from tools.engine.work import ENGINE, SetupError, say

PROGRAM = "pulumi-resource-aws"
_MODULE = Path(__file__).with_name("aws")
_SOURCE = "github.com/hashicorp/terraform-provider-aws"


def get_provider(pulumi: Path, *, quick: bool = False) -> None:
    """Have the provider in `.engine/plugins`; the quick build, which only Go can make, in `.engine/quick`.

    Raises:
        SetupError: it can't be had.
    """
    name = f"resource-aws-v{version('pulumi_aws')}"
    program = ENGINE / ("quick" if quick else "plugins") / name / PROGRAM
    theirs = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins" / name
    files = sorted(file for file in _MODULE.rglob("*") if file.is_file())
    ways: dict[str, work.Fill] = {
        "installed plugins": partial(_link, theirs),
        "download": partial(_download, pulumi, theirs),
        "build": partial(_build, quick=quick),
    }
    what = f"AWS provider {version('pulumi_aws')}"
    if quick:
        ways, what = {"build": ways["build"]}, f"{what} for tests"
        if shutil.which("go") is None:
            say(f"{what}: there is no go on PATH, so they wait as long as people do: minutes more")
            return
    work.obtain(
        what,
        program,
        work.digest(name, str(quick), Path(__file__).with_name("provider_source.py"), *files),
        ways,
        helps=f"an internet connection, or {work.NEEDED_GO}",
    )


def _link(theirs: Path, new: Path, _spare: Path) -> None:
    # The engine takes this mark away when a download is whole.
    if not (theirs / PROGRAM).is_file() or theirs.with_name(f"{theirs.name}.partial").exists():
        raise SetupError(f"{theirs} is not there")
    (new / PROGRAM).symlink_to(theirs.absolute() / PROGRAM)
    say(f"AWS provider: {theirs}")


def _download(pulumi: Path, theirs: Path, new: Path, spare: Path) -> None:
    # Where plugins come from elsewhere, only the engine knows whether that answers.
    if "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES" not in os.environ and (problem := work.unreachable()):
        raise SetupError(problem)
    with work.timed("pulumi plugin install resource aws"):
        work.run([pulumi, "plugin", "install", "resource", "aws", version("pulumi_aws")])
    _link(theirs, new, spare)


def _build(new: Path, spare: Path, *, quick: bool) -> None:
    what = "quick AWS provider" if quick else "AWS provider"
    with work.timed(f"source of the {what}"):
        work.go("mod", "download", _SOURCE, module=_MODULE / "source", spare=spare)
        cached = work.go("list", "-m", "-f", "{{.Dir}}", _SOURCE, module=_MODULE / "source", spare=spare)
        copy_reduced(Path(cached.strip()), spare / "src", quick=quick)
    with work.timed(f"go build of the {what}, minutes with nothing cached"):
        for file in _MODULE.iterdir():
            if file.is_file():
                shutil.copyfile(file, spare / file.name)
        flags = f"-s -w -X main.version={version('pulumi_aws')}"
        work.go("build", "-ldflags", flags, "-o", new / PROGRAM, ".", module=spare, spare=spare)
        work.run([new / PROGRAM, "schema"])
