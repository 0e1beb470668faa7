"""The architecture, kept by machine: who imports whom, what ships, and that words about the code are true."""

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import vmc_account_link
from tests.support.paths import REPOSITORY
from tools import structure
from tools.wheel import build_wheel

PACKAGE = REPOSITORY / "components" / "vmc_account_link"
FLOORS = {
    "vmc_account_link": (
        "errors internal_errors resource_types",
        "settings pulumi_state",
        "provider_process pulumi_cli sdk_private",
        "call_context",
        "api template",
        "link",
        "args stack_hooks provider",
        "aws aws_reader",
        "recovery",
        "link_request connected_account connection_wait existing_account compatible_subnets",
        "account_link",
        "component_provider",
        "cli",
    ),
    "vmc_labs": ("private_files", "spec", "state", "engine", "fleet", "output", "commands", "__main__"),
}
"""Package -> its rooms (folders and modules), the lowest floor first; on it rooms may import each other."""


def _roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in structure.imported_names(path)}


def project_files(*folders: str) -> list[Path]:
    """The Python files below these folders of the repository."""
    return [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]


@pytest.mark.parametrize("package", FLOORS)
def test_a_room_imports_only_rooms_on_floors_below_it(package: str) -> None:
    floors = {name: number for number, floor in enumerate(FLOORS[package]) for name in floor.split()}
    ends = {"__init__", "__main__", package}
    found = {structure.room(package, module) for module in structure.modules(package)}
    assert found - ends == set(floors) - ends
    up = {
        (first, second)
        for first, second in structure.room_arrows(package)
        if not ends & {first, second} and floors[first] <= floors[second] and floors[second] > 0
    }
    assert up == set()


def test_the_package_below_never_imports_the_fleet() -> None:
    roots = {_root for path in PACKAGE.rglob("*.py") for _root in _roots(path)}
    assert "vmc_labs" not in roots


@pytest.mark.parametrize("package", FLOORS)
def test_the_imports_of_modules_make_no_circle(package: str) -> None:
    graph: dict[str, set[str]] = {}
    for first, second in structure.arrows(package):
        graph.setdefault(first, set()).add(second)
    graphlib.TopologicalSorter(graph).prepare()


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    files = [file for package in FLOORS for file in structure.modules(package).values()]
    assert [file for file in files if not ast.get_docstring(ast.parse(file.read_text()))] == []


def test_only_one_module_asks_aws_through_its_sdk_and_only_one_writes() -> None:
    files = project_files("components/vmc_account_link")
    assert {path.stem for path in files if {"boto3", "botocore"} & _roots(path)} == {"aws_reader"}
    printing = {path.stem for path in files if re.search(r"\bprint\(|sys\.std(out|err)", path.read_text())}
    # The second shows lines in `pulumi up`, the third its port to the engine.
    assert printing == {"output", "call_context", "component_provider"}


def test_the_types_of_our_resources_and_the_mark_of_a_secret_stand_once() -> None:
    """Two lists of them have disagreed before, and then a feature did nothing."""
    texts = {path.stem: path.read_text() for path in project_files("components")}
    for text, home in {
        "pulumi-python:dynamic": "resource_types",
        "aws:cloudformation/stack": "resource_types",
        "pulumi:providers:aws": "resource_types",
        "4dabf18193072939515e22adb298388d": "pulumi_state",
    }.items():
        assert [stem for stem, content in texts.items() if text in content] == [home], text


def test_only_the_transport_opens_connections() -> None:
    users = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        if {"requests", "urllib3"} & set(structure.imported_names(path))
    }
    # The others read the exceptions of the first.
    assert users == {"transport", "error_mapping", "local_causes"}
    assert not [
        one for one in users - {"transport"} if "Session" in (PACKAGE / "api" / f"{one}.py").read_text()
    ]


def test_the_product_never_imports_the_sandbox_or_the_tools() -> None:
    for path in [*PACKAGE.rglob("*.py"), REPOSITORY / "__main__.py"]:
        assert not _roots(path) & {"sandbox", "tools", "tests", "vmc_labs", "moto", "flask"}, path


def test_the_public_names_are_the_ones_that_are_promised() -> None:
    assert vmc_account_link.__all__ == [
        "AccountLink",
        "AccountLinkArgs",
        "CompatibleSubnets",
        "TemplatePolicy",
        "TemplateReport",
        "VmcError",
        "inspect_template",
        "violations",
    ]
    assert all(hasattr(vmc_account_link, name) for name in vmc_account_link.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        vmc_account_link.Nothing  # noqa: B018


def test_the_dynamic_providers_process_does_not_load_the_component() -> None:
    code = (
        "import sys, vmc_account_link.link_request, vmc_account_link.connected_account; "
        "sys.exit('pulumi_aws' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        "vmc_account_link.link_request.LinkRequestProvider",
        "vmc_account_link.connected_account.ConnectedAccountProvider",
        "vmc_account_link.connection_wait.ConnectionWaitProvider",
        "vmc_account_link.existing_account.ExistingAccountProvider",
        "vmc_account_link.compatible_subnets.CompatibleSubnetsProvider",
    ],
)
def test_the_paths_that_stand_in_state_files_still_lead_somewhere(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert getattr(importlib.import_module(module), name).__module__ == module


def test_the_program_can_be_read_in_one_breath() -> None:
    tree = ast.parse((REPOSITORY / "__main__.py").read_text())
    assert not any(isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.Try) for node in ast.walk(tree))
    assert len((REPOSITORY / "__main__.py").read_text().splitlines()) <= 40


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_wheel(tmp_path)).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "vmc_account_link",
        "vmc_labs",
    }
    assert {"vmc_labs/spec/schema.json", "vmc_labs/output/report/page.html.j2"} <= set(names)
    assert "vmc_account_link/py.typed" in names


def test_every_test_file_and_function_has_a_name_that_is_collected() -> None:
    for path in project_files("tests"):
        tree = ast.parse(path.read_text())
        tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
        assert not tests or path.name.startswith("test_"), path
        assert all(test.name.startswith("test_") for test in tests), path
        names = [test.name for test in tests]
        assert len(names) == len(set(names)), f"a test of {path} hides another of its name"


def test_every_dependency_has_its_reason_in_a_comment_above_it() -> None:
    lines = (REPOSITORY / "pyproject.toml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r'  "[a-z0-9-]+(\[.*\])?[><=]=?.*",$', line):
            above = next(text for text in reversed(lines[:number]) if not text.startswith('  "'))
            assert above.strip().startswith("#"), line


def test_the_version_is_the_changelogs_newest() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[?([0-9.]+)", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:1] == [version]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"])
def test_what_a_page_names_exists(page: str) -> None:
    path = REPOSITORY / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(#[^)]+)?", path.read_text())
    assert links
    assert [link for link, _ in links if not (path.parent / link).exists()] == []
    parts = {(path.parent / link, part) for link, part in links if part}
    assert [part for target, part in parts if part not in _headings(target)] == []


def _headings(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    lines = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {"#" + line.lower().replace(" ", "-") for line in lines}


def test_the_readme_shows_the_program_and_the_labs_that_are_there_to_start_from() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    template = (REPOSITORY / "template" / "__main__.py").read_text().splitlines()
    assert [line for line in program.splitlines() if line not in template] == []
    (labs,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert (REPOSITORY / "examples" / "workshop.yaml").read_text().endswith(labs)


def test_the_modules_that_the_architecture_page_names_exist() -> None:
    page = (REPOSITORY / "docs" / "explanation" / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.py)`", page))
    assert {"settings.py", "link/wait.py"} <= named
    assert [name for name in sorted(named) if not (PACKAGE / name).is_file()] == []
    folders = re.findall(r"^\| `([a-z_/]+)` \|", page, re.MULTILINE)
    assert folders
    homes = (REPOSITORY, PACKAGE.parent)
    assert [one for one in folders if not any((home / one).is_dir() for home in homes)] == []


def test_the_list_of_decisions_is_complete() -> None:
    folder = REPOSITORY / "docs" / "adr"
    text = (folder / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d{4})\]\((.*)\) \| (.*) \|$", text, re.MULTILINE)
    pages = sorted(folder.glob("0*.md"))
    assert rows == [(one.name[:4], one.name, one.read_text().partition("\n")[0][8:]) for one in pages]
