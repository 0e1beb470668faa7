"""How many labs at a time. Pure but for the look at the machine."""

import os

import psutil

CORES_FACTOR = 6
"""Labs for each core: a lab computes for less than 2 s and waits for 12 or more (docs/performance.md)."""
LAB_BYTES = 550_000_000
"""A lab in flight with the real AWS plugin (300 to 430 MB) and its CLI (120)."""
_LARGEST = 64
_SHARE = 0.75
"""Of the memory that is free now."""


def parallel(
    *,
    asked: int | None,
    memory_bytes: int | None,
    cores: int | None = None,
    free_bytes: int | None = None,
) -> int:
    """How many labs may be in flight.

    Args:
        asked: by the person or the spec; it counts as it is.
        memory_bytes: what they may take together; None: most of what is free.
        cores: of this machine.
        free_bytes: of this machine.
    """
    if asked is not None:
        return asked
    cores = cores or os.cpu_count() or 1
    free = free_bytes if free_bytes is not None else psutil.virtual_memory().available
    budget = memory_bytes if memory_bytes is not None else int(free * _SHARE)
    return max(1, min(cores * CORES_FACTOR, budget // LAB_BYTES, _LARGEST))
