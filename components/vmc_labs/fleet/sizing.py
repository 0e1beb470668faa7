"""How many labs at a time: by this machine's cores, memory and open files."""

import os
import resource

import psutil

from vmc_account_link.errors import RequestError

CORES_FACTOR = 8
"""Labs for each core: a lab computes for less than 1.5 s and waits for 12 or more (docs/performance.md)."""
LAB_BYTES = 250_000_000
"""A lab in flight: 110 MB of its own in the AWS provider and the CLI (docs/performance.md), twice for
safety. One alone has 330 MB, most of which the next ones share."""
LAB_FILES = 24
"""Files, pipes and sockets that a lab in flight holds open in this process; 16 were counted (ten labs)."""
OWN_FILES = 64
"""Those that this process holds open besides."""
_FILE_LIMIT = 8192
_LARGEST = 64
_SHARE = 0.75
"""Of the memory that is free now."""


def raise_file_limit() -> None:
    """Let this process, and what it starts, open as many files as it may: macOS begins with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _FILE_LIMIT if hard == resource.RLIM_INFINITY else min(hard, _FILE_LIMIT)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def parallel(
    *,
    requested: int | None,
    cores: int | None = None,
    free_bytes: int | None = None,
    open_files: int | None = None,
) -> int:
    """How many labs may be in flight.

    Args:
        requested: by the person or the spec; it counts as it is.
        cores: of this machine; None: a look.
        free_bytes: memory of this machine; None: a look.
        open_files: that this process may have; None: a look.

    Raises:
        RequestError: this process may not open the files of so many labs.
    """
    files = open_files if open_files is not None else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    fitting = _LARGEST if files == resource.RLIM_INFINITY else (files - OWN_FILES) // LAB_FILES
    if (requested or 1) > fitting and files != resource.RLIM_INFINITY:
        needed = OWN_FILES + LAB_FILES * (requested or 1)
        raise RequestError(
            f"{requested or 1} labs at a time: they need {needed} open files, and {files} are allowed: raise "
            "that (`ulimit -n`), or pass a smaller --parallel"
        )
    if requested is not None:
        return requested
    cores = cores or os.cpu_count() or 1
    free = free_bytes if free_bytes is not None else psutil.virtual_memory().available
    return max(1, min(cores * CORES_FACTOR, int(free * _SHARE) // LAB_BYTES, fitting, _LARGEST))
