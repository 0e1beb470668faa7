"""Which SDKs `make compat` tests with. Pure."""

import tomllib

import pytest

from tests.support.paths import REPOSITORY
from tools.compat import floor, sdk_requirement


def test_the_lowest_sdk_is_the_projects_floor() -> None:
    assert sdk_requirement(["pulumi-aws>=7.1,<8", "pulumi>=3.5.1,<4"]) == "pulumi>=3.5.1,<4"
    assert floor("pulumi>=3.5.1,<4") == "3.5.1"
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert floor(sdk_requirement(project["dependencies"]))


def test_a_requirement_without_a_floor_is_none_to_test_with() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        floor("pulumi<4")
