"""What a person types on the day of a workshop, against the sandbox: thirty labs, one of which fails first.

Called by `make demo-labs`, which sets the environment.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.control.client import SandboxControl

UNLUCKY = "200000000017"
"""The account whose first CreateStack AWS refuses."""
SPEC = """\
event: workshop
defaults:
  owner: workshop
  tags: {owner: workshop}
  ttl: 8h
labs:
  - name: team-{01..30}
    awsProfile: "{name}"
    awsAccountId: "2000000000{01..30}"
"""


def main() -> int:
    """Run the demo; the exit code is 0 if every step came out as expected."""
    with SandboxControl(os.environ["VMC_URL"]) as control:
        plan_failure(control)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "workshop.yaml"
        spec.write_text(SPEC, encoding="utf-8")
        _say(f"$ cat {spec.name}\n{SPEC}", end="")
        steps = (
            (1, ["up", str(spec)]),
            (0, ["up", str(spec), "--failed"]),
            (0, ["up", str(spec)]),
            (0, ["status", str(spec)]),
            (0, ["report", str(spec)]),
        )
        return max(_step(expected, arguments) for expected, arguments in steps)


def plan_failure(control: SandboxControl) -> None:
    """Have the first CreateStack of one account fail."""
    control.plan_fault(
        "aws", "cloudformation.CreateStack", "status",
        status=403, body="xml", error_code="AccessDenied", account_number=UNLUCKY,
    )  # fmt: skip


def _step(expected: int, arguments: list[str]) -> int:
    """Run a command of the fleet, showing it; 0 where its exit code is the expected one."""
    _say(f"\n$ vmc-labs {shlex.join(Path(a).name if '/' in a else a for a in arguments)}")
    command = [sys.executable, "-m", "vmc_labs", *arguments]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - the step that was shown
    if code != expected:
        _say(f"it exited with {code}, not {expected}")
    return int(code != expected)


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(f"\033[1m{text}\033[0m{end}" if sys.stdout.isatty() else f"{text}{end}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
