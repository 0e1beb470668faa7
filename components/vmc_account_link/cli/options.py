"""What the two command lines share: options, each described once, and commands that take no empty value."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

lost_host_option: Decorator = click.option(
    "--lost-host",
    "lost_hosts",
    multiple=True,
    metavar="HOST",
    help="A machine that is gone for good: locks of its processes are removed; may be repeated.",
)
force_option: Decorator = click.option(
    "--force",
    is_flag=True,
    help="Remove a lock even if its owner may be alive: only where nobody works on the Pulumi stack.",
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
            name, separator, value = argument.partition("=")
            if not argument.strip() or (name.startswith("--") and separator and not value.strip()):
                option = (
                    name
                    if separator
                    else args[index - 1]
                    if index and args[index - 1].startswith("-")
                    else ""
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
