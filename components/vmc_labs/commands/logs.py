"""`logs`: what a lab's last run on this machine said."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

from vmc_account_link.errors import CommandFailed, RequestError
from vmc_labs.fleet.lab_log import last_run
from vmc_labs.fleet.paths import FleetPaths
from vmc_labs.spec.problems import did_you_mean
from vmc_labs.spec.reading import load_spec

_GLANCE_SECONDS = 0.3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogsRequest:
    """Whose log."""

    spec_file: Path
    lab: str
    log_dir: Path | None
    """Where the runs were told to write; None: below the user's state folder."""
    follow: bool
    """Go on with what is added, until Ctrl-C."""


def run(request: LogsRequest) -> Iterator[str]:
    """The log's text, piece by piece.

    Raises:
        RequestError: the spec is wrong, or has no such lab.
        CommandFailed: there is no log.
    """
    spec = load_spec(request.spec_file)
    lab = next((lab for lab in spec.labs if lab.name == request.lab), None)
    if lab is None:
        nearest = did_you_mean(request.lab, [lab.name for lab in spec.labs])
        raise RequestError(f"{request.lab}: there is no such lab in {request.spec_file}{nearest}")
    path = FleetPaths.of(spec, log_dir=request.log_dir).log_file(lab)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield last_run(file.read())
            while request.follow:
                time.sleep(_GLANCE_SECONDS)
                yield file.read()
    except OSError as error:
        raise CommandFailed(
            f"read the log {path}: {error.strerror}; a lab has one after its first run on this machine "
            "(`--log-dir` if that run had one)"
        ) from None
