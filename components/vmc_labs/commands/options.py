"""Options that several commands share, each described once; and what they stand for."""

from pathlib import Path

import click

from vmc_account_link.cli.options import Decorator

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
