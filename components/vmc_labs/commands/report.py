"""`report`: one HTML page for the people in the room."""

from datetime import datetime
from pathlib import Path

from vmc_account_link.errors import RequestError
from vmc_labs.fleet.status import FleetSnapshot
from vmc_labs.output.report.page import render
from vmc_labs.output.report.reading import read_report
from vmc_labs.private_files import write_file
from vmc_labs.spec.model import FleetSpec


def run(spec: FleetSpec, snapshot: FleetSnapshot, *, spec_file: Path, file: Path, made_at: datetime) -> Path:
    """Write the page and return its path.

    Args:
        spec: the event.
        snapshot: its labs.
        spec_file: the spec's file, whose name is in the command that tries failed labs again.
        file: the page, for this user only; an earlier one is replaced in one step.
        made_at: the moment of the snapshot; its zone is the one in which the page tells the time.

    Raises:
        RequestError: the file can't be written.
    """
    page = render(read_report(spec, snapshot, made_at=made_at, spec_file=spec_file))
    file = file.absolute()
    try:
        write_file(file, page)
    except OSError as error:
        raise RequestError(
            f"write the report to {file}: {error.strerror}; name another with --output"
        ) from None
    return file
