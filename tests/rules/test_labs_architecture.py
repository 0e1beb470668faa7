"""The fleet command's architecture, kept by machine: who imports whom, and where its effects are."""

from pathlib import Path

from tests.rules.test_architecture import imports
from tests.support.places import REPOSITORY

LABS = REPOSITORY / "labs"
ORDER = [
    "errors",
    "private_files",
    "backend",
    "patterns",
    "words",
    "marked_yaml",
    "spec",
    "spec_file",
    "spec_problems",
    "spec_judging",
    "spec_reading",
    "results",
    "sizing",
    "places",
    "holder",
    "leftovers",
    "file_backend",
    "cloud",
    "credentials",
    "pending",
    "state",
    "stores",
    "state_files",
    "progress",
    "plan",
    "readings",
    "sharing",
    "program",
    "sdk_private",
    "dynamic_provider",
    "engine",
    "lab_engine",
    "lab_log",
    "after_crash",
    "run",
    "fleet",
    "cluster",
    "looking",
    "fleet_session",
    "report.rows",
    "report.timeline",
    "report.reading",
    "report.page",
    "output",
    "live",
    "commands.recover",
    "commands.report",
    "commands.plan",
    "commands.status",
    "commands.outputs",
    "commands.doctor",
    "commands.up",
    "commands.down",
    "commands.recover_fleet",
    "options",
    "__main__",
]
"""From what is asked for to what is done about it; a module imports only those above it."""


def modules() -> dict[str, Path]:
    """Module below `labs` -> its file."""
    files = (path for path in LABS.rglob("*.py") if path.stem != "__init__")
    return {path.relative_to(LABS).with_suffix("").as_posix().replace("/", "."): path for path in files}


def users(*libraries: str) -> set[str]:
    """The modules that import one of these, by its full name or from it."""
    return {
        name
        for name, path in modules().items()
        if any(f"{used}.".startswith(f"{library}.") for used in imports(path) for library in libraries)
    }


def test_every_module_of_the_fleet_has_its_place_and_imports_only_those_above_it() -> None:
    found = modules()
    assert set(found) == set(ORDER)
    for place, name in enumerate(ORDER):
        used = {one.removeprefix("labs.") for one in imports(found[name]) if one.startswith("labs.")}
        up = (used & set(ORDER)) - set(ORDER[:place])
        assert not up, f"{name} reaches up to {sorted(up)}"


def test_each_effect_of_the_fleet_has_its_modules() -> None:
    assert users("pulumi.automation") == {"engine", "sdk_private"}
    assert users("subprocess") == {"engine", "lab_engine", "after_crash", "holder"}
    assert users("boto3", "botocore") == {"cloud", "stores"}
    assert users("requests", "urllib3") == {"sharing", "dynamic_provider"}
    assert users("grpc") == {"engine", "dynamic_provider"}
    assert users("distributed") == {"cluster"}
    assert users("rich") == {"output", "live"}
    assert users("click") == {"options", "__main__"}


def test_the_process_is_read_at_the_edge_and_never_changed() -> None:
    reading = {name for name, path in modules().items() if "os.environ" in path.read_text()}
    assert reading == {"spec_reading", "run", "fleet_session"}
    assert not any("os.environ[" in path.read_text() for path in modules().values())
    leaving = {name for name, path in modules().items() if "sys.exit" in path.read_text()}
    assert leaving == {"__main__"}


def test_the_fleet_never_imports_the_sandbox_or_the_tests() -> None:
    assert users("sandbox", "tests", "tools", "bench", "moto") == set()
