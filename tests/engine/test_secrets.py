"""No secret in plaintext: not in the state, not in the output, not in any process's arguments. All real."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.engine


@contextmanager
def watched_arguments() -> Iterator[set[str]]:
    """Collect the command lines of all processes of this machine while the body runs."""
    command_lines: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in psutil.process_iter(["cmdline"]):
                command_lines.add(" ".join(process.info["cmdline"] or ()))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield command_lines
    finally:
        over.set()
        watcher.join()


def written_text(folder: Path) -> str:
    """Everything that stands in any file below `folder`."""
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "way", ["configuration", "OAuth app", pytest.param("environment", marks=pytest.mark.whole)]
)
def test_no_secret_is_in_plaintext_in_state_output_or_arguments(lab: Lab, way: str) -> None:
    credentials = lab.box.world.tokens.credentials
    if way == "configuration":
        lab.environment["API_TOKEN"] = ""
        lab.set({"vmc:refreshToken": credentials.api_token}, secret=True)
    if way == "OAuth app":
        lab.environment["API_TOKEN"] = ""
        lab.set({"vmc:clientId": credentials.client_id})
        lab.set({"vmc:clientSecret": credentials.client_secret}, secret=True)
    lab.control.set_modes(task_seconds=2.0)

    with watched_arguments() as arguments:
        output = lab.up().output + lab.up("--refresh", "--diff").output
        output += lab.must("stack", "output").output + lab.must("stack", "export").output

    (link,) = lab.control.links()
    query = link.template_url.partition("?")[2]
    secrets = {
        "the API token": credentials.api_token,
        "the client secret": credentials.client_secret,
        "the template URL's query": query,
        "an AWS secret key": lab.box.environment["AWS_SECRET_ACCESS_KEY"],
        "the template": "AWSTemplateFormatVersion",
    } | {f"access token {n}": token for n, token in enumerate(lab.box.world.tokens.issued())}
    assert any(name.startswith("access token") for name in secrets)
    state = written_text(lab.box.folder / "state") + written_text(lab.box.folder / "pulumi-home" / "logs")
    state += "".join(path.read_text() for path in lab.folder.glob("Pulumi.*yaml"))
    assert "pulumi-python:dynamic/vmc-account-link:LinkRequest" in state
    assert any("pulumi.dynamic" in line for line in arguments)
    for name, secret in secrets.items():
        assert secret not in state, f"{name} is in the state"
        assert secret not in output, f"{name} is in the output"
        assert not any(secret in line for line in arguments), f"{name} is in a process's arguments"
