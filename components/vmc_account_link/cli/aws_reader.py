"""What AWS says, asked through boto3 (ADR 0012): reads only, typed answers, one line for each refusal."""

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from vmc_account_link.errors import VmcError, safe_text
from vmc_account_link.settings import is_account_number

_SMALLEST_SUBNET_PREFIX = 26
"""VMware's documents: a subnet for SDDCs is a /26 or larger."""


class AwsRefused(VmcError):
    """AWS refused, or could not be asked."""

    def __init__(self, action: str, detail: str, hint: str, *, code: str | None = None) -> None:
        """Keep AWS's error code beside the message."""
        super().__init__(action, detail, hint)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose credentials these are."""

    account: str
    """12 digits."""
    arn: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackSeen:
    """A CloudFormation stack."""

    id: str
    name: str
    status: str
    reason: str | None
    created: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """An event of a CloudFormation stack."""

    at: datetime
    logical_id: str
    status: str
    reason: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What IAM's simulation says of an action."""

    action: str
    is_allowed: bool
    by_organization: bool
    """Whether it is the organisation's policy (SCP) that denies it."""


class AwsReader:
    """AWS in one region, as the credentials in use see it."""

    def __init__(
        self, *, region: str, profile: str | None = None, endpoints: Mapping[str, str] | None = None
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            region: of the CloudFormation stack.
            profile: the AWS profile; None for what the environment says.
            endpoints: service -> URL, of `aws:endpoints`; the others as the environment says.

        Raises:
            NoExtra: boto3 is not installed.
            AwsRefused: there is no such profile.
        """
        import boto3  # noqa: PLC0415 - of the extra [cli]
        from botocore.config import Config  # noqa: PLC0415

        self.region = region
        self._endpoints = dict(endpoints or {})
        self._config = Config(
            connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3}
        )
        with aws_errors("use the AWS profile"):
            self._session = boto3.Session(profile_name=profile, region_name=region)

    def caller(self) -> Caller:
        """Whose credentials these are.

        Raises:
            AwsRefused: there are none, or AWS does not take them.
        """
        with aws_errors("ask AWS whose credentials these are"):
            answer = self._client("sts").get_caller_identity()
            if not is_account_number(answer["Account"]):
                raise LookupError
        return Caller(account=answer["Account"], arn=answer["Arn"])

    def opt_in_status(self, region: str) -> str | None:
        """`opt-in-not-required`, `opted-in` or `not-opted-in`; None where there is no such region.

        Raises:
            AwsRefused: AWS did not say.
        """
        with aws_errors("ask which regions the account may use"):
            # The standard region: a region that is not enabled refuses its own calls.
            answer = self._client("ec2", "us-east-1").describe_regions(AllRegions=True)
        found = {one["RegionName"]: one.get("OptInStatus") for one in answer["Regions"]}
        return found.get(region)

    def stack(self, name: str) -> StackSeen | None:
        """A stack by its name or id; None where there is none.

        Raises:
            AwsRefused: AWS did not say.
        """
        try:
            with aws_errors(f"look for CloudFormation stack {name} in {self.region}"):
                wire = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except AwsRefused as error:
            if error.code == "ValidationError" and "does not exist" in error.detail:
                return None
            raise
        return StackSeen(
            id=wire["StackId"],
            name=wire["StackName"],
            status=wire["StackStatus"],
            reason=wire.get("StackStatusReason"),
            created=wire["CreationTime"],
        )

    def stack_events(self, name: str, count: int) -> tuple[StackEvent, ...]:
        """The stack's latest events, the newest first.

        Raises:
            AwsRefused: AWS did not say.
        """
        with aws_errors(f"read the events of CloudFormation stack {name}"):
            wire = self._client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return tuple(
            StackEvent(
                at=one["Timestamp"],
                logical_id=one.get("LogicalResourceId", ""),
                status=one.get("ResourceStatus", ""),
                reason=one.get("ResourceStatusReason"),
            )
            for one in wire[:count]
        )

    def template(self, name: str) -> str:
        """The template of a stack, as it was sent.

        Raises:
            AwsRefused: there is no such stack, or AWS did not say.
        """
        with aws_errors(f"read the template of CloudFormation stack {name} in {self.region}"):
            client = self._client("cloudformation")
            body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def subnets_by_zone(self, region: str, account: str) -> dict[str, int]:
        """Availability zone -> how many subnets an SDDC could use: the account's own, /26 or larger.

        Raises:
            AwsRefused: AWS did not say.
        """
        client = self._client("ec2", region)
        with aws_errors(f"list the subnets of {region}"):
            zones = client.describe_availability_zones(
                Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
            )["AvailabilityZones"]
            pages = client.get_paginator("describe_subnets").paginate()
            subnets = [subnet for page in pages for subnet in page["Subnets"]]
        counts = {zone["ZoneName"]: 0 for zone in zones if zone.get("State") == "available"}
        for subnet in subnets:
            fits = ip_network(subnet["CidrBlock"]).prefixlen <= _SMALLEST_SUBNET_PREFIX
            zone = subnet["AvailabilityZone"]
            if zone in counts and fits and subnet.get("OwnerId", account) == account:
                counts[zone] += 1
        return counts

    def simulate(self, caller: Caller, actions: Sequence[str]) -> tuple[Decision, ...] | None:
        """What IAM's simulation says of the caller's actions; None where it does not know such a caller.

        Raises:
            AwsRefused: the caller may not ask.
        """
        with aws_errors("let IAM simulate what these credentials may do"):
            client = self._client("iam")
            source = self._policy_source(client, caller.arn)
            if source is None:
                return None
            pages = client.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=source, ActionNames=list(actions)
            )
            results = [result for page in pages for result in page["EvaluationResults"]]
        return tuple(
            Decision(
                action=one["EvalActionName"],
                is_allowed=one["EvalDecision"] == "allowed",
                by_organization=not one.get("OrganizationsDecisionDetail", {}).get(
                    "AllowedByOrganizations", True
                ),
            )
            for one in results
        )

    def role_exists(self, name: str) -> bool:
        """Whether there is an IAM role of this name.

        Raises:
            AwsRefused: AWS did not say.
        """
        try:
            with aws_errors(f"look for IAM role {name}"):
                self._client("iam").get_role(RoleName=name)
        except AwsRefused as error:
            if error.code == "NoSuchEntity":
                return False
            raise
        return True

    def _policy_source(self, client: Any, arn: str) -> str | None:
        """The user or role behind a caller: the ARN of a session does not hold the role's path."""
        if session := re.fullmatch(r"arn:[\w-]+:sts::\d+:assumed-role/([^/]+)/.*", arn):
            return str(client.get_role(RoleName=session[1])["Role"]["Arn"])
        user = re.fullmatch(r"(arn:[\w-]+):(?:iam|sts)(::\d+:user/.+)", arn)
        return f"{user[1]}:iam{user[2]}" if user else None

    def _client(self, service: str, region: str | None = None) -> Any:
        return self._session.client(  # type: ignore[call-overload]
            service,
            region_name=region or self.region,
            config=self._config,
            endpoint_url=self._endpoints.get(service),
        )


@contextlib.contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Turn boto3's exceptions into one line, without a traceback or a header."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - of the extra [cli]
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        code, text = str(told.get("Code", "an error")), safe_text(str(told.get("Message", "")))
        raise AwsRefused(
            action, f"{code}, {text}" if text else code, _what_to_do(code, text), code=code
        ) from None
    except BotoCoreError as error:
        hint = "Check the AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, …) and the network."
        raise AwsRefused(action, safe_text(str(error)), hint) from None
    except (ResponseParserError, LookupError):
        # No XML, or XML in which what was asked for is missing.
        hint = "Check the network: a proxy may have answered in its place."
        raise AwsRefused(action, "an answer that is none of AWS's", hint) from None


def _what_to_do(code: str, text: str) -> str:
    if "service control policy" in text:
        return "The AWS organisation bars this (SCP): ask its administrators."
    if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
        return "Use AWS credentials that may do this."
    if code in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"}:
        return "Log in to AWS again, or correct the credentials."
    return "Correct the cause, then run it again."
