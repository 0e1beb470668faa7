"""The fleet: an event's labs from one spec, a Pulumi stack each. In the wheel beside the component."""

import sys


def main() -> int:
    """Run the command `vmc-labs`, or say that what it needs is not installed; return the exit code."""
    try:
        from vmc_labs.__main__ import main as command  # noqa: PLC0415 - needs the extra [labs]
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in {"vmc_labs", "vmc_account_link"}:
            raise
        sys.stderr.write(
            f"error: import {name}: it is not installed. Run `pip install 'vmc-account-link[labs]'`.\n"
        )
        return 2
    return command()
