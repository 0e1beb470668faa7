"""What became of a CloudFormation stack whose creation, change or deletion nobody heard the end of."""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from vmc_account_link.args import DEFAULT_REGION
from vmc_account_link.errors import CommandFailed, safe_text
from vmc_account_link.settings import is_account_number

_POLL_SECONDS = 5.0
_SETTLE_SECONDS = 35 * 60.0
"""CloudFormation's own bound for the link's template is far below; AWS's plugin waits 30 minutes."""
_STRAGGLER_SECONDS = 10.0
"""A request that was on its way as its sender was killed may take effect after the first look."""

_NO_ANSWER = (BotoCoreError, ResponseParserError, LookupError)
"""What boto3 raises where AWS did not answer; the last of an answer that is well-formed and none of AWS's."""
_MODELS = botocore.loaders.create_loader()
"""AWS's models, once read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """Where and as whom AWS is asked: what an `aws` provider in the state says, else the environment."""

    region: str = DEFAULT_REGION
    profile: str | None = None
    access_key: str | None = dataclasses.field(default=None, repr=False)
    secret_key: str | None = dataclasses.field(default=None, repr=False)
    token: str | None = dataclasses.field(default=None, repr=False)
    assumed_roles: tuple[Mapping[str, Any], ...] = ()
    """The chain of roles, the first one first, with the provider's own keys (`roleArn`, `externalId`, …)."""
    endpoints: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Service name -> URL."""

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "AwsAccess":
        """Read the inputs of a provider, in plaintext; lists and objects are JSON in them."""
        endpoints: dict[str, str] = {}
        for entry in _decoded(inputs.get("endpoints")) or []:
            endpoints |= {service: url for service, url in entry.items() if url}
        roles = _decoded(inputs.get("assumeRoles")) or []
        return cls(
            region=inputs.get("region") or DEFAULT_REGION,
            profile=inputs.get("profile"),
            access_key=inputs.get("accessKey"),
            secret_key=inputs.get("secretKey"),
            token=inputs.get("token"),
            assumed_roles=tuple(role for role in roles if role.get("roleArn")),
            endpoints=endpoints,
        )


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
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Those that it was made with; AWS's own (`aws:…`) are none."""


def find_stack(
    name: str,
    *,
    access: AwsAccess,
    account_number: str | None = None,
    may_be_on_its_way: bool = False,
    emit_progress: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> FoundStack | None:
    """Look a stack up by name, waiting until CloudFormation has finished with it.

    Args:
        name: the stack's name.
        access: where to look, as whom.
        account_number: the AWS account it belongs in, if that is known: a stack that another account does
            not have is not gone.
        may_be_on_its_way: whether its creation may have been asked for and not have arrived yet; absent
            counts only after a while then.
        emit_progress: gets a line when there is something to wait for.
        sleep: between two looks.

    Returns:
        None where there is no such stack; a deleted one counts as none.

    Raises:
        CommandFailed: AWS could not be asked, it was another account, or the stack did not settle.
    """
    try:
        make = _session(access).client
        if account_number is not None:
            _same_account(make("sts", endpoint_url=access.endpoints.get("sts")), account_number)
        client = make("cloudformation", endpoint_url=access.endpoints.get("cloudformation"))
        return _settled(
            client, name, may_be_on_its_way=may_be_on_its_way, emit_progress=emit_progress, sleep=sleep
        )
    except ClientError as error:
        code = error.response["Error"].get("Code", "an error")
        raise CommandFailed(
            f"ask AWS about CloudFormation stack {name} in {access.region}: {code}. Nothing was changed: "
            "check the credentials"
        ) from None
    except _NO_ANSWER as error:
        raise CommandFailed(
            f"ask AWS about CloudFormation stack {name} in {access.region}: {type(error).__name__}. Nothing "
            "was changed: check the network and the credentials"
        ) from None


def account_number(access: AwsAccess) -> str:
    """The AWS account, 12 digits, whose credentials these are.

    Raises:
        CommandFailed: there is no such profile, AWS refuses the credentials or a role, or could not be asked.
    """
    try:
        sts = _session(access).client("sts", endpoint_url=access.endpoints.get("sts"))
        return _account_of(sts)
    except (ClientError, *_NO_ANSWER) as error:
        raise CommandFailed(f"ask AWS whose credentials these are: {safe_text(str(error))}") from None


def _settled(
    client: Any,
    name: str,
    *,
    may_be_on_its_way: bool,
    emit_progress: Callable[[str], None],
    sleep: Callable[[float], object],
) -> FoundStack | None:
    waited = 0.0
    while True:
        stack = _described(client, name)
        if stack is not None and not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        if stack is None and (not may_be_on_its_way or waited >= _STRAGGLER_SECONDS):
            return None
        if waited >= _SETTLE_SECONDS:
            raise CommandFailed(f"CloudFormation stack {name} does not settle: run this again later")
        if stack is not None and not waited:
            emit_progress(f"CloudFormation stack {name} is {stack['StackStatus']}: waiting for its end")
        sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS
    template = client.get_template(StackName=stack["StackId"], TemplateStage="Original")["TemplateBody"]
    return FoundStack(
        id=stack["StackId"],
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        created=stack["CreationTime"],
        template=template,
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", ()) if not tag["Key"].startswith("aws:")},
    )


def _described(client: Any, name: str) -> dict[str, Any] | None:
    """The stack as CloudFormation describes it; None where there is none or it is deleted."""
    try:
        stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _account_of(sts: Any) -> str:
    """The caller's account; what is not 12 digits is no answer."""
    number = sts.get_caller_identity()["Account"]
    if not is_account_number(number):
        raise LookupError("an answer without an account number")
    return str(number)


def _same_account(sts: Any, wanted: str) -> None:
    found = _account_of(sts)
    if found != wanted:
        raise CommandFailed(
            f"the AWS credentials are of account {found}, the link is of account {wanted}. Nothing was "
            "changed: use the credentials that the stack was made with (AWS_PROFILE, …)"
        )


def _session(access: AwsAccess) -> boto3.Session:
    session = _boto_session(
        profile_name=access.profile,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.token,
        region_name=access.region,
    )
    for role in access.assumed_roles:
        extra = {"ExternalId": role["externalId"]} if role.get("externalId") else {}
        got = session.client("sts", endpoint_url=access.endpoints.get("sts")).assume_role(
            RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName") or "recover", **extra
        )["Credentials"]
        session = _boto_session(
            aws_access_key_id=got["AccessKeyId"],
            aws_secret_access_key=got["SecretAccessKey"],
            aws_session_token=got["SessionToken"],
            region_name=access.region,
        )
    return session


def _boto_session(**access: Any) -> boto3.Session:
    """A session that shares AWS's models with all others: reading them costs 0.1 CPU s and 5 MB."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _MODELS)
    return boto3.Session(botocore_session=core, **access)


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value else value
