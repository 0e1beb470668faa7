"""Options that several commands share, each described once; and what they stand for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

spec_argument: Decorator = click.argument(
    "spec", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="SPEC"
)
only_option: Decorator = click.option(
    "--only",
    multiple=True,
    metavar="LAB[,LAB…]",
    help="Only these labs; `*` and `?` as in a shell. May be repeated.",
)
failed_option: Decorator = click.option("--failed", is_flag=True, help="Only the labs whose last run failed.")
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
parallel_option: Decorator = click.option(
    "--parallel",
    type=click.IntRange(1, 500),
    metavar="N",
    help="How many labs at a time; default: the spec's `limits`, else by this machine's memory and cores.",
)
log_dir_option: Decorator = click.option(
    "--log-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where each lab's log is; default: the event's folder below the user's state folder.",
)
yes_option: Decorator = click.option("--yes", "-y", is_flag=True, help="Do it without asking.")
lost_host_option: Decorator = click.option(
    "--lost-host",
    "lost_hosts",
    multiple=True,
    metavar="HOST",
    help="A machine that is gone for good: a lock of its processes is removed.",
)
force_option: Decorator = click.option(
    "--force",
    is_flag=True,
    help="Remove a lock whose holder may be alive for all that can be known here: nobody works on the stack.",
)


class _Command(click.Command):
    """A command that takes an empty argument for what it is: a variable that is not set."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, none of which may be empty.

        Raises:
            click.UsageError: one is. It would be taken for something else than was meant: every lab, this
                machine, the default place.
        """
        for index, argument in enumerate(args):
            name, mark, value = argument.partition("=")
            if not argument.strip() or (name.startswith("--") and mark and not value.strip()):
                option = (
                    name if mark else args[index - 1] if index and args[index - 1].startswith("-") else ""
                )
                of = f" for {option}" if option else ""
                raise click.UsageError(f"an empty value{of}: is a variable unset?", ctx)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """The group of the commands."""

    command_class = _Command


def all_of(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, shown by `--help` in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate
