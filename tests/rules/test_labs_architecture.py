"""Where the fleet's effects are, kept by machine."""

from pathlib import Path

from tools import structure


def modules() -> dict[str, Path]:
    """Module below `vmc_labs` -> its file."""
    found = structure.modules("vmc_labs").items()
    return {name.removeprefix("vmc_labs."): file for name, file in found if file.stem != "__init__"}


def users(*libraries: str) -> set[str]:
    """The modules that import one of these, by its full name or from it."""
    return {
        name
        for name, path in modules().items()
        if any(
            f"{used}.".startswith(f"{library}.")
            for used in structure.imported_names(path)
            for library in libraries
        )
    }


def test_each_effect_of_the_fleet_has_its_modules() -> None:
    assert users("pulumi.automation") == {"engine.sdk_private"}
    assert users("subprocess") == set()  # the package's `pulumi_cli` runs the CLI
    assert users("boto3", "botocore") == {"state.stores"}
    assert users("requests", "urllib3") == set()
    assert users("grpc") == {"engine.server", "engine.dynamic_provider"}
    assert users("distributed") == {"fleet.cluster"}
    assert users("rich") == {"output.terminal", "output.live_table"}
    assert users("click") == {"commands.options", "__main__"}


def test_the_process_is_read_at_the_edge_and_never_changed() -> None:
    reading = {name for name, path in modules().items() if "os.environ" in path.read_text()}
    assert reading == {"spec.reading", "fleet.lab", "fleet.session"}
    assert not any("os.environ[" in path.read_text() for path in modules().values())
    leaving = {name for name, path in modules().items() if "sys.exit" in path.read_text()}
    assert leaving == {"__main__"}


def test_the_fleet_never_imports_the_sandbox_or_the_tests() -> None:
    assert users("sandbox", "tests", "tools", "bench", "moto") == set()
