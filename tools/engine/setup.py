"""The set-up as a story: look, decide, and if need be make an engine in `.engine`."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tools.engine import store
from tools.engine.build import build, needed_go, recipe
from tools.engine.install import install
from tools.engine.locate import (
    ENGINE_VERSION,
    Found,
    Plan,
    Refusal,
    Stamp,
    Way,
    decide,
    forced_way,
    is_current,
    look_on_path,
    version_of,
)
from tools.engine.process import SetupError

Say = Callable[[str], None]
Recipe = Callable[[Path], None]
"""Fills the folder `bin` inside the one it is given, or raises SetupError."""


class NoEngineError(SetupError):
    """Every way was tried; the text says what each ran into and what helps."""

    def __init__(self, refused: tuple[Refusal, ...]) -> None:
        ways = "".join(f"\n  {refusal}. What helps: {refusal.remedy}" for refusal in refused)
        super().__init__(f"there is no Pulumi engine, and none could be had:{ways}")


def set_up(repository: Path, environment: Mapping[str, str], say: Say) -> None:
    """Make sure an engine is there.

    Args:
        repository: Absolute path of the checkout.
        environment: The caller's.
        say: Takes one line of progress.

    Raises:
        SetupError: `VMC_ENGINE` is wrong.
        NoEngineError: nothing worked.
    """
    engine = repository / ".engine"
    # The one that `Pulumi.yaml` names too, its link not followed: that is what makes it the venv's.
    python = repository / ".venv" / "bin" / "python"
    forced = forced_way(environment)
    wanted = recipe()
    on_path = look_on_path(environment, ours=engine / "bin") if forced in (None, Way.PATH) else None
    plan = decide(Found(on_path=on_path, stamp=store.read_stamp(engine)), recipe=wanted, forced=forced)
    if plan.use is Way.PATH and on_path:
        say(f"using {on_path.pulumi}, {on_path.version}")
        return
    if plan.use:
        store.write_environment(engine, python)
        say(f".engine/bin/pulumi, {ENGINE_VERSION}, is here already")
        return
    for refusal in plan.refused:
        say(str(refusal))
    if not plan.ways:
        raise NoEngineError(plan.refused)
    with store.locked(engine, say):
        if is_current(store.read_stamp(engine), recipe=wanted, forced=forced):
            say(f"the other run has made .engine/bin/pulumi, {ENGINE_VERSION}")
            return
        ways: dict[Way, Recipe] = {
            Way.INSTALL: partial(install, repository=repository, environment=environment, say=say),
            Way.BUILD: partial(build, environment=environment, say=say),
        }
        way = _first_that_works(plan, ways, engine=engine, python=python, environment=environment, say=say)
    say(f".engine/bin/pulumi, {ENGINE_VERSION}, is ready ({way.label}); `. .engine/env` puts it on PATH")


def _first_that_works(
    plan: Plan,
    ways: Mapping[Way, Recipe],
    *,
    engine: Path,
    python: Path,
    environment: Mapping[str, str],
    say: Say,
) -> Way:
    refused = list(plan.refused)
    for way in plan.ways:
        stamp = Stamp(version=str(ENGINE_VERSION), way=way, recipe=recipe() if way is Way.BUILD else "")
        try:
            _make(engine, ways[way], stamp=stamp, python=python, environment=environment)
        except (SetupError, OSError) as error:
            refused.append(Refusal(way=way, problem=str(error), remedy=_remedy(way)))
            say(str(refused[-1]))
        else:
            return way
    raise NoEngineError(tuple(refused))


def _make(engine: Path, way: Recipe, *, stamp: Stamp, python: Path, environment: Mapping[str, str]) -> None:
    """Let `way` fill a temporary folder, check what came out, put it in place. Needs the lock."""
    with store.staging(engine) as staged:
        way(staged)
        missing = store.missing_files(staged / "bin")
        if missing:
            raise SetupError(f"it ended well but made no {', '.join(missing)}")
        version = version_of(staged / "bin" / "pulumi", environment)
        if version != stamp.version:
            raise SetupError(f"it made version {version or 'unknown'}, not {stamp.version}")
        store.publish(engine, staged, stamp, python)


def _remedy(way: Way) -> str:
    if way is Way.INSTALL:
        return "run this again with an internet connection"
    return f"run this again with Go {needed_go()} or newer on PATH (what was compiled is kept)"
