"""One command and its exit code. 0: as it should be. 1: not. 2: the request itself is wrong."""

import sys
from collections.abc import Sequence

from vmc_account_link.cli import environment, output
from vmc_account_link.errors import CommandFailed, RequestError, TemplateRejected, VmcError
from vmc_account_link.internal_errors import internal_errors

_OF_THE_EXTRA = {"boto3", "botocore", "click", "jwt", "psutil"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    output.make_writable()
    environment.prepare_process()
    try:
        with internal_errors(" ".join(["vmc-account-link", *given[:1]])):
            return _run(given)
    except (VmcError, CommandFailed) as error:
        output.complain(error)
        is_an_answer = isinstance(error, TemplateRejected | CommandFailed)
        return 1 if is_an_answer and not isinstance(error, RequestError) else 2


def _run(arguments: list[str]) -> int:
    try:
        from vmc_account_link.cli import command_line  # noqa: PLC0415 - click is of the extra [cli]

        return command_line.run(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        raise VmcError(
            f"import {error.name}", "it is not installed", "Run `pip install 'vmc-account-link[cli]'`."
        ) from None
