"""The way by the official installer, through the SDK's own `PulumiCommand.install`.

The SDK bounds nothing, so the work is done by a process of its own (`python -m tools.engine.install`), which
first makes sure that the installer's host answers at all: where there is no network this ends in seconds, and
where there is a slow one the download may still take its time.
"""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path

from tools.engine.locate import ENGINE_VERSION
from tools.engine.process import SetupError, run, tail

INSTALLER = "https://get.pulumi.com/install.sh"
REACH_SECONDS = 20
DOWNLOAD_LIMIT_SECONDS = 900.0


def install(
    staged: Path,
    *,
    repository: Path,
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> None:
    """Put the official release into `staged/bin`.

    Raises:
        SetupError: the installer is not reachable, or failed.
    """
    ended = run(
        [sys.executable, "-m", "tools.engine.install", staged],
        cwd=repository,
        environment=environment,
        limit_seconds=DOWNLOAD_LIMIT_SECONDS,
        on_beat=lambda seconds: say(f"official installer: at work for {seconds:.0f} s"),
    )
    if ended.code == -signal.SIGALRM:
        raise SetupError(f"not reachable: no answer in {REACH_SECONDS} s")
    if ended.code != 0:
        raise SetupError(ended.tail)


def main(root: str) -> str | None:
    """Install into `root`; a text is what went wrong, None that nothing did."""
    # The signal's default action ends the process, even in a name look-up, which has no time limit.
    signal.alarm(REACH_SECONDS)
    try:
        with urllib.request.urlopen(INSTALLER, timeout=REACH_SECONDS):  # nosec B310 - a constant, https
            pass
    except (OSError, HTTPException) as error:
        return f"not reachable: {getattr(error, 'reason', error)}"
    signal.alarm(0)
    from pulumi.automation import PulumiCommand  # noqa: PLC0415 - half a second, wasted where there is no network

    try:
        PulumiCommand.install(root=root, version=ENGINE_VERSION)
    except subprocess.CalledProcessError as error:
        return f"failed: {tail((error.output or b'').decode(errors='replace'))}"
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises is a failed way, and there is another
        return f"failed: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
