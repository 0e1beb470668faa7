"""The whole sandbox: its environment, its folders, and that nothing of it outlives it."""

import os
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import requests

from sandbox import plugins
from sandbox.environment import Sandbox, ambient_names
from tests.sandbox.service import TIMEOUT_SECONDS

CONTRACT = {
    "VMC_URL", "CSP_URL", "ORG_ID", "API_TOKEN", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME",
    "PULUMI_PYTHON_CMD", "PATH",
}  # fmt: skip


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox.start() as running:
        yield running


def is_listening(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def test_environment_holds_what_the_contract_names(box: Sandbox) -> None:
    assert set(box.environment) >= CONTRACT
    assert box.environment["PULUMI_SKIP_UPDATE_CHECK"] == "1"


def test_environment_is_enough_to_make_a_link(box: Sandbox) -> None:
    environment = box.environment
    token = requests.post(
        f"{environment['CSP_URL']}/csp/gateway/am/api/auth/api-tokens/authorize",
        data={"refresh_token": environment["API_TOKEN"]},
        timeout=TIMEOUT_SECONDS,
    ).json()["access_token"]
    link = requests.get(
        f"{environment['VMC_URL']}/vmc/api/orgs/{environment['ORG_ID']}/account-link",
        headers={"csp-auth-token": token},
        timeout=TIMEOUT_SECONDS,
    ).json()
    assert [found.tracking_task for found in box.control.links()] == [link["tracking_task"]]


def test_aws_answers_and_is_journaled(box: Sandbox) -> None:
    box.control.clear_journal()
    requests.post(
        box.environment["AWS_ENDPOINT_URL"],
        data={"Action": "GetCallerIdentity", "Version": "2011-06-15"},
        timeout=TIMEOUT_SECONDS,
    )
    assert [entry.service for entry in box.control.journal()] == ["aws"]


def test_ambient_settings_do_not_reach_a_process_in_the_sandbox(box: Sandbox) -> None:
    ambient = {
        "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_STS": "http://elsewhere",
        "PULUMI_ACCESS_TOKEN": "t", "CLIENT_ID": "c", "API_TOKEN": "mine", "HTTPS_PROXY": "http://proxy",
        "HOME": "/home/me", "PULUMI_DEBUG_COMMANDS": "1",
    }  # fmt: skip
    environment = box.process_environment(ambient)
    left = {name for name in ambient if environment.get(name) == ambient[name]}
    assert left == {"HTTPS_PROXY", "HOME", "PULUMI_DEBUG_COMMANDS"}
    assert environment["API_TOKEN"] == box.environment["API_TOKEN"]
    assert "127.0.0.1" in environment["NO_PROXY"].split(",")


def test_ambient_names_are_those_that_could_lead_out() -> None:
    assert ambient_names({"HOME": "", "VMC_URL": "", "AWS_PROFILE": ""}) == ("AWS_PROFILE", "VMC_URL")


def test_each_sandbox_has_its_own_recognisable_credentials(box: Sandbox) -> None:
    with Sandbox.start() as other:
        tokens = {running.environment["API_TOKEN"] for running in (box, other)}
        assert other.environment["ORG_ID"] != box.environment["ORG_ID"]
    assert len(tokens) == 2
    assert all(token.startswith("sandbox-api-token-") for token in tokens)


def test_stopped_sandbox_leaves_no_port_and_no_folder() -> None:
    box = Sandbox.start()
    urls = [box.environment[name] for name in ("VMC_URL", "AWS_ENDPOINT_URL")]
    assert [is_listening(url) for url in urls] == [True, True]
    box.control.modes()
    box.stop()
    box.stop()
    assert [is_listening(url) for url in urls] == [False, False]
    assert not box.folder.exists()


def test_given_folder_is_used_and_kept(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path / "kept") as box:
        state = urllib.parse.urlsplit(box.environment["PULUMI_BACKEND_URL"]).path
    assert Path(state).is_dir()
    assert Path(state).parent == tmp_path / "kept"


def test_failed_start_leaves_no_server_behind(tmp_path: Path) -> None:
    (tmp_path / "aws").write_text("a file where a folder is needed")
    before = set(threading.enumerate())
    with pytest.raises(FileExistsError):
        Sandbox.start(tmp_path)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("seconds", "build", "delay"), [(None, "plugins", None), (0.25, "quick", "250ms")], ids=["plain", "quick"]
)
def test_the_aws_provider_is_linked_where_the_engine_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float | None, build: str, delay: str | None
) -> None:
    name = f"resource-aws-v{version('pulumi_aws')}"
    for one in ("plugins", "quick"):
        (tmp_path / "engine" / one / name).mkdir(parents=True)
        (tmp_path / "engine" / one / name / "pulumi-resource-aws").write_text(one)
    monkeypatch.setattr(plugins, "_ENGINE", tmp_path / "engine")
    with Sandbox.start(tmp_path / "box", first_poll_seconds=seconds) as box:
        plugin = Path(box.environment["PULUMI_HOME"]) / "plugins" / name
        assert [(file.name, file.read_text()) for file in plugin.iterdir()] == [
            ("pulumi-resource-aws", build)
        ]
        assert box.environment.get(plugins.POLL_VARIABLE) == delay


def test_a_language_host_is_linked_where_the_engine_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = tmp_path / "engine" / "plugins" / "language-yaml-v1.2.3" / "pulumi-language-yaml"
    host.parent.mkdir(parents=True)
    host.touch()
    monkeypatch.setattr(plugins, "_ENGINE", tmp_path / "engine")
    with Sandbox.start(tmp_path / "box") as box:
        installed = Path(box.environment["PULUMI_HOME"]) / "plugins"
        assert [file.relative_to(installed) for file in installed.rglob("pulumi-*")] == [
            Path("language-yaml-v1.2.3/pulumi-language-yaml")
        ]


def test_without_a_provider_in_the_repository_the_engine_finds_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_ENGINE", tmp_path / "engine")
    with Sandbox.start(tmp_path / "box", first_poll_seconds=0.25) as box:
        assert not (Path(box.environment["PULUMI_HOME"]) / "plugins").exists()


def test_profile_of_the_machines_user_is_hidden_until_the_sandbox_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    with Sandbox.start():
        assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_PROFILE"] == "work"
