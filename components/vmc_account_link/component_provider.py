"""Serves `AccountLink` to programs in any Pulumi language: `python -m vmc_account_link.component_provider`.

The engine starts it for a program that uses the package `vmc-account-link`, with its own address as argument,
and reads the port from standard output. The SDK has `component_provider_host` for this; that one ignores an
input that it does not know, and answers a refusal with a traceback (ADR 0024).
"""

import argparse
import asyncio
import contextlib
import difflib
import functools
import importlib.resources
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import grpc
import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.runtime.proto import provider_pb2_grpc

from vmc_account_link.account_link import AccountLink
from vmc_account_link.args import AccountLinkArgs, drop_unset, validate_args
from vmc_account_link.errors import SettingsError
from vmc_account_link.resource_types import ACCOUNT_LINK, PACKAGE
from vmc_account_link.sdk_private import CHANNEL_OPTIONS, ComponentServicer
from vmc_account_link.settings import setting_key

_ASK_VERSION = f"import importlib.metadata as m; print(m.version({PACKAGE!r}))"
_INTERPRETER_SECONDS = 60.0
_MEND = f"Add to Pulumi.yaml, below `runtime:` and its `name`: `options: {{virtualenv: {sys.prefix}}}`."


class ComponentProvider(Provider):
    """What the engine asks for: the package's schema, and an `AccountLink` for a program's inputs."""

    def __init__(self, schema: str, dynamic_python: tuple[str, ...], *, named: bool = True) -> None:
        """Take the package's schema, the dynamic resources' interpreter, and whether Pulumi.yaml names it."""
        described = json.loads(schema)
        super().__init__(described["version"], schema)
        self._link = described["resources"][ACCOUNT_LINK]
        self._dynamic_python = dynamic_python
        self._named = named

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Declare the link.

        Raises:
            SettingsError: an input is wrong, or the dynamic resources can't be served.
        """
        if resource_type != ACCOUNT_LINK:
            raise SettingsError(resource_type, f"{PACKAGE} has no such resource", f"Use {ACCOUNT_LINK}.")
        args = read_inputs(inputs, self._link["inputProperties"])
        require_version(str(self.version), self._dynamic_python)
        link = AccountLink(name, args, options)
        if not self._named:
            pulumi.log.warn(
                f"the link's resources run in {' '.join(self._dynamic_python)}, which Pulumi.yaml does not "
                f"name: in a shell without it `pulumi destroy` says \"No module named 'pulumi'\". {_MEND}",
                link,
            )
        outputs = {setting_key(output): getattr(link, output) for output in AccountLink.__annotations__}
        return ConstructResult(link.urn, outputs)


def read_inputs(inputs: pulumi.Inputs, described: Mapping[str, Any]) -> AccountLinkArgs:
    """The component's arguments for what a program gave, validated under the names that it wrote.

    Args:
        inputs: camelCase name -> value; an Output where it is secret or not known beforehand.
        described: the inputs as the package's schema describes them.

    Raises:
        SettingsError: an input does not exist, can't have its value, or conflicts with another one.
    """
    arguments = {setting_key(argument): argument for argument in AccountLinkArgs.__annotations__}
    given: dict[str, Any] = {}
    for key, value in inputs.items():
        if key not in described:
            (nearest,) = difflib.get_close_matches(key, described, n=1, cutoff=0)
            raise SettingsError(key, "AccountLink has no such input", f"Use {nearest}, or remove it.")
        if described[key].get("plain") and isinstance(value, pulumi.Output):
            raise SettingsError(key, "it is an output or a secret", "Set a value that is known beforehand.")
        given[arguments[key]] = value
        if described[key].get("type") == "integer" and isinstance(value, float) and value.is_integer():
            given[arguments[key]] = int(value)  # The engine's numbers are floats.
    args = drop_unset(cast("AccountLinkArgs", given))
    validate_args(args, setting_key)
    return cast("AccountLinkArgs", args)


def dynamic_python(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The interpreter that the engine starts for dynamic resources.

    Source: the SDK's script `pulumi-resource-pulumi-python` (3.274). It gets the options of the program's
    runtime as PULUMI_RUNTIME_*, and so does this process.
    """
    return _named_python(environ) or (environ.get("PULUMI_PYTHON_CMD") or "python3",)


def is_named(environ: Mapping[str, str]) -> bool:
    """Whether Pulumi.yaml names that interpreter. On `destroy` no program runs that could miss it."""
    return _named_python(environ) is not None


def _named_python(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    toolchain = environ.get("PULUMI_RUNTIME_TOOLCHAIN")
    virtualenv = environ.get("PULUMI_RUNTIME_VIRTUALENV") or (".venv" if toolchain == "uv" else None)
    if virtualenv:
        return (str(Path.cwd() / virtualenv / "bin" / "python"),)
    return ("poetry", "run", "python") if toolchain == "poetry" else None


@functools.cache
def require_version(version: str, python: tuple[str, ...]) -> None:
    """Find out whether the dynamic resources will be served by this version of the package.

    Raises:
        SettingsError: their interpreter is missing, or has none of the package, or another version.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the engine is about to start
            [*python, "-c", _ASK_VERSION], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_INTERPRETER_SECONDS, check=True,
        )  # fmt: skip
    except OSError:
        problem = "which is not there"
    except subprocess.SubprocessError:
        problem = f"where {PACKAGE} is not installed"
    else:
        if done.stdout.strip() == version:
            return
        problem = f"where {PACKAGE} is {done.stdout.strip()}, and here {version}"
    raise SettingsError(
        "the interpreter of the link's resources",
        f"it is {' '.join(python)}, {problem}",
        _MEND,
    )


async def _serve(engine: str) -> None:
    schema = importlib.resources.files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    provider = ComponentProvider(schema, dynamic_python(os.environ), named=is_named(os.environ))
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ComponentServicer(provider, [], engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def main() -> None:
    """Serve the engine until it ends this process."""
    parser = argparse.ArgumentParser(prog=f"pulumi-resource-{PACKAGE}")
    parser.add_argument("engine", help="the engine's address")
    known, _ = parser.parse_known_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(known.engine))


if __name__ == "__main__":
    main()
