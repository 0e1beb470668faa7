"""The package as a wheel."""

import subprocess
import sys
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def build_wheel(folder: Path) -> Path:
    """Build this checkout's wheel into an empty folder; returns its file.

    Raises:
        subprocess.CalledProcessError: it can't be built; what the builder wrote is on standard error.
    """
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=_REPOSITORY, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    (wheel,) = folder.glob("*.whl")
    return wheel
