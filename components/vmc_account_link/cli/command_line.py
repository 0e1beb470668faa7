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
    click.option("--json", is_flag=True, help="Print JSON."),
    _cwd_option,
    click.option("--stack", metavar="NAME", help="The Pulumi stack; default: the selected one."),
    click.option(
        "--no-project",
        is_flag=True,
        help="Take nothing from a Pulumi stack, only from options and environment.",
    ),
    click.option("--stack-name", metavar="NAME", help="The CloudFormation stack's name (config stackName)."),
    click.option("--region", metavar="REGION", help="The CloudFormation stack's region (config region)."),
    click.option(
        "--profile",
        metavar="NAME",
        help="The AWS profile; default: that of the Pulumi state, else of config aws:*, else AWS_PROFILE.",
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
    """Check a link before `pulumi up` makes it, inspect its template, show it, recover after a crash."""


@command_line.command(epilog="Exit code 1: the policy refuses the template, or it is not one.")
@click.argument("file", required=False)
@_component_option
@click.option(
    "--allow-type",
    multiple=True,
    metavar="TYPE",
    help="A resource type that the policy allows, such as Custom::*; may be repeated.",
)
@click.option(
    "--trust-account",
    multiple=True,
    metavar="ID",
    help="An AWS account that the policy trusts, 12 digits; may be repeated.",
)
@_common_options
def inspect(**options: Any) -> int:
    """Show what a template creates, whom it trusts and what it runs.

    FILE is a template, JSON or YAML; default: the one of the link in the Pulumi state.
    """
    return _run("inspect", options)


@command_line.command(epilog="Exit code 1: at least one line fails.")
@click.option(
    "--existing", is_flag=True, help="Check what the use of an existing link needs (config link: existing)."
)
@click.option(
    "--subnet-region", metavar="REGION", help="The SDDCs' region; default: config subnetRegion, else region."
)
@click.option("--aws-account-id", metavar="ID", help="The account that is expected (config awsAccountId).")
@click.option(
    "--iam-policy",
    is_flag=True,
    help="Only print the IAM policy that linking needs, as JSON; nothing is checked.",
)
@_common_options
def doctor(**options: Any) -> int:
    """Check whether everything is ready for a link.

    Reads settings, token, organisation, AWS account, region, subnets, permissions and quotas; changes
    nothing.
    """
    return _run("doctor", options)


@command_line.command(epilog="Exit code 1: at least one line fails.")
@_component_option
@click.option(
    "--aws-account-id", metavar="ID", help="Show this account's link instead of the one in the Pulumi state."
)
@click.option("--task", metavar="ID", help="With --aws-account-id: the id of the link's task.")
@click.option(
    "--shapes",
    metavar="FILE",
    help="Write the form of the service's answers to FILE, for a report: keys, kinds, hosts; no values.",
)
@_common_options
def status(**options: Any) -> int:
    """Show one link from all sides.

    That is its request, CloudFormation stack, task, record, roles and SDDCs. It is the link in the Pulumi
    state, or the one that the options name.
    """
    return _run("status", options)


@command_line.command(epilog="Exit code 1: the account is still linked; the reason is shown.")
@click.option(
    "--aws-account-id", metavar="ID", help="The linked account; default: that of the AWS credentials."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common_options
def unlink(**options: Any) -> int:
    """Remove the record of a link that no Pulumi stack holds.

    Shows the record and what is left of it in AWS, then asks. Refused while SDDCs use the link.
    """
    return _run("unlink", options)


@command_line.command(epilog="Exit code 1: it was not repaired; the reason is shown.")
@click.option("--stack", required=True, metavar="NAME", help="The Pulumi stack.")
@_cwd_option
@lost_host_option
@force_option
def recover(**options: Any) -> int:
    """Repair one Pulumi stack after a crash.

    Finds out what became of interrupted work, and keeps a copy of the earlier state.
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
