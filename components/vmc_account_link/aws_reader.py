"""What AWS says, asked through boto3 (ADR 0012): reads only, typed answers, one line for each refusal."""

import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from vmc_account_link.errors import SettingsError, VmcError, safe_text
from vmc_account_link.settings import DEFAULT_REGION, is_account_number

_SMALLEST_SUBNET_PREFIX = 26
"""VMware's documents: a subnet for SDDCs is a /26 or larger."""


class AwsRefused(VmcError):
    """AWS refused a request, or could not be reached."""

    def __init__(self, action: str, detail: str, hint: str, *, code: str | None = None) -> None:
        """Keep AWS's error code beside the message."""
        super().__init__(action, detail, hint)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """Where and as whom AWS is asked; what is left open is the environment's."""

    region: str = DEFAULT_REGION
    """Of the CloudFormation stack."""
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
        """Read an AWS provider's inputs, in plaintext, or the `aws:*` configuration: their keys are the same.

        Raises:
            SettingsError: the endpoints or roles are no list of objects.
        """
        return cls(
            region=inputs.get("region") or DEFAULT_REGION,
            profile=inputs.get("profile"),
            access_key=inputs.get("accessKey"),
            secret_key=inputs.get("secretKey"),
            token=inputs.get("token"),
            assumed_roles=tuple(role for role in _objects(inputs, "assumeRoles") if role.get("roleArn")),
            endpoints={
                service: str(url)
                for entry in _objects(inputs, "endpoints")
                for service, url in entry.items()
                if url
            },
        )


def access_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a link request keeps of an AWS provider's arguments (`AwsAccess.from_inputs`): no credentials."""
    kept = ("region", "profile", "assumeRoles", "endpoints")
    return {key: values[key] for key in kept if values.get(key) is not None}


def _objects(inputs: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects, which is JSON in a state and in a configuration."""
    value = inputs.get(key) or []
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not (isinstance(value, list) and all(isinstance(entry, dict) for entry in value)):
        raise SettingsError(f"aws:{key}", "it is not a list of objects", "Set it with --path (`aws:…[0].…`).")
    return value


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose credentials these are."""

    account: str
    """12 digits."""
    arn: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackSummary:
    """A CloudFormation stack."""

    id: str
    name: str
    status: str
    reason: str
    """Empty where CloudFormation gives none."""
    created: datetime
    updated: datetime | None = None
    """When its last update began; None where there was none."""
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Those that it was made with; AWS's own (`aws:…`) are none."""


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
    """AWS in one region, as one caller sees it."""

    def __init__(self, access: AwsAccess) -> None:
        """Take on the roles of the access; without any nothing is sent yet.

        Raises:
            ModuleNotFoundError: boto3 is not installed.
            AwsRefused: there is no such profile, or AWS refuses a role.
        """
        self.region = access.region
        self._endpoints = access.endpoints
        self._clients: dict[tuple[str, str], Any] = {}
        with aws_errors("use the AWS credentials"):
            self._session = _session(access)

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

    def refuse_other_account(self, expected: str) -> None:
        """Refuse to look where the link is not: a stack that another account does not have is not gone.

        Args:
            expected: the link's AWS account, 12 digits.

        Raises:
            AwsRefused: these are another account's credentials, or AWS does not take them.
        """
        found = self.caller().account
        if found != expected:
            raise AwsRefused(
                "read the link's AWS account",
                f"the AWS credentials belong to account {found}, the link to account {expected}",
                "Use the credentials that the link was made with (AWS_PROFILE, …).",
            )

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

    def stack(self, name: str) -> StackSummary | None:
        """A stack by its name or id; None where there is none, or no longer.

        Raises:
            AwsRefused: AWS did not say.
        """
        try:
            with aws_errors(f"ask AWS about CloudFormation stack {name} in {self.region}"):
                wire = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except AwsRefused as error:
            if error.code == "ValidationError" and "does not exist" in error.detail:
                return None
            raise
        if wire["StackStatus"] == "DELETE_COMPLETE":
            return None
        return StackSummary(
            id=wire["StackId"],
            name=wire["StackName"],
            status=wire["StackStatus"],
            reason=wire.get("StackStatusReason", ""),
            created=wire["CreationTime"],
            updated=wire.get("LastUpdatedTime"),
            tags={
                tag["Key"]: tag["Value"] for tag in wire.get("Tags", ()) if not tag["Key"].startswith("aws:")
            },
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

    def template(self, name: str) -> object:
        """The template of a stack as it was sent: text, or parsed where it is JSON.

        Raises:
            AwsRefused: there is no such stack, or AWS did not say.
        """
        with aws_errors(f"read the template of CloudFormation stack {name} in {self.region}"):
            client = self._client("cloudformation")
            return client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]

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

    def simulate(
        self,
        caller: Caller,
        actions: Sequence[str],
        *,
        resource: str = "*",
        context: Mapping[str, str] | None = None,
    ) -> tuple[Decision, ...] | None:
        """What IAM's simulation says of the caller's actions; None where it does not know such a caller.

        Args:
            caller: whose policies are looked at.
            actions: `service:Action` each.
            resource: the ARN that they are for.
            context: condition key -> value, as in the real calls.

        Raises:
            AwsRefused: the caller may not ask.
        """
        with aws_errors("let IAM simulate what these credentials may do"):
            client = self._client("iam")
            source = self._policy_source(client, caller.arn)
            if source is None:
                return None
            pages = client.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=source,
                ActionNames=list(actions),
                ResourceArns=[resource],
                ContextEntries=[
                    {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                    for key, value in (context or {}).items()
                ],
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

    def roles_and_quota(self) -> tuple[int, int]:
        """How many IAM roles the account has, and may have.

        Raises:
            AwsRefused: AWS did not say.
        """
        with aws_errors("ask IAM for the account's quotas"):
            summary = self._client("iam").get_account_summary()["SummaryMap"]
            return summary["Roles"], summary["RolesQuota"]

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
        key = service, region or self.region
        if key not in self._clients:
            self._clients[key] = _client(self._session, *key, self._endpoints)
        return self._clients[key]


def _client(session: Any, service: str, region: str, endpoints: Mapping[str, str]) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - of the extra [cli]

    return session.client(
        service,
        region_name=region,
        config=Config(
            connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3}
        ),
        endpoint_url=endpoints.get(service),
    )


def _session(access: AwsAccess) -> Any:
    """A boto3 session as the last one of the chain of roles."""
    session = _boto_session(
        profile_name=access.profile,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.token,
        region_name=access.region,
    )
    for role in access.assumed_roles:
        extra = {"ExternalId": role["externalId"]} if role.get("externalId") else {}
        sts = _client(session, "sts", access.region, access.endpoints)
        keys = sts.assume_role(
            RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName") or "vmc-account-link", **extra
        )["Credentials"]
        session = _boto_session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=access.region,
        )
    return session


def _boto_session(**arguments: Any) -> Any:
    import boto3  # noqa: PLC0415 - of the extra [cli], and 0.7 s of CPU
    import botocore.session  # noqa: PLC0415

    core = botocore.session.get_session()
    core.register_component("data_loader", _models())
    session = boto3.Session(botocore_session=core, **arguments)
    # After the session: it says which profile's credentials are looked up, which happens only once.
    _ask_nobody_for_a_code(core)
    return session


def _ask_nobody_for_a_code(core: Any) -> None:
    """Have a profile with MFA fail, as it does for the AWS provider, instead of asking at the terminal."""

    def refuse(_prompt: str) -> str:
        raise EOFError

    provider = core.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = refuse  # noqa: SLF001 - botocore offers it to the constructor alone


@functools.cache
def _models() -> Any:
    """AWS's models, shared by all sessions: reading them costs 0.1 CPU s and 5 MB."""
    import botocore.loaders  # noqa: PLC0415

    return botocore.loaders.create_loader()


@contextlib.contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Turn boto3's exceptions into one line, without a traceback or a header."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - of the extra [cli]
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code, text = str(details.get("Code", "an error")), safe_text(str(details.get("Message", "")))
        raise AwsRefused(
            action, f"{code}, {text}" if text else code, _what_to_do(code, text), code=code
        ) from None
    except BotoCoreError as error:
        hint = "Check the network and the AWS credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, …)."
        raise AwsRefused(action, safe_text(str(error)), hint) from None
    except (AwsRefused, SettingsError, ModuleNotFoundError):
        raise
    except (ResponseParserError, LookupError):
        # No XML, or XML in which what was asked for is missing.
        hint = "Check the network: a proxy may have answered in its place."
        raise AwsRefused(action, "the answer did not come from AWS", hint) from None
    except EOFError:
        hint = "Use credentials without one: nobody is there to type it, and `pulumi up` can't ask either."
        raise AwsRefused(action, "the AWS profile wants an MFA code", hint) from None
    except Exception as error:  # noqa: BLE001 - the edge: tools, files and addresses fail in a dozen types
        hint = "Check the AWS settings: credential_process, the files of profiles, endpoints, proxies."
        raise AwsRefused(action, safe_text(f"{type(error).__name__}: {error}"), hint) from None


def _what_to_do(code: str, text: str) -> str:
    if "service control policy" in text:
        return "A policy of the AWS organisation (SCP) denies this: ask its administrators."
    if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
        return "Use AWS credentials that may do this."
    if code in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"}:
        return "Log in to AWS again, or correct the credentials."
    return "Correct the cause, then run it again."
