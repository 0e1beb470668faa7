"""A fleet's spec as frozen values: what a YAML file said, with its defaults and patterns worked out."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from vmc_account_link.args import DEFAULT_STACK_NAME

ROLE_SESSION_NAME = "vmc-account-link"
"""Under which a lab's role is assumed, as AWS's logs show it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The VMC organisation of a lab, and where its service is; the token is not part of it."""

    org_id: str
    """The organisation's long id (a UUID)."""
    vmc_url: str
    csp_url: str
    token_variable: str = "API_TOKEN"  # noqa: S105 - a variable's name
    """The environment variable that holds the organisation's API token."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whose AWS credentials a lab runs with; none of the two: those of the environment."""

    profile: str | None = None
    role_arn: str | None = None
    """Assumed with the profile's, or the environment's, credentials."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """One lab."""

    name: str
    stack: str
    """The Pulumi stack, `<event>-<lab>`."""
    service: Service
    credentials: Credentials
    aws_account_id: str | None
    """12 digits; None: whatever account the credentials are of."""
    settings: Mapping[str, object]
    """The program's configuration, by the arguments of `AccountLinkArgs`; only what the spec sets."""
    owner: str | None = None
    ttl: timedelta | None = None
    """How long after its making `reap` may take the lab down; None: never."""

    @property
    def stack_name(self) -> str:
        """The name of its CloudFormation stack."""
        return str(self.settings.get("stack_name", DEFAULT_STACK_NAME))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec:
    """An event's labs."""

    event: str
    backend: str
    """A Pulumi backend's URL, absolute; "" for that of PULUMI_BACKEND_URL or `pulumi login`."""
    secrets_provider: str | None
    labs: tuple[LabSpec, ...]
    """In the file's order, patterns expanded."""
    parallel: int | None = None
    """How many labs are in flight at most; None: by memory and cores."""
    start_jitter: timedelta = timedelta(seconds=1)

    @property
    def token_variables(self) -> tuple[str, ...]:
        """The environment variables that hold the organisations' tokens."""
        return tuple(sorted({lab.service.token_variable for lab in self.labs}))
