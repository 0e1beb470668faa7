"""A backend's URL means the same to the fleet and to each lab's engine, in whatever folder. Pure."""

from pathlib import Path

import pytest

from vmc_account_link.cli.environment import absolute_backend
from vmc_labs.spec.credentials import engine_environment
from vmc_labs.spec.reading import load_spec

FOLDER = Path("/work/a folder")


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("file://.", "file:///work/a%20folder"),
        ("file://./states", "file:///work/a%20folder/states"),
        ("file://states/x?no_tmp_dir=true", "file:///work/a%20folder/states/x?no_tmp_dir=true"),
        ("file://states?x=a/../b", "file:///work/a%20folder/states?x=a/../b"),
        ("file://../states", "file:///work/states"),
        ("file://~", "file:///home/ann"),
        ("file://~/states", "file:///home/ann/states"),
        ("file:///states/a%20b/", "file:///states/a%20b"),
        ("file://", "file:///work/a%20folder"),
        ("s3://bucket/./x?region=us-west-2", "s3://bucket/./x?region=us-west-2"),
        ("https://api.pulumi.com", "https://api.pulumi.com"),
        ("", ""),
    ],
)
def test_a_backend_is_absolute(monkeypatch: pytest.MonkeyPatch, url: str, absolute: str) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert absolute_backend(url, FOLDER) == absolute
    assert absolute_backend(absolute, Path("/elsewhere")) == absolute


@pytest.mark.parametrize(
    ("backend", "folder"), [("file://./states", "specs"), ("file://~/states", "home")], ids=["spec", "home"]
)
def test_a_specs_backend_is_relative_to_the_specs_folder_or_home(
    backend: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("elsewhere", "specs"):
        (tmp_path / name).mkdir()
    (tmp_path / "specs" / "spec.yaml").write_text(f"event: e\nbackend: {backend}\nlabs: [{{name: a}}]\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    spec = load_spec(Path("../specs/spec.yaml"), {"ORG_ID": "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"})
    assert spec.backend == f"file://{tmp_path}/{folder}/states"


def test_an_engines_environment_has_absolute_paths_and_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    given = {
        "PULUMI_CONFIG_PASSPHRASE_FILE": "phrase",
        "PULUMI_HOME": "/pulumi",
        "AWS_CONFIG_FILE": "~/config",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "",
        "API_TOKEN": "a",
        "CLIENT_SECRET": "b",
        "OTHER_TOKEN": "c",
    }
    made = engine_environment(given, token_variables=["OTHER_TOKEN"], backend="s3://b")
    assert {name: made.get(name) for name in given} == {
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "phrase"),
        "PULUMI_HOME": "/pulumi",
        "AWS_CONFIG_FILE": "/home/ann/config",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "",
        "API_TOKEN": None,
        "CLIENT_SECRET": None,
        "OTHER_TOKEN": None,
    }
    assert made["PULUMI_BACKEND_URL"] == "s3://b"
