"""`AccountLink` from a YAML program, on the real engine: its life, what is refused, who takes over whom."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lab import ACCOUNT, Lab
from tests.support.paths import REPOSITORY
from tools.schema import SCHEMA

pytestmark = pytest.mark.engine

PROGRAM = (
    (REPOSITORY / "examples" / "yaml" / "Pulumi.yaml")
    .read_text(encoding="utf-8")
    .replace("name: my-lab", "name: vmc-account-link")  # the project of the tests' Pulumi stacks
    .replace("../../.venv", ".venv")
    .replace("../../plugin", str(REPOSITORY / "plugin"))
)
INPUTS = 'properties: {stackName: SDDC-Account-Link, relink: "${relink}", tags: {owner: workshop}}'
VIRTUALENV = ", options: {virtualenv: .venv}"


def write(lab: Lab, inputs: str = INPUTS, *, runtime: str = VIRTUALENV) -> None:
    """Make the YAML program the lab's, with other inputs or another runtime."""
    program = PROGRAM.replace(INPUTS, inputs).replace(VIRTUALENV, runtime)
    (lab.folder / "Pulumi.yaml").write_text(program, encoding="utf-8")
    (lab.folder / "__main__.py").unlink(missing_ok=True)


def write_python(lab: Lab) -> None:
    """Make the repository's own program the lab's again."""
    for name in ("Pulumi.yaml", "__main__.py"):
        (lab.folder / name).write_bytes((REPOSITORY / name).read_bytes())


def refused_up(lab: Lab, *named: str) -> str:
    """Run `up`, which must fail with one line that holds all of `named`, and with no link requested."""
    failed = lab.fail_up()
    lines = [line for line in failed.error_lines() if all(name in line for name in named)]
    assert lines, f"no error line names {named}:\n{failed.output}"
    assert "request-link" not in lab.calls()
    assert not {"Stack", "LinkRequest", "ConnectedAccount"} & set(lab.resources())
    return lines[0]


def python_without_the_package(folder: Path) -> Path:
    """The interpreter of a virtual environment in which nothing is installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def test_a_yaml_program_links_relinks_and_unlinks_as_the_python_program_does(lab: Lab) -> None:
    write(lab)
    lab.must("preview")
    assert "request-link" not in lab.calls()
    lab.up()
    outputs = lab.outputs()
    (record,) = lab.control.connected_accounts()
    assert (outputs, record.state) == ({"connectedAccountId": record.id}, "ACTIVE")
    requested = lab.calls().count("request-link")
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    lab.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert lab.calls().count("request-link") == requested == 1
    lab.set({"relink": "again"})
    lab.up()
    assert lab.calls().count("cloudformation.UpdateStack") == 1
    assert lab.calls().count("request-link") == 2
    (record,) = lab.control.connected_accounts()
    assert record.version == 1
    lab.destroy()
    assert lab.control.connected_accounts() == ()
    assert lab.resources() == {}


def test_the_engine_gets_the_schema_of_the_tree_and_adds_the_package(lab: Lab) -> None:
    executable = str(REPOSITORY / "plugin" / "pulumi-resource-vmc-account-link")
    got = json.loads(lab.must("package", "get-schema", executable).output)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert {key: got[key] for key in ("name", "version", "resources", "types")} == {
        key: schema[key] for key in ("name", "version", "resources", "types")
    }
    (lab.folder / "Pulumi.yaml").write_text(f"name: my-lab\nruntime: {{name: yaml{VIRTUALENV}}}\n")
    lab.must("package", "add", executable)
    assert list(lab.folder.glob("sdks/vmc-account-link/*.yaml")) != []


def test_a_stack_of_the_python_program_is_taken_over_by_yaml_and_back(lab: Lab) -> None:
    lab.must("config", "set", "--path", "tags.owner", "workshop")
    lab.up()
    before = lab.resources()
    unchanged = ("up", "--yes", "--skip-preview", "--expect-no-changes")
    write(lab)
    lab.control.clear_journal()
    lab.must(*unchanged)
    write_python(lab)
    lab.must(*unchanged)
    assert lab.resources()["AccountLink"]["inputs"] == before["AccountLink"]["inputs"]
    assert lab.resources().keys() == before.keys()
    assert not {"request-link", "cloudformation.UpdateStack"} & set(lab.calls())


def test_a_yaml_program_uses_an_existing_link_and_what_nobody_knows_is_unset(lab: Lab) -> None:
    lab.up()
    other = Lab(lab.box, lab.folder.with_name("other"), stack="other")
    write(other, "properties: {link: existing, subnetRegion: us-west-2}")
    program = (other.folder / "Pulumi.yaml").read_text(encoding="utf-8")
    (other.folder / "Pulumi.yaml").write_text(
        f"{program}  subnets: ${{account-link.compatibleSubnets}}\n", encoding="utf-8"
    )
    other.up()
    outputs = json.loads(other.must("stack", "output", "--json").output)
    assert outputs["connectedAccountId"] == lab.control.connected_accounts()[0].id
    assert set(outputs["subnets"]) > {"us-west-2a"}
    (component,) = (
        one
        for one in json.loads(other.must("stack", "export").output)["deployment"]["resources"]
        if one["type"] == "vmc-account-link:index:AccountLink"
    )
    assert not {"stackId", "trackingTask", "linkExpirationDate"} & set(component["outputs"])
    other.destroy()
    assert len(lab.control.connected_accounts()) == 1


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        pytest.param("stackName: 7-labs", ("stackName", "'7-labs' is not valid"), id="a bad name"),
        pytest.param("linkTimeoutMinutes: 2.5", ("linkTimeoutMinutes", "not a whole number"), id="a half"),
        pytest.param("linkTimeoutMinutes: 0", ("linkTimeoutMinutes", "too short"), id="no time"),
        pytest.param("sddcHosts: 2", ("sddcHosts", "Set subnetRegion too"), id="hosts without a region"),
        pytest.param("templateHosts: [a b]", ("templateHosts", "host:port"), id="no host"),
        pytest.param(
            "region: {fn::secret: us-west-2}", ("region", "known beforehand"), id="a secret where none may be"
        ),
        pytest.param("awsAccountId: '210987654321'", ("awsAccountId", ACCOUNT), id="another account"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_name_that_was_written(
    lab: Lab, inputs: str, named: tuple[str, ...]
) -> None:
    write(lab, f"properties: {{{inputs}}}")
    assert not re.search("[a-z]_[a-z]", refused_up(lab, *named)), "a name as Python has it"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("stackNam: Lab", "Property stackNam does not exist on 'vmc-account-link:index:AccountLink'"),
        ('linkTimeoutMinutes: "2"', "linkTimeoutMinutes: Cannot assign type 'string' to type 'integer'"),
        ("link: made", 'Allowed values are create ("create"), existing ("existing")'),
    ],
)
def test_wrong_keys_and_types_are_refused_by_the_schema(lab: Lab, inputs: str, said: str) -> None:
    write(lab, f"properties: {{{inputs}}}")
    assert said in lab.fail_up().output
    assert lab.calls() == []


def test_a_wrong_token_is_one_line(lab: Lab) -> None:
    write(lab)
    lab.environment["API_TOKEN"] = "planted-wrong-token-0123456789"
    assert "planted" not in refused_up(lab, "vmc:refreshToken", "400")


def test_settings_come_from_the_configuration_and_the_token_stays_secret(lab: Lab) -> None:
    box = lab.box.environment
    lab.set({"vmc:orgId": box["ORG_ID"], "vmc:vmcUrl": box["VMC_URL"], "vmc:cspUrl": box["CSP_URL"]})
    lab.set({"vmc:refreshToken": box["API_TOKEN"]}, secret=True)
    lab.environment |= dict.fromkeys(("ORG_ID", "API_TOKEN", "VMC_URL", "CSP_URL"), "")
    write(lab)
    output = lab.up().output + lab.must("stack", "export").output + lab.destroy().output
    assert box["API_TOKEN"] not in output
    assert lab.control.connected_accounts() == ()


@pytest.mark.parametrize(
    "named_by", ["nothing", "variable", pytest.param("options", marks=pytest.mark.whole)]
)
def test_an_interpreter_without_the_package_is_named_with_the_line_that_mends_it(
    lab: Lab, tmp_path: Path, named_by: str
) -> None:
    python = python_without_the_package(tmp_path / "bare")
    lab.environment |= {
        "nothing": {"PULUMI_PYTHON_CMD": "", "PATH": f"{python.parent}:{lab.box.environment['PATH']}"},
        "options": {"PULUMI_PYTHON_CMD": ""},
        "variable": {"PULUMI_PYTHON_CMD": str(python)},
    }[named_by]
    write(lab, runtime=f", options: {{virtualenv: {python.parents[1]}}}" if named_by == "options" else "")
    shown = "python3" if named_by == "nothing" else str(python)
    line = refused_up(lab, f"it is {shown}, where vmc-account-link is not installed")
    (mended,) = re.findall(r"below `runtime:` and its `name`: `(options: .*)`\.", line)
    write(lab, runtime=f", {mended}")
    lab.must("preview")


@pytest.mark.parametrize("named", [True, False])
def test_an_interpreter_that_only_the_shell_names_is_named_with_the_line_for_destroy(
    lab: Lab, *, named: bool
) -> None:
    write(lab, runtime=VIRTUALENV.replace(".venv", sys.prefix) if named else "")
    warnings = [line for line in lab.up().output.splitlines() if "No module named 'pulumi'" in line]
    assert all(f"options: {{virtualenv: {sys.prefix}}}" in line for line in warnings)
    assert bool(warnings) != named
    write(lab, runtime=VIRTUALENV.replace(".venv", sys.prefix))
    lab.environment["PULUMI_PYTHON_CMD"] = "/nowhere/python"
    lab.destroy()
    assert lab.control.connected_accounts() == ()


def test_resources_that_another_version_would_serve_are_not_made(lab: Lab, tmp_path: Path) -> None:
    python = python_without_the_package(tmp_path / "other")
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    metadata = packages / "vmc_account_link-9.9.9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: vmc-account-link\nVersion: 9.9.9\n", encoding="utf-8")
    write(lab, runtime=f", options: {{virtualenv: {python.parents[1]}}}")
    refused_up(lab, "where vmc-account-link is 9.9.9, and here 0.1.0")
