"""A new stack without a CLI process, where that comes to the same as `pulumi stack init` (ADR 0019)."""

import os
from collections.abc import Mapping
from pathlib import Path

from labs.state_files import StateFiles, packs_states

OF_A_PASSPHRASE = frozenset({None, "default", "passphrase"})
"""Secrets providers of a backend of files for which `up` itself makes what encrypts secrets: a salt."""
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 # nosec B105 - a name
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 # nosec B105 - a name
"""The variables that hold it, or say where it is."""


def made_without_the_engine(
    stack: str,
    files: StateFiles | None,
    *,
    folder: Path,
    environment: Mapping[str, str],
    secrets_provider: str | None,
) -> bool:
    """Make a stack, unless only the engine can; whether it is there now.

    The engine has to where the backend is of no files or their layout is not known, and where `up` would not
    come to terms with secrets as `stack init` does: it says so before there is a stack.

    Args:
        stack: its name, which the spec's rules have made a valid one.
        files: of the backend; None where it has none.
        folder: the engine's project folder, in which it looks for the stack's settings.
        environment: of the engine.
        secrets_provider: as for `stack init`; None: the backend's default.

    Raises:
        LabsError: the backend can't be read or written to.
    """
    if files is None or secrets_provider not in OF_A_PASSPHRASE or packs_states(environment):
        return False
    # Settings from before: their salt is of a passphrase that may not be this one.
    if (folder / f"Pulumi.{stack}.yaml").exists() or not _has_passphrase(folder, environment):
        return False
    return files.make(stack)


def _has_passphrase(folder: Path, environment: Mapping[str, str]) -> bool:
    if PASSPHRASE in environment:
        return True
    name = environment.get(PASSPHRASE_FILE)
    file = folder / name if name else None
    return file is not None and file.is_file() and os.access(file, os.R_OK)
