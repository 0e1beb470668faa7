"""The command line in this process, led into a sandbox of the test's own."""

import dataclasses
import importlib.util
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sandbox.environment import Sandbox, ambient_names
from vmc_account_link.cli.main import main


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command wrote."""

    code: int
    out: str
    err: str

    def lines(self) -> dict[str, dict[str, Any]]:
        """Name -> line, of a command that was run with --json."""
        return {line["name"]: line for line in json.loads(self.out)["lines"]}


UNANSWERED = set() if importlib.util.find_spec("sandbox.vmc.subnet_routes") else {"SDDCs"}
"""Lines whose call the emulated service does not answer yet: a 404, which is no answer, so the line fails."""

Command = Callable[..., Said]


@pytest.fixture
def command(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> Command:
    """Runs a command in an empty folder, in the sandbox's environment."""
    import os  # noqa: PLC0415 - only its names are read here

    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        written = capsys.readouterr()
        tokens = (box.environment["API_TOKEN"], *box.world.tokens.issued())
        assert not [token for token in tokens if token in written.out + written.err]
        assert "Traceback" not in written.err
        return Said(code=code, out=written.out, err=written.err)

    return run


@pytest.fixture
def aws(box: Sandbox) -> Callable[..., Any]:
    """A boto3 client of a service in the sandbox."""

    def client(service: str, region: str = "us-west-2") -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=box.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=box.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=box.environment["AWS_SECRET_ACCESS_KEY"],
        )

    return client
