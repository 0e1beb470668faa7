"""A spec as it is written: the keys, their types and their meaning; the JSON schema is made from this."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from vmc_account_link.args import tags_problem
from vmc_labs.spec.durations import DURATION_PATTERN, parse_duration
from vmc_labs.spec.patterns import expand

NAME_RULE = "letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|\{account\}):role/[\w+=,.@/{}-]+")
_LONGEST_NAME = 60
"""Characters: with the event's it has to fit a Pulumi stack's 100."""


def _check_duration(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration: write it with its unit")  # noqa: TRY004 - pydantic's way
    return parse_duration(value)


def _check_name(value: str) -> str:
    for name in expand(value):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} can't be a name: {NAME_RULE}")
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"{name!r} is longer than {_LONGEST_NAME} characters")
    return value


def _check_event(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} can't be an event's name: {NAME_RULE}")
    if len(value) > 39:
        raise ValueError(f"{value!r} is longer than 39 characters")
    return value


def _check_accounts(value: object) -> object:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, int) and not isinstance(one, bool):
            raise ValueError(f"{one} is a number to YAML: put the 12 digits in quotes")  # noqa: TRY004
        if not isinstance(one, str):
            raise ValueError(f"{one!r} is not an AWS account number: 12 digits in quotes")  # noqa: TRY004
        for account in expand(one):
            if not re.fullmatch(r"\d{12}", account):
                raise ValueError(f"{account!r} is not an AWS account number: 12 digits")
    return value


def _check_ranges(value: str) -> str:
    expand(value)
    return value


def _check_role(value: str) -> str:
    for one in expand(value):
        if not _ROLE.fullmatch(one):
            raise ValueError(f"{one!r} is not a role: arn:aws:iam::111111111111:role/name")
    return value


def _check_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError(f"{value!r} is not the URL of a service: https://host")
    return value


def _check_backend(value: str) -> str:
    if not re.match(r"(file|s3|gs|azblob|postgres|https?)://\S+$", value):
        raise ValueError(
            f"{value!r} is not a Pulumi backend: s3://…, file://…, gs://…, azblob://…, https://…"
        )
    if re.search(r"://[^/@]*:[^/@]*@", value):
        raise ValueError("a password is never in a spec: leave this out and set PULUMI_BACKEND_URL")
    return value


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    if problem := tags_problem(tags):
        raise ValueError(": ".join(problem))
    return tags


Duration = Annotated[
    timedelta,
    BeforeValidator(_check_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["8h", "90m", "1d12h"]}),
]
_ACCOUNT_SCHEMA = {"type": "string", "pattern": r"^[\d{}.]{12,}$"}
Accounts = Annotated[
    str | list[str],
    BeforeValidator(_check_accounts),
    WithJsonSchema({"anyOf": [_ACCOUNT_SCHEMA, {"type": "array", "items": _ACCOUNT_SCHEMA}]}),
]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, populate_by_name=False
    )


class Vmc(_Model):
    """The VMC organisation. The API token is never in a spec: it comes from the environment."""

    org_id: Annotated[
        Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,64}$")] | None,
        Field(description="The organisation's long id; default ORG_ID."),
    ] = None
    token_variable: Annotated[
        Variable | None,
        Field(description="The environment variable that holds the organisation's API token: API_TOKEN."),
    ] = None
    vmc_url: Annotated[
        Annotated[str, AfterValidator(_check_url)] | None, Field(description="Default VMC_URL, or VMware's.")
    ] = None
    csp_url: Annotated[
        Annotated[str, AfterValidator(_check_url)] | None, Field(description="Default CSP_URL, or VMware's.")
    ] = None


class Policy(_Model):
    """What a link's template may create and whom its roles may trust; an unset list allows everything."""

    resource_types: Annotated[
        list[Text] | None, Field(description="CloudFormation types that it may create.")
    ] = None
    trusted_accounts: Annotated[
        list[Text] | None, Field(description="AWS accounts that its roles may trust.")
    ] = None


class Settings(_Model):
    """What may be set for all labs and for one: the program's configuration, and how long a lab lives."""

    link: Annotated[
        Literal["create", "existing"] | None,
        Field(description="create: make the link and own it. existing: the account is linked already."),
    ] = None
    stack_name: Annotated[
        Annotated[str, Field(pattern=r"^([A-Za-z]|\{name\})([A-Za-z0-9-]|\{name\}){0,127}$")] | None,
        Field(description="Name of the CloudFormation stack; {name} is the lab's."),
    ] = None
    region: Annotated[
        Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None,
        Field(description="Where the CloudFormation stack runs; default us-west-2."),
    ] = None
    template_hosts: Annotated[
        list[Text] | None, Field(description="Further hosts that the template may come from.")
    ] = None
    link_timeout_minutes: Annotated[
        Annotated[int, Field(ge=1, le=1440)] | None,
        Field(description="How long to wait for the account to become connected; default 30."),
    ] = None
    unlink_on_destroy: Annotated[
        bool | None,
        Field(description="Unlink the account before the CloudFormation stack is deleted; default true."),
    ] = None
    relink: Annotated[
        Text | None, Field(description="Change it to request a new link and run its template.")
    ] = None
    relink_despite_sddcs: Annotated[
        Text | None, Field(description="The same text as relink: do it although SDDCs use the link.")
    ] = None
    template_policy: Annotated[
        Policy | None,
        Field(description="Refuse a template that does more than this, before anything is created."),
    ] = None
    subnet_region: Annotated[
        Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None,
        Field(description="List the subnets of that region that an SDDC can use."),
    ] = None
    sddc_type: Annotated[
        Literal["1NODE", "SingleAZ", "MultiAZ"] | None,
        Field(description="Type of the SDDC that these are for."),
    ] = None
    sddc_hosts: Annotated[
        Annotated[int, Field(ge=1)] | None, Field(description="How many hosts that SDDC will have.")
    ] = None
    sddc_subnets: Annotated[
        list[Text] | None, Field(description="The subnets chosen for that SDDC: fail where they do not fit.")
    ] = None
    tags: Annotated[
        Annotated[dict[str, str], AfterValidator(_check_tags)] | None,
        Field(description="Tags of the CloudFormation stack; a lab's are added to those of `defaults`."),
    ] = None
    ttl: Annotated[
        Duration | None,
        Field(description="How long after its creation `reap` may take a lab down: 8h, 1d12h."),
    ] = None
    owner: Annotated[Text | None, Field(description="Whose it is; a tag of the Pulumi stack.")] = None


class Lab(Settings):
    """One lab, or as many as its name's range says; other ranges in the entry run along with it."""

    name: Annotated[
        str, AfterValidator(_check_name), Field(description="Unique in the file; team-{01..30} makes thirty.")
    ]
    aws_profile: Annotated[
        Annotated[Text, AfterValidator(_check_ranges)] | None,
        Field(description="A profile of AWS's shared files; {name} is the lab's name."),
    ] = None
    role_arn: Annotated[
        Annotated[str, AfterValidator(_check_role)] | None,
        Field(description="Assumed for the lab; {account} and {name} are the lab's."),
    ] = None
    aws_account_id: Annotated[
        Accounts | None,
        Field(
            description="12 digits in quotes: refuse any other account. With a range, a list has one each."
        ),
    ] = None
    vmc: Annotated[Vmc | None, Field(description="Another organisation than the fleet's.")] = None


class Limits(_Model):
    """How hard this machine, and AWS, may be driven."""

    parallel: Annotated[
        Annotated[int, Field(ge=1, le=500)] | None,
        Field(description="Labs in flight at most; default by memory and cores."),
    ] = None
    start_jitter: Annotated[
        Duration | None, Field(description="A random pause up to this before each start; default 1s.")
    ] = None


class Fleet(_Model):
    """An event's labs: a spec of `vmc-labs`."""

    event: Annotated[
        str, AfterValidator(_check_event), Field(description="Pulumi stacks are named <event>-<lab>.")
    ]
    backend: Annotated[
        Annotated[str, AfterValidator(_check_backend)] | None,
        Field(description="A Pulumi backend's URL; default PULUMI_BACKEND_URL, or the one logged in to."),
    ] = None
    secrets_provider: Annotated[
        Text | None, Field(description="Encrypts secrets in new Pulumi states, as in `pulumi stack init`.")
    ] = None
    vmc: Annotated[Vmc, Field(description="The organisation of all labs that name none.")] = Vmc()
    defaults: Annotated[Settings, Field(description="For every lab; what a lab sets itself wins.")] = (
        Settings()
    )
    limits: Annotated[Limits, Field(description="How many at a time.")] = Limits()
    labs: Annotated[list[Lab], Field(min_length=1, description="The labs.")]


def json_schema() -> dict[str, Any]:
    """The schema that editors complete specs from, in camelCase like the files."""
    schema = Fleet.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
