"""Options, one command, exit code. 0: as it should be. 1: not. 2: the request itself is wrong.

argparse: four commands need no more, and the package has no CLI library to bear for it.
"""

import argparse
import functools
from collections.abc import Sequence
from importlib.metadata import version

from vmc_account_link.cli import output
from vmc_account_link.errors import CommandFailed, RequestError, TemplateRejected, VmcError
from vmc_account_link.internal_errors import internal_errors

_DESCRIPTION = (
    "Look at an account link: before it is made, at its template, and as it is. Recover after a crash."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    options = command_line().parse_args(arguments)
    try:
        with internal_errors(f"vmc-account-link {options.command}"):
            return _run(options)
    except (VmcError, CommandFailed) as error:
        output.complain(error)
        is_an_answer = isinstance(error, TemplateRejected | CommandFailed)
        return 1 if is_an_answer and not isinstance(error, RequestError) else 2
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    try:
        # Here, because these load the Pulumi SDK: `--help` should not wait for it.
        from vmc_account_link.cli import commands  # noqa: PLC0415

        run = {
            "inspect": commands.run_inspect,
            "doctor": commands.run_doctor,
            "status": commands.run_status,
            "recover": commands.run_recover,
        }[options.command]
        return run(options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"boto3", "botocore", "jwt", "psutil"}:
            raise
        raise VmcError(
            f"import {error.name}", "it is not installed", "Run `pip install 'vmc-account-link[cli]'`."
        ) from None


def command_line(width: int | None = None) -> argparse.ArgumentParser:
    """All options, in columns of `width`; None: of the terminal's."""
    looks = functools.partial(argparse.HelpFormatter, width=width)
    parser = argparse.ArgumentParser(prog="vmc-account-link", description=_DESCRIPTION, formatter_class=looks)
    parser.add_argument("--version", action="version", version=version("vmc-account-link"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common, aws = _common(), _aws()
    inspect = commands.add_parser(
        "inspect",
        parents=[common, aws],
        formatter_class=looks,
        help="what a template makes, whom it lets in, what runs",
        description="Say what a template makes. By default: that of the stack's link.",
        epilog="Exit code 1: the policy refuses the template, or it is none.",
    )
    inspect.add_argument("file", nargs="?", metavar="FILE", help="a template, JSON or YAML")
    inspect.add_argument(
        "--component", metavar="NAME", help="which AccountLink of the state, if it holds several"
    )
    inspect.add_argument(
        "--allow-type",
        action="append",
        metavar="TYPE",
        help="a resource type that the policy allows (Custom::*)",
    )
    inspect.add_argument(
        "--trust-account",
        action="append",
        metavar="ID",
        help="an AWS account that the policy trusts, 12 digits",
    )
    doctor = commands.add_parser(
        "doctor",
        parents=[common, aws],
        formatter_class=looks,
        help="whether everything is ready for the first link",
        description="Look at the token, the AWS account and what is in the way of a link.",
        epilog="Exit code 1: at least one line fails.",
    )
    doctor.add_argument(
        "--existing", action="store_true", help="for a link that exists (config link: existing)"
    )
    doctor.add_argument(
        "--subnet-region", metavar="REGION", help="of the SDDCs (config subnetRegion, else region)"
    )
    doctor.add_argument("--aws-account-id", metavar="ID", help="the wanted account (config awsAccountId)")
    status = commands.add_parser(
        "status",
        parents=[common, aws],
        formatter_class=looks,
        help="one link: request, stack, task, record, roles, SDDCs",
        description="Look at the link in the Pulumi stack's state, or at the one that the flags name.",
        epilog="Exit code 1: at least one line fails.",
    )
    status.add_argument(
        "--component", metavar="NAME", help="which AccountLink of the state, if it holds several"
    )
    status.add_argument(
        "--aws-account-id", metavar="ID", help="look at this account's link, whatever the state"
    )
    status.add_argument("--task", metavar="ID", help="with --aws-account-id: the service's task")
    recover = commands.add_parser(
        "recover",
        formatter_class=looks,
        help="after a crash: find out what became of what was under way, and put the state right",
        description="Put one Pulumi stack right after a crash. Keeps a copy of the state from before.",
        epilog="Exit code 1: it could not be done, and says why.",
    )
    recover.add_argument("--stack", required=True, type=_not_empty, metavar="NAME", help="the Pulumi stack")
    recover.add_argument("--cwd", default=".", metavar="FOLDER", help="the folder of the Pulumi project")
    recover.add_argument(
        "--lost-host",
        action="append",
        type=_not_empty,
        default=[],
        metavar="HOST",
        help="a machine that is gone for good: a lock of its is removed",
    )
    recover.add_argument(
        "--force",
        action="store_true",
        help="remove the stack's lock also where its owner may be alive, for all that can be known",
    )
    return parser


def _not_empty(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: is a variable unset?")
    return text


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="as JSON")
    common.add_argument("--cwd", default=".", metavar="FOLDER", help="the folder of the Pulumi project")
    common.add_argument("--stack", metavar="NAME", help="the Pulumi stack; default: the selected one")
    common.add_argument(
        "--no-project",
        action="store_true",
        help="take nothing from a Pulumi stack: options and environment only",
    )
    return common


def _aws() -> argparse.ArgumentParser:
    aws = argparse.ArgumentParser(add_help=False)
    aws.add_argument("--stack-name", metavar="NAME", help="the CloudFormation stack (config stackName)")
    aws.add_argument("--region", metavar="REGION", help="of the CloudFormation stack (config region)")
    aws.add_argument(
        "--profile", metavar="NAME", help="the AWS profile (config aws:profile, else AWS_PROFILE)"
    )
    return aws
