"""Link the AWS account of the credentials in use, from a Python program: `python link.py up | down`.

The credentials of VMware Cloud come from `ORG_ID` and `API_TOKEN`, those of AWS from the `AWS_*` environment.
"""

import sys

import pulumi
from pulumi import automation as auto

from vmc_account_link import AccountLink


def program() -> None:
    """Declare the link, and beside it whatever needs one."""
    link = AccountLink(
        "account-link",
        {"stack_name": "SDDC-Account-Link", "subnet_region": "us-west-2", "tags": {"owner": "workshop"}},
    )
    pulumi.export("connected_account_id", link.connected_account_id)
    pulumi.export("compatible_subnets", link.compatible_subnets)
    pulumi.export("connected_account_state", link.connected_account_state)


def main(command: str) -> None:
    """Raise or take down the stack `dev` of the project `my-lab`."""
    stack = auto.create_or_select_stack(
        stack_name="dev",
        project_name="my-lab",
        program=program,
        # The engine starts the dynamic providers by itself: with the interpreter that has the package.
        opts=auto.LocalWorkspaceOptions(env_vars={"PULUMI_PYTHON_CMD": sys.executable}),
    )
    if command == "down":
        stack.destroy(on_output=print)
        return
    outputs = stack.up(on_output=print).outputs
    print("connected account:", outputs["connected_account_id"].value)
    print("subnets for an SDDC:", outputs["compatible_subnets"].value)


if __name__ == "__main__":
    if sys.argv[1:] not in (["up"], ["down"]):
        sys.exit(__doc__)
    main(sys.argv[1])
