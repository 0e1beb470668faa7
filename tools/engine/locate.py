"""Which engine to use: `look` at the machine, then `decide`, which is pure."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from semver import Version

from tools.engine.process import SetupError, run

ENGINE_VERSION = Version.parse("3.259.0")
"""The release that is built or installed, and the oldest one accepted on PATH.

It is the release of the Python SDK that pyproject.toml pins: the two were tested together. An engine of
another major version is refused by the SDK itself.
"""

COMPANIONS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
"""What the engine starts to run a Python program and its dynamic providers."""

OVERRIDE = "VMC_ENGINE"
VERSION_LIMIT_SECONDS = 20.0


class Way(StrEnum):
    """How an engine is had; the values are those of `VMC_ENGINE`."""

    PATH = "path"
    INSTALL = "install"
    BUILD = "build"

    @property
    def label(self) -> str:
        """How messages call this way."""
        return {
            Way.PATH: "pulumi on PATH",
            Way.INSTALL: "official installer",
            Way.BUILD: "build from Go modules",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPath:
    """The first `pulumi` on PATH that is not ours."""

    pulumi: Path
    version: str
    """What it answers to `pulumi version`: any text, empty when it failed."""
    missing: tuple[str, ...]
    """Those of `COMPANIONS` that are neither beside it nor on PATH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What `.engine/bin` holds; written last, so that it is only there when all of it is."""

    version: str
    way: str
    recipe: str
    """Digest of what it was built from; empty for an installed engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is on this machine already."""

    on_path: OnPath | None
    stamp: Stamp | None
    """None also when a file that the stamp promises is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A way that did not lead to an engine."""

    way: Way
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.way.label}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Use what is there (`use`), or try `ways` in order."""

    use: Way | None
    """`PATH`: the one on PATH. `INSTALL` or `BUILD`: ours, which an earlier run made that way."""
    ways: tuple[Way, ...]
    """Ways to make one; empty when one is there, or when `VMC_ENGINE=path` rules them out."""
    refused: tuple[Refusal, ...]
    """What was looked at and is not good enough."""


def forced_way(environment: Mapping[str, str]) -> Way | None:
    """The one way that `VMC_ENGINE` asks for; None when all are allowed.

    Raises:
        SetupError: the variable has another value.
    """
    asked = environment.get(OVERRIDE, "")
    try:
        return Way(asked) if asked else None
    except ValueError:
        raise SetupError(f"{OVERRIDE} is {asked!r}: use {', '.join(Way)} or leave it unset") from None


def is_current(stamp: Stamp | None, *, recipe: str, forced: Way | None) -> bool:
    """Whether `.engine/bin` is what a run with these wishes would make."""
    if stamp is None or stamp.version != str(ENGINE_VERSION) or (forced and stamp.way != forced):
        return False
    return stamp.way == Way.INSTALL or stamp.recipe == recipe


def decide(found: Found, *, recipe: str, forced: Way | None) -> Plan:
    """Choose: the engine on PATH, then ours, then the ways to make ours."""
    refused: tuple[Refusal, ...] = ()
    if forced in (None, Way.PATH):
        problem = _path_problem(found.on_path)
        if problem is None:
            return Plan(use=Way.PATH, ways=(), refused=())
        remedy = f"put Pulumi {ENGINE_VERSION} or a later 3.x, with its Python language host, on PATH"
        refused = (Refusal(way=Way.PATH, problem=problem, remedy=remedy),)
    if found.stamp and is_current(found.stamp, recipe=recipe, forced=forced):
        return Plan(use=Way(found.stamp.way), ways=(), refused=refused)
    ways = (Way.INSTALL, Way.BUILD) if forced is None else (forced,)
    return Plan(use=None, ways=tuple(way for way in ways if way is not Way.PATH), refused=refused)


def look_on_path(environment: Mapping[str, str], *, ours: Path) -> OnPath | None:
    """Find the engine that a shell would run if `ours` (`.engine/bin`) were not on its PATH."""
    folders = [folder for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    others = os.pathsep.join(folder for folder in folders if not _same(Path(folder), ours))
    found = shutil.which("pulumi", path=others)
    if found is None:
        return None
    pulumi = Path(found).absolute()
    # The engine looks beside its executable, with links followed, as package managers make them.
    where = os.pathsep.join([str(pulumi.parent), str(pulumi.resolve().parent), others])
    return OnPath(
        pulumi=pulumi,
        version=version_of(pulumi, environment),
        missing=tuple(name for name in COMPANIONS if shutil.which(name, path=where) is None),
    )


def version_of(pulumi: Path, environment: Mapping[str, str]) -> str:
    """What the engine says its version is, without the leading "v"; empty when it can't be run."""
    quiet = {**environment, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        answer = run([pulumi, "version"], environment=quiet, limit_seconds=VERSION_LIMIT_SECONDS)
    except SetupError:
        return ""
    return answer.output.strip().removeprefix("v") if answer.code == 0 else ""


def _path_problem(on_path: OnPath | None) -> str | None:
    if on_path is None:
        return "none found"
    if not Version.is_valid(on_path.version):
        return f"{on_path.pulumi} does not tell its version"
    version = Version.parse(on_path.version)
    if version < ENGINE_VERSION or version.major != ENGINE_VERSION.major:
        return f"{on_path.pulumi} is {version}, needed is {ENGINE_VERSION} or a later 3.x"
    if on_path.missing:
        return f"{on_path.pulumi} comes without {', '.join(on_path.missing)}"
    return None


def _same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or one.resolve() == other.resolve()
