"""`python -m tools.bytecode`: have Python keep the bytecode of what the project's processes import.

It does so by itself at their first start, unless `PYTHONDONTWRITEBYTECODE` says not to; installers other than
uv compile what they install for this reason.
"""

import contextlib
import importlib
import io
import runpy
import sys

_MODULES = (
    # `pulumi up`: the program and the dynamic provider, at rest and in conversation with the service.
    "pulumi.dynamic",
    "vmc_account_link.account_link",
    "vmc_account_link.existing_account",
    "vmc_account_link.compatible_subnets",
    "vmc_account_link.intrinsics",
    "vmc_account_link.transport",
    # The command lines.
    "vmc_account_link.cli.main",
    "labs.__main__",
    "labs.commands.up",
    # The sandbox, and its stand-in for the AWS plugin.
    "sandbox.__main__",
    "sandbox.server",
    "sandbox.aws_plugin.provider",
)


def main() -> None:
    """Import them all, and list packages as the engine's language host does."""
    for name in _MODULES:
        importlib.import_module(name)
    sys.argv = ["pip", "list", "-v", "--format", "json", "--disable-pip-version-check"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        runpy.run_module("pip", run_name="__main__")


if __name__ == "__main__":
    main()
