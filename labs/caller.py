"""Whose AWS credentials a lab runs with."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from labs.errors import LabsError
from labs.spec import Credentials
from vmc_account_link.errors import safe_text

_SESSION_NAME = "vmc-account-link"


def account_number(credentials: Credentials, *, region: str) -> str:
    """The AWS account, 12 digits, that a lab's provider would act in.

    Args:
        credentials: a profile (None: the environment's credentials) and a role that is assumed with it.
        region: whose STS is asked.

    Raises:
        LabsError: there is no such profile, AWS refuses the credentials or the role, or could not be asked.
    """
    try:
        session = boto3.Session(profile_name=credentials.profile, region_name=region)
        if credentials.role_arn:
            answer = session.client("sts").assume_role(
                RoleArn=credentials.role_arn, RoleSessionName=_SESSION_NAME
            )
            keys = answer["Credentials"]
            session = boto3.Session(
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
                region_name=region,
            )
        return session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        whose = credentials.role_arn or (
            f"profile {credentials.profile}" if credentials.profile else "the environment's credentials"
        )
        raise LabsError(f"ask AWS who {whose} is: {safe_text(str(error))}") from None
