"""Puts the stand-in where the engine looks for the AWS plugin."""

import shlex
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_LAUNCHER = """#!/bin/sh
# Written by sandbox/aws_plugin/install.py.
PYTHONPATH={checkout}${{PYTHONPATH:+:$PYTHONPATH}}
export PYTHONPATH
exec {python} -m sandbox.aws_plugin "$@"
"""


def install(pulumi_home: Path) -> None:
    """Write the launcher under `pulumi_home`; an earlier one is replaced in one step.

    Raises:
        OSError: the folder can't be written.
    """
    folder = pulumi_home / "plugins" / f"resource-aws-v{version('pulumi_aws')}"
    folder.mkdir(parents=True, exist_ok=True)
    text = _LAUNCHER.format(checkout=shlex.quote(str(_CHECKOUT)), python=shlex.quote(sys.executable))
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".launcher-", delete=False) as file:
        file.write(text)
    written = Path(file.name)
    written.chmod(0o755)
    written.replace(folder / "pulumi-resource-aws")
