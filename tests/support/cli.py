"""The command line in this process, led into a sandbox."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.environment import Sandbox
from vmc_account_link.cli.main import main


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command wrote."""

    code: int
    out: str
    err: str

    def lines(self) -> dict[str, dict[str, Any]]:
        """Name -> line, of a command that was run with --json."""
        assert self.out, self.err
        return {line["name"]: line for line in json.loads(self.out)["lines"]}


Command = Callable[..., Said]


def run_command(box: Sandbox, capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Run one command; whatever it writes holds neither a token nor a traceback."""
    capsys.readouterr()
    code = main(arguments)
    written = capsys.readouterr()
    tokens = (box.environment["API_TOKEN"], *box.world.tokens.issued())
    assert not [token for token in tokens if token in written.out + written.err]
    assert "Traceback" not in written.err
    return Said(code=code, out=written.out, err=written.err)
