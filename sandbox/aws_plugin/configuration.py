"""The provider's arguments, which the engine sends as strings, and the AWS sessions they give."""

import dataclasses
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Self

import boto3
from botocore.config import Config

from sandbox.aws_plugin.values import Properties

_RETRIES = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60)


class ConfigurationError(Exception):
    """Arguments that can't be used; the text is one line without credentials."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssumedRole:
    """One link of the chain of roles."""

    arn: str
    session_name: str = "pulumi"
    external_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """What an explicit provider, or the stack's `aws:` configuration, says."""

    region: str | None = None
    profile: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None
    default_tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    endpoints: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Service name -> URL."""
    assumed_roles: tuple[AssumedRole, ...] = ()
    allowed_account_ids: tuple[str, ...] = ()
    forbidden_account_ids: tuple[str, ...] = ()
    skips_validation: bool = False
    """`skipCredentialsValidation`: STS is not asked before the first use."""

    @classmethod
    def from_arguments(cls, arguments: Properties, environment: Mapping[str, str]) -> Self:
        """Read the arguments; strings that hold JSON lists, objects and booleans are decoded.

        Raises:
            ConfigurationError: a malformed argument.
        """
        decoded = {key: _decoded(key, value) for key, value in arguments.items()}
        tags = (decoded.get("defaultTags") or {}).get("tags") or {}
        endpoints: dict[str, str] = {}
        for entry in decoded.get("endpoints") or []:
            endpoints |= {service: url for service, url in entry.items() if url}
        region = (
            decoded.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        )
        return cls(
            region=region,
            profile=decoded.get("profile"),
            access_key=decoded.get("accessKey"),
            secret_key=decoded.get("secretKey"),
            token=decoded.get("token"),
            default_tags={str(key): str(value) for key, value in tags.items()},
            endpoints=endpoints,
            assumed_roles=tuple(
                AssumedRole(
                    arn=role["roleArn"],
                    session_name=role.get("sessionName") or "pulumi",
                    external_id=role.get("externalId"),
                )
                for role in decoded.get("assumeRoles") or []
                if role.get("roleArn")
            ),
            allowed_account_ids=tuple(map(str, decoded.get("allowedAccountIds") or ())),
            forbidden_account_ids=tuple(map(str, decoded.get("forbiddenAccountIds") or ())),
            skips_validation=bool(decoded.get("skipCredentialsValidation")),
        )


class Aws:
    """The clients of one configuration; safe across threads.

    Environment and shared files count as boto3 has it, `AWS_ENDPOINT_URL` included.
    """

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._session: boto3.Session | None = None

    @property
    def region(self) -> str:
        """The region resources go to unless they name their own.

        Raises:
            ConfigurationError: there is none.
        """
        region = self.config.region or self._base_session().region_name
        if not region:
            raise ConfigurationError("no AWS region: set aws:region, the provider's region or AWS_REGION")
        return region

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A client of a service in the provider's region or another one."""
        region = region or self.region
        with self._lock:
            if (service, region) not in self._clients:
                if self._session is None:
                    self._session = self._assumed(self._base_session())
                self._clients[service, region] = self._new_client(self._session, service, region)
            return self._clients[service, region]

    def check_account(self) -> None:
        """Ask who we are and refuse an account that is not wanted.

        Raises:
            ConfigurationError: a forbidden account, or one that is not among the allowed.
            botocore.exceptions.BotoCoreError, ClientError: STS does not say.
        """
        config = self.config
        if config.skips_validation and not (config.allowed_account_ids or config.forbidden_account_ids):
            return
        account = self.client("sts").get_caller_identity()["Account"]
        if account in config.forbidden_account_ids or (
            config.allowed_account_ids and account not in config.allowed_account_ids
        ):
            raise ConfigurationError(f"AWS account ID not allowed: {account}")

    def _base_session(self) -> boto3.Session:
        config = self.config
        return boto3.Session(
            profile_name=config.profile,
            aws_access_key_id=config.access_key,
            aws_secret_access_key=config.secret_key,
            aws_session_token=config.token,
            region_name=config.region,
        )

    def _assumed(self, session: boto3.Session) -> boto3.Session:
        for role in self.config.assumed_roles:
            sts = self._new_client(session, "sts", self.region)
            extra = {"ExternalId": role.external_id} if role.external_id else {}
            got = sts.assume_role(RoleArn=role.arn, RoleSessionName=role.session_name, **extra)["Credentials"]
            session = boto3.Session(
                aws_access_key_id=got["AccessKeyId"],
                aws_secret_access_key=got["SecretAccessKey"],
                aws_session_token=got["SessionToken"],
                region_name=self.config.region,
            )
        return session

    def _new_client(self, session: boto3.Session, service: str, region: str) -> Any:
        make: Any = session.client
        return make(
            service, region_name=region, endpoint_url=self.config.endpoints.get(service), config=_RETRIES
        )


def environment() -> Mapping[str, str]:
    """The process's environment, read at the edge."""
    return os.environ


def _decoded(key: str, value: Any) -> Any:
    if not isinstance(value, str) or key in {"region", "profile", "accessKey", "secretKey", "token"}:
        return value
    if value[:1] in "[{" or value in {"true", "false"}:
        try:
            return json.loads(value)
        except ValueError:
            raise ConfigurationError(f"the provider's argument {key} is not valid JSON") from None
    return value
