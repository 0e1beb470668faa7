"""`python -m labs COMMAND`: parse, call one command, map its result to an exit code.

0: as asked. 1: not. 2: the request itself is wrong and nothing was touched.
"""

import sys
from pathlib import Path

import click

from labs.commands import recover as recover_command
from labs.errors import LabsError, RequestError


@click.group()
def labs() -> None:
    """Raise, watch and take down labs that are linked to VMware Cloud on AWS."""


@labs.command()
@click.option("--stack", required=True, help="The Pulumi stack to put right.")
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="this folder",
    help="The folder of its Pulumi.yaml.",
)
@click.option(
    "--lost-host",
    "lost_hosts",
    multiple=True,
    metavar="HOST",
    help="A machine that is gone for good: a lock of its processes is removed.",
)
def recover(stack: str, project: Path, lost_hosts: tuple[str, ...]) -> None:
    """After a crash: find out what became of what was under way, and put the state right."""
    request = recover_command.RecoverRequest(stack=stack, folder=project, lost_hosts=lost_hosts)
    recover_command.run(request, tell=click.echo)


def main() -> int:
    """Run the command line and return the exit code."""
    try:
        result = labs.main(standalone_mode=False, prog_name="python -m labs")
    except click.ClickException as error:
        error.show()
        return 2
    except RequestError as error:
        click.echo(f"error: {error}", err=True)
        return 2
    except LabsError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except click.Abort:
        return 130
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
