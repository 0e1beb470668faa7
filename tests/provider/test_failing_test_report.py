"""A test of somebody's program that fails in our code: what pytest prints of the frames it went through.

Real: pytest in a process of its own, with every frame and its arguments; the emulated service.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox

PLANTED = "planted-api-token-0b1d7e"
PROGRAM = """\
import os
from vmc_account_link.api.client import VmcClient
from vmc_account_link.settings import read_settings
from vmc_account_link.template.source import check_source

def client():
    return VmcClient(read_settings(lambda _: None, os.environ))

def test_a_credential_is_refused(monkeypatch):
    monkeypatch.setenv(*os.environ["WRONG"].split("="))
    with client() as vmc:
        vmc.list_connected_accounts()

def test_the_service_refuses():
    with client() as vmc:
        vmc.list_connected_accounts()

def test_the_template_comes_from_elsewhere():
    with client() as vmc:
        check_source(vmc.request_link().template_url, service_url="https://vmc.example")

def test_the_template_is_not_given():
    with client() as vmc:
        vmc.download_template(vmc.request_link().template_url)
"""


@pytest.mark.parametrize("way", ["API token", "OAuth app"])
def test_it_shows_no_token_secret_or_signature(
    box: Sandbox, control: SandboxControl, tmp_path: Path, way: str
) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=403, body="empty", count=10)
    control.plan_fault("template", "download-template", "status", status=403, body="empty", count=10)
    credentials = box.world.tokens.credentials
    app = {"CLIENT_ID": credentials.client_id, "CLIENT_SECRET": credentials.client_secret}
    given = {"API_TOKEN": credentials.api_token} if way == "API token" else app
    environment = {**box.process_environment(), "API_TOKEN": "", **given}
    wrong = "API_TOKEN" if way == "API token" else "CLIENT_SECRET"
    (tmp_path / "test_program.py").write_text(PROGRAM)
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "--tb=long", "-p", "no:cacheprovider", str(tmp_path)],
        env={**environment, "WRONG": f"{wrong}={PLANTED}"}, cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=60,
    ).stdout  # fmt: skip
    assert "4 failed" in said, said
    assert "in _attempt" in said or "def _attempt" in said, "the frames are shown"
    assert len(control.links()) == 2
    queries = [link.template_url.partition("?")[2] for link in control.links()]
    secrets = [
        PLANTED,
        credentials.api_token,
        credentials.client_secret,
        *box.world.tokens.issued(),
        *queries,
    ]
    assert all(secrets)
    assert not [secret for secret in secrets if secret in said], said
