"""The commands and their options; what they do is in `commands`, which is loaded when one runs."""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import click

from vmc_account_link.cli.options import Group, all_of, force_option, lost_host_option

_NAME = "vmc-account-link"
_cwd_option = click.option(
    "--cwd", default=".", metavar="FOLDER", help="The folder of the Pulumi project; default: this one."
)
_component_option = click.option(
    "--component", metavar="NAME", help="Which AccountLink of the Pulumi state, if it holds several."
)
_common_options = all_of(
    click.option("--json", is_flag=True, help="As JSON."),
    _cwd_option,
    click.option("--stack", metavar="NAME", help="The Pulumi stack; default: the selected one."),
    click.option(
        "--no-project", is_flag=True, help="Take nothing from a Pulumi stack: options and environment only."
    ),
    click.option("--stack-name", metavar="NAME", help="The CloudFormation stack (config stackName)."),
    click.option("--region", metavar="REGION", help="Of the CloudFormation stack (config region)."),
    click.option(
        "--profile",
        metavar="NAME",
        help="The AWS profile; default: as the state's AWS provider, else config aws:*, else AWS_PROFILE.",
    ),
)


@click.group(
    _NAME,
    cls=Group,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version(_NAME), message="%(version)s")
def command_line() -> None:
    """Look at an account link: before it is made, at its template, and as it is. Recover after a crash."""


@command_line.command(epilog="Exit code 1: the policy refuses the template, or it is not one.")
@click.argument("file", required=False)
@_component_option
@click.option(
    "--allow-type", multiple=True, metavar="TYPE", help="A resource type that the policy allows (Custom::*)."
)
@click.option(
    "--trust-account",
    multiple=True,
    metavar="ID",
    help="An AWS account that the policy trusts, 12 digits.",
)
@_common_options
def inspect(**options: Any) -> int:
    """Say what a template creates, whom it trusts and what it runs.

    FILE is a template, JSON or YAML; default: that of the link in the Pulumi stack.
    """
    return _run("inspect", options)


@command_line.command(epilog="Exit code 1: at least one line fails.")
@click.option("--existing", is_flag=True, help="For a link that exists (config link: existing).")
@click.option("--subnet-region", metavar="REGION", help="Of the SDDCs (config subnetRegion, else region).")
@click.option("--aws-account-id", metavar="ID", help="The expected account (config awsAccountId).")
@click.option(
    "--iam-policy",
    is_flag=True,
    help="Only print, as JSON, the IAM policy that linking needs; no service is asked.",
)
@_common_options
def doctor(**options: Any) -> int:
    """Say whether everything is ready for the first link: token, AWS account, what is in the way."""
    return _run("doctor", options)


@command_line.command(epilog="Exit code 1: at least one line fails.")
@_component_option
@click.option(
    "--aws-account-id", metavar="ID", help="Show this account's link, whatever the Pulumi state holds."
)
@click.option("--task", metavar="ID", help="With --aws-account-id: the service's task.")
@click.option(
    "--shapes",
    metavar="FILE",
    help="Write what the service answers to FILE, for a report: keys, kinds, lengths, hosts; no values.",
)
@_common_options
def status(**options: Any) -> int:
    """Show one link: request, CloudFormation stack, task, record, roles, SDDCs.

    It is the link in the Pulumi stack's state, or the one that the options name.
    """
    return _run("status", options)


@command_line.command(epilog="Exit code 1: it is still linked; the reason is shown.")
@click.option(
    "--aws-account-id", metavar="ID", help="Whose link; default: the account of the AWS credentials."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common_options
def unlink(**options: Any) -> int:
    """Remove the record of a link that no Pulumi stack holds, such as an orphan.

    Shows what it is and what is left of it in AWS, and asks. Refused while SDDCs use the link.
    """
    return _run("unlink", options)


@command_line.command(epilog="Exit code 1: it could not be done; the reason is shown.")
@click.option("--stack", required=True, metavar="NAME", help="The Pulumi stack.")
@_cwd_option
@lost_host_option
@force_option
def recover(**options: Any) -> int:
    """Repair one Pulumi stack after a crash.

    Finds out what became of interrupted work. Keeps a copy of the earlier state.
    """
    return _run("recover", options)


def _run(command: str, options: dict[str, Any]) -> int:
    # Here, because it loads the Pulumi SDK: `--help` should not wait for it.
    from vmc_account_link.cli import commands  # noqa: PLC0415

    run = {
        "inspect": commands.run_inspect,
        "doctor": commands.run_doctor,
        "status": commands.run_status,
        "unlink": commands.run_unlink,
        "recover": commands.run_recover,
    }[command]
    return run(SimpleNamespace(**options))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Raises:
        SystemExit: 2, the command line makes no sense; it has been said why.
    """
    try:
        code: int = command_line.main(arguments, prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except click.Abort:
        return 130
    return code
