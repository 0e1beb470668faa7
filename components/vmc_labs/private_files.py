"""Files and folders that are the user's alone, from their first byte."""

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user only; what is there stays.

    Raises:
        OSError: it can't be made, or is a file.
    """
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    if not path.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(path))


def write_file(path: Path, text: str) -> None:
    """Write a file for this user only: whole or not at all, an earlier one is replaced.

    Raises:
        OSError: it can't be written; what was there is there still.
    """
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def append_to(path: Path) -> int:
    """Open a file of this user's only to be added to; the descriptor.

    Raises:
        OSError: it can't be opened.
    """
    make_folder(path.parent)
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
