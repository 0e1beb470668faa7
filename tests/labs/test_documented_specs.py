"""What the documentation shows as YAML is what it says it is."""

import re
from pathlib import Path

import yaml

from tests.support.paths import REPOSITORY
from vmc_labs.spec.reading import read_spec


def blocks(file: str) -> list[str]:
    """The YAML of a page."""
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_workshops_spec_is_one(tmp_path: Path) -> None:
    (text,) = blocks("docs/how-to/workshop.md")
    config = tmp_path / "config"
    config.write_text("".join(f"[profile team-{number:02}]\n" for number in range(1, 31)))
    spec = read_spec(text, file="workshop.md", environ={"AWS_CONFIG_FILE": str(config)})
    assert len(spec.labs) == 31
    assert spec.labs[6].credentials.profile == "team-07"


def test_the_file_for_ci_is_yaml() -> None:
    (workflow,) = blocks("docs/scaling.md")
    assert yaml.safe_load(workflow)["jobs"]["up"]["needs"] == "plan"
