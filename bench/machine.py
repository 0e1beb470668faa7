"""What the figures were measured on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from sandbox.environment import path_with_engine


def facts() -> dict[str, str | int | float]:
    """Processor, memory and versions; nothing that names a machine or a person."""
    engine = subprocess.run(
        ["pulumi", "version"],
        env={**os.environ, "PATH": path_with_engine()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "engine": engine,
        **{name: version(name) for name in ("pulumi", "pulumi-aws", "boto3", "requests")},
    }


def load() -> float:
    """How many processes wanted a core over the last minute."""
    return round(os.getloadavg()[0], 2)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
