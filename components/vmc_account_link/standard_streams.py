"""Standard output and error as they are found: closed, without a sign for a letter, or read by nobody."""

import contextlib
import io
import os
import sys


def make_writable() -> None:
    """Have standard output and error take all text: one that is closed, or has no sign for a letter, too."""
    sys.stdout, sys.stderr = (
        stream or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the process's life
        for stream in (sys.stdout, sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write(text: str, *, to_error: bool = False) -> None:
    """Write a text; that nobody reads on is no error.

    What was closed by the reader is replaced, so that Python does not complain of it as the process ends.
    """
    stream = sys.stderr if to_error else sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
