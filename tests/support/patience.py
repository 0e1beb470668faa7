"""Waiting for another process."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def until(
    condition: Callable[[], object],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    pause_seconds: float = 0.05,
    otherwise: str = "it did not happen",
) -> None:
    """Wait until something is so; a failure, in the words of `otherwise`, where it does not become so."""
    deadline = time.monotonic() + patience_seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(pause_seconds)
