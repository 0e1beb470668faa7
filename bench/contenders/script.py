"""The original script's way: ask for the link, create_stack, botocore's waiter, a look at the list.

The script that the project began with ends after `create_stack` and says that the CloudFormation stack can be
followed with boto3; this is what it becomes when somebody does. Where the account is not in the list yet when
the waiter is done, the list is looked at again in the waiter's own rhythm: every 30 s.
"""

import os
import time
from typing import Any

import boto3
import requests

_WAITER_RHYTHM_SECONDS = 30


def main() -> None:
    """Link the account of the AWS credentials in the environment."""
    token = requests.post(
        f"{os.environ['CSP_URL']}/csp/gateway/am/api/auth/api-tokens/authorize",
        data={"refresh_token": os.environ["API_TOKEN"]},
        timeout=30,
    ).json()["access_token"]
    header = {"csp-auth-token": token}
    url = f"{os.environ['VMC_URL']}/vmc/api/orgs/{os.environ['ORG_ID']}/account-link"
    link = requests.get(url, headers=header, timeout=30).json()
    cloudformation: Any = boto3.client("cloudformation", region_name="us-west-2")
    stack_id = cloudformation.create_stack(
        StackName="SDDC-Account-Link", TemplateURL=link["template_url"], Capabilities=["CAPABILITY_IAM"]
    )["StackId"]
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_id)
    while not any(
        one["account_number"] == stack_id.split(":")[4] and one["state"] == "ACTIVE"
        for one in requests.get(f"{url}/connected-accounts", headers=header, timeout=30).json()
    ):
        time.sleep(_WAITER_RHYTHM_SECONDS)


if __name__ == "__main__":
    main()
