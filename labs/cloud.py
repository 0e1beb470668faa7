"""What became of a CloudFormation stack whose creation nobody heard the end of."""

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from labs.errors import LabsError

_POLL_SECONDS = 5.0
_SETTLE_SECONDS = 35 * 60.0
"""CloudFormation's own bound for the link's template is far below; AWS's plugin waits 30 minutes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FoundStack:
    """A stack that exists."""

    id: str
    """Its ARN."""
    status: str
    reason: str
    created: datetime
    template: object
    """As it was sent: text, or parsed where it is JSON."""


def find_stack(
    name: str,
    *,
    region: str,
    profile: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> FoundStack | None:
    """Look a stack up by name, waiting until CloudFormation has finished with it.

    Args:
        name: the stack's name.
        region: where to look.
        profile: the AWS profile of the stack's provider, if it names one.
        sleep: between two looks.

    Returns:
        None where there is no such stack; a deleted one counts as none.

    Raises:
        LabsError: AWS could not be asked, or the stack did not settle.
    """
    try:
        client = boto3.Session(profile_name=profile, region_name=region).client("cloudformation")
        waited = 0.0
        while True:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                break
            if waited >= _SETTLE_SECONDS:
                raise LabsError(
                    f"CloudFormation stack {name} stays {stack['StackStatus']}: run this again later"
                )
            sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        template = client.get_template(StackName=stack["StackId"], TemplateStage="Original")["TemplateBody"]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        code = error.response["Error"].get("Code", "an error")
        raise LabsError(
            f"ask CloudFormation about stack {name} in {region}: {code}; check the credentials"
        ) from None
    except BotoCoreError as error:
        raise LabsError(
            f"ask CloudFormation about stack {name} in {region}: {type(error).__name__}"
        ) from None
    return FoundStack(
        id=stack["StackId"],
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        created=stack["CreationTime"],
        template=template,
    )
