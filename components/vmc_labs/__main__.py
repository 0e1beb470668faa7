"""`vmc-labs COMMAND`: parse, call one command, map its result to an exit code.

0: every lab is as it should be. 1: at least one is not. 2: the request itself is wrong; nothing was changed.
"""

import contextlib
import sys
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from vmc_account_link.cli import check_result, environment
from vmc_account_link.cli.options import Group, all_of, force_option, lost_host_option
from vmc_account_link.cli.output import make_writable
from vmc_account_link.errors import CommandFailed, RequestError, VmcError
from vmc_account_link.internal_errors import internal_error
from vmc_labs.commands import doctor, down, logs, options, outputs, plan, recover_fleet, report, status, up
from vmc_labs.fleet.cluster import connected
from vmc_labs.fleet.plan import Step
from vmc_labs.fleet.results import LabResult
from vmc_labs.fleet.session import FleetSession
from vmc_labs.fleet.sizing import raise_file_limit
from vmc_labs.output.terminal import Output, result_rows, step_rows, write_env_files
from vmc_labs.spec.schema import json_schema


@click.group(
    "vmc-labs", cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def labs() -> None:
    """Link, watch and take down the labs of an event on VMware Cloud on AWS.

    SPEC is a YAML file with an event's labs. Exit code 0: every lab is as it should be; 1: at least one is
    not; 2: the request itself is wrong and nothing was changed.
    """


@labs.command("plan")
@all_of(options.spec_argument, options.only_option, options.failed_option, options.json_option)
@click.option("--expect-no-changes", is_flag=True, help="Exit with 1 if there is something to do.")
def run_plan(
    spec: Path, only: tuple[str, ...], *, failed: bool, as_json: bool, expect_no_changes: bool
) -> int:
    """Show what `up` would do with each lab, and why."""
    session = FleetSession.open(spec, only=only)
    steps = plan.run(session, failed=failed)
    output = Output()
    if as_json:
        output.json(step_rows(steps))
    else:
        output.plan(steps)
    return int(expect_no_changes and any(step.verb for step in steps))


@labs.command("up")
@all_of(
    options.spec_argument,
    options.only_option,
    options.failed_option,
    options.parallel_option,
    options.log_dir_option,
    options.json_option,
)
@click.option(
    "--scheduler",
    metavar="URL",
    help="Run the labs on this Dask scheduler's workers, tcp://host:8786; the backend must be theirs too.",
)
def run_up(
    spec: Path,
    only: tuple[str, ...],
    *,
    failed: bool,
    parallel: int | None,
    log_dir: Path | None,
    as_json: bool,
    scheduler: str | None,
) -> int:
    """Link every lab that is not linked yet.

    Run it again at any time: linked labs are only read. After Ctrl-C no new lab begins, and the running ones
    end at a safe point.
    """
    session = FleetSession.open(spec, log_dir=log_dir, only=only)
    output = Output()
    with contextlib.ExitStack() as stack:
        executor: up.MakeExecutor | None = None
        if scheduler:
            cluster = stack.enter_context(connected(scheduler))
            executor = lambda _: contextlib.nullcontext(cluster)  # noqa: E731
            parallel = parallel or cluster.width
        results = up.run(session, failed=failed, parallel=parallel, executor=executor, output=output)
    return _report(results, output, as_json=as_json)


@labs.command("status")
@all_of(options.spec_argument, options.only_option, options.json_option)
def run_status(spec: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Show how each lab is, by its Pulumi state and by the service."""
    found = status.run(FleetSession.open(spec, only=only))
    output = Output()
    if as_json:
        output.json(found.rows)
    else:
        output.table(found.rows)
    return 0 if found.is_as_requested else 1


@labs.command("outputs")
@all_of(options.spec_argument, options.only_option)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "env"]),
    default="table",
    show_default=True,
    help="env: one file for each lab.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where `--format env` writes <lab>.env; default: the event's folder below the user's state folder.",
)
def run_outputs(spec: Path, only: tuple[str, ...], *, form: str, directory: Path | None) -> int:
    """Show the outputs of linked labs, to hand out."""
    if directory and form != "env":
        raise click.UsageError("--directory is for --format env")
    session = FleetSession.open(spec, only=only)
    found = outputs.run(session)
    output = Output()
    if form == "env":
        for path in write_env_files(directory or session.paths.root / "outputs", found.labs):
            click.echo(path)
    else:
        output.outputs(found.labs, form)
    if found.missing:
        output.say(f"not linked, so nothing to hand out: {', '.join(found.missing)}")
    return 1 if found.missing else 0


@labs.command("down")
@all_of(
    options.spec_argument,
    options.only_option,
    options.parallel_option,
    options.log_dir_option,
    options.yes_option,
)
def run_down(
    spec: Path, only: tuple[str, ...], *, parallel: int | None, log_dir: Path | None, yes: bool
) -> int:
    """Unlink the labs and remove their Pulumi stacks.

    Shows what will happen to each lab, then asks.
    """
    session = FleetSession.open(spec, log_dir=log_dir, only=only)
    return _take_down(session, down.plan(session), parallel=parallel, yes=yes)


@labs.command("reap")
@all_of(options.spec_argument, options.parallel_option, options.log_dir_option, options.yes_option)
def run_reap(spec: Path, *, parallel: int | None, log_dir: Path | None, yes: bool) -> int:
    """Take down the labs that are past their `ttl`.

    Also those that the spec no longer names. Shows what will happen to each lab, then asks.
    """
    session = FleetSession.open(spec, log_dir=log_dir)
    steps = down.plan_expired(session, now=datetime.now(UTC))
    return _take_down(session, steps, parallel=parallel, yes=yes)


@labs.command("recover")
@all_of(
    options.spec_argument,
    options.only_option,
    options.parallel_option,
    options.log_dir_option,
    lost_host_option,
    force_option,
)
def run_recover(
    spec: Path,
    only: tuple[str, ...],
    *,
    parallel: int | None,
    log_dir: Path | None,
    lost_hosts: tuple[str, ...],
    force: bool,
) -> int:
    """Repair the Pulumi states after a crash.

    Finds out what became of interrupted work; `up` does the same where needed.
    """
    session = FleetSession.open(spec, log_dir=log_dir, only=only)
    output = Output()
    results = recover_fleet.run(session, parallel=parallel, lost_hosts=lost_hosts, force=force, output=output)
    return _report(results, output)


@labs.command("logs")
@all_of(options.spec_argument, options.log_dir_option)
@click.argument("lab")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C.")
def run_logs(spec: Path, lab: str, *, log_dir: Path | None, follow: bool) -> int:
    """Print the log of a lab's last run on this machine."""
    for text in logs.run(spec, lab, log_dir=log_dir, follow=follow):
        click.echo(text, nl=False)
    return 0


@labs.command("doctor")
@all_of(options.spec_argument, options.only_option, options.json_option)
def run_doctor(spec: Path, only: tuple[str, ...], *, as_json: bool) -> int:
    """Check tokens, backend and AWS credentials before `up`.

    It only reads.
    """
    results = doctor.run(FleetSession.open(spec, only=only))
    if as_json:
        Output().json(check_result.as_json(results))
    else:
        Output().text(check_result.as_text(results))
    return check_result.exit_code(results)


@labs.command("report")
@options.spec_argument
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page's file; default: the event's folder below the user's state folder.",
)
@click.option("--open", "must_open", is_flag=True, help="Open it in the browser too.")
def run_report(spec: Path, *, file: Path | None, must_open: bool) -> int:
    """Write one HTML page for the people in the room.

    It has a timeline, which labs failed and why, and what to hand out.
    """
    session = FleetSession.open(spec)
    snapshot = session.fleet_reader.snapshot(session.labs, ask_service=False)
    written = report.run(
        session.spec,
        snapshot,
        spec_file=spec,
        file=file or session.paths.root / "report.html",
        made_at=datetime.now().astimezone(),
    )
    click.echo(written)
    if must_open and not webbrowser.open(written.as_uri()):
        raise CommandFailed(f"open {written}: no browser was found; open it yourself")
    return 0


@labs.command("schema")
def run_schema() -> int:
    """Print the JSON schema of specs, for editors."""
    Output().json(json_schema())
    return 0


def _take_down(session: FleetSession, steps: Sequence[Step], *, parallel: int | None, yes: bool) -> int:
    """Show the steps, ask where that is needed, and do them."""

    def agree() -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise RequestError("nobody is there to ask: pass --yes")
        return click.confirm("take these labs down?", err=True)

    output = Output()
    results = down.run(session, steps, parallel=parallel, output=output, agree=agree)
    if results is None:
        output.say("nothing was changed")
        return 1
    return _report(results, output) if results else 0


def _report(results: Sequence[LabResult], output: Output, *, as_json: bool = False) -> int:
    """Show what came of each lab; the exit code is that of the worst."""
    if as_json:
        output.json(result_rows(results))
    else:
        output.results(results)
    return int(any(result.error for result in results))


def main() -> int:
    """Run the command line and return the exit code."""
    raise_file_limit()
    make_writable()
    environment.prepare_process()
    try:
        result = labs.main(standalone_mode=False, prog_name="vmc-labs")
    except click.ClickException as error:
        error.show()
        return 2
    except RequestError as error:
        _complain(error)
        return 2
    except (CommandFailed, VmcError) as error:
        _complain(error)
        return 1
    except click.Abort:
        return 130
    except Exception as error:  # noqa: BLE001 - a bug is one line too
        _complain(internal_error(f"vmc-labs {' '.join(sys.argv[1:2])}", error))
        return 1
    return result if isinstance(result, int) else 0


def _complain(error: Exception) -> None:
    for line in str(error).splitlines():
        click.echo(f"error: {line}", err=True)


if __name__ == "__main__":
    sys.exit(main())
