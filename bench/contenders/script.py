"""The original script's way: ask for the link, create_stack, botocore's waiter, a look at the list.

The script that the project began with ends after `create_stack` and says that the stack's progress can be
followed with boto3; this is what it becomes when somebody does. Where the account is not in the list yet when
the waiter is done, the list is looked at again in the waiter's own rhythm: every 30 s.
"""

import os
import time
from typing import Any

import boto3
import requests

STACK_NAME = "SDDC-Account-Link"
_WAITER_RHYTHM_SECONDS = 30


def main() -> None:
    """Link the account of the AWS credentials in the environment."""
    token = requests.post(
        f"{os.environ['CSP_URL']}/csp/gateway/am/api/auth/api-tokens/authorize",
        data={"refresh_token": os.environ["API_TOKEN"]},
        timeout=30,
    ).json()["access_token"]
    header = {"csp-auth-token": token}
    organisation = f"{os.environ['VMC_URL']}/vmc/api/orgs/{os.environ['ORG_ID']}"
    link = requests.get(f"{organisation}/account-link", headers=header, timeout=30).json()

    cloudformation: Any = boto3.client("cloudformation", region_name="us-west-2")
    stack = cloudformation.create_stack(
        StackName=STACK_NAME, TemplateURL=link["template_url"], Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack["StackId"])

    account_number = stack["StackId"].split(":")[4]
    while True:
        accounts = requests.get(
            f"{organisation}/account-link/connected-accounts", headers=header, timeout=30
        ).json()
        found = [
            one for one in accounts if one["account_number"] == account_number and one["state"] == "ACTIVE"
        ]
        if found:
            break
        time.sleep(_WAITER_RHYTHM_SECONDS)
    print(f"{account_number} is connected: {found[0]['id']}")  # noqa: T201 - a script tells


if __name__ == "__main__":
    main()
