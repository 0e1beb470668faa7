"""`logs`: what a lab's last run on this machine said."""

import time
from collections.abc import Iterator
from pathlib import Path

from vmc_account_link.errors import CommandFailed, RequestError
from vmc_labs.fleet.lab_log import last_run
from vmc_labs.fleet.paths import FleetPaths
from vmc_labs.spec.problems import did_you_mean
from vmc_labs.spec.reading import load_spec

_GLANCE_SECONDS = 0.3


def run(spec_file: Path, name: str, *, log_dir: Path | None, follow: bool) -> Iterator[str]:
    """The log's text, piece by piece.

    Args:
        spec_file: the lab's spec.
        name: the lab's.
        log_dir: where the run was told to write; None: below the user's state folder.
        follow: go on with what is added, until Ctrl-C.

    Raises:
        RequestError: the spec is wrong, or has no such lab.
        CommandFailed: there is no log.
    """
    spec = load_spec(spec_file)
    lab = next((lab for lab in spec.labs if lab.name == name), None)
    if lab is None:
        nearest = did_you_mean(name, [lab.name for lab in spec.labs])
        raise RequestError(f"{name}: there is no such lab in {spec_file}{nearest}")
    path = FleetPaths.of(spec, log_dir=log_dir).log_file(lab)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield last_run(file.read())
            while follow:
                time.sleep(_GLANCE_SECONDS)
                yield file.read()
    except OSError as error:
        raise CommandFailed(
            f"read the log {path}: {error.strerror}; a lab has one after its first run on this machine "
            "(`--log-dir` if that run had one)"
        ) from None
