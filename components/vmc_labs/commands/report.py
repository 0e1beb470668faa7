"""`report`: one HTML page for the people in the room."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from vmc_account_link.errors import RequestError
from vmc_labs.output.report.page import render
from vmc_labs.output.report.reading import read_report
from vmc_labs.private_files import write_file
from vmc_labs.spec.model import FleetSpec
from vmc_labs.state.reader import LabState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What to write, and where."""

    spec: FleetSpec
    states: Mapping[str, LabState]
    """Pulumi stack -> its state, of the stacks that exist."""
    spec_file: Path
    file: Path
    """The page, for this user only; an earlier one is replaced in one step."""
    made_at: datetime
    """The moment of the look; its zone is the one in which the page tells the time."""


def run(request: ReportRequest) -> Path:
    """Write the page and return its path.

    Raises:
        RequestError: the file can't be written.
    """
    report = read_report(request.spec, request.states, made_at=request.made_at, spec_file=request.spec_file)
    page = render(report, zone=request.made_at.tzinfo) if request.made_at.tzinfo else render(report)
    file = request.file.absolute()
    try:
        write_file(file, page)
    except OSError as error:
        raise RequestError(
            f"write the report to {file}: {error.strerror}; name another with --output"
        ) from None
    return file
