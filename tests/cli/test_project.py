"""Which project a command takes: the one that the CLI takes. Engine and files are real."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.cli import Command
from tests.support.lab import Lab
from vmc_account_link.cli.project import Project
from vmc_account_link.errors import SettingsError
from vmc_account_link.pulumi_cli import find_project_file

PROJECT = "name: {name}\nruntime: python\n"


@pytest.mark.engine
def test_a_project_is_found_from_a_folder_below_it_and_by_each_of_its_names(
    lab: Lab, command: Command
) -> None:
    below = lab.folder / "a" / "b"
    below.mkdir(parents=True)
    for ending in ("yaml", "yml", "json"):
        for file in lab.folder.glob("Pulumi.*"):
            settings = yaml.safe_load(file.read_text(encoding="utf-8"))
            file.unlink()
            # JSON is YAML too.
            file.with_suffix(f".{ending}").write_text(json.dumps(settings), encoding="utf-8")
        lab.must("--cwd", str(below), "config", "set", "aws:region", "us-west-2")
        found = Project(below, "lab")
        assert (found.name, found.config()["aws:region"]) == ("vmc-account-link", "us-west-2")
        said = command("doctor", "--json", "--cwd", str(below), "--stack", "lab")
        assert said.lines()["configuration"]["verdict"] == "pass"


@pytest.mark.engine
def test_where_there_are_several_the_cli_and_the_commands_take_the_same(lab: Lab) -> None:
    folder = lab.folder / "several"
    folder.mkdir()
    for name in ("by-yml", "by-yaml", "by-json"):
        text = PROJECT.format(name=name)
        written = json.dumps(yaml.safe_load(text)) if name == "by-json" else text
        (folder / f"Pulumi.{name.removeprefix('by-')}").write_text(written, encoding="utf-8")
        lab.must("--cwd", str(folder), "stack", "init", f"after-{name}")
        (file,) = (lab.box.folder / "state").glob(f".pulumi/stacks/*/after-{name}.json")
        assert file.parent.name == Project(folder, "lab").name


def test_a_folder_without_a_project_above_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").mkdir()
    assert find_project_file(tmp_path) is None
    with pytest.raises(SettingsError, match="no Pulumi project here"):
        Project(tmp_path, None)
