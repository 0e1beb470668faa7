"""Code that a test plants into the engine's Python processes: what nobody foresaw, and a quicker clock."""

import os
from pathlib import Path

from tests.support.lab import Lab

_START = """\
import sys
if any("pulumi.dynamic" in word or "language-python-exec" in word for word in sys.orig_argv):
"""


def plant(lab: Lab, code: str) -> Path:
    """Run the code at the start of the program's and the provider's process; for this lab's later commands.

    Args:
        lab: whose processes.
        code: statements, without indentation.

    Returns:
        The folder for temporary files that these processes use: theirs alone.
    """
    folder = lab.folder / "planted"
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    # Python runs a module of this name before anything else.
    (folder / "sitecustomize.py").write_text(_START + indented)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    lab.environment |= {"PYTHONPATH": path, "TMPDIR": str(temporary)}
    return temporary
