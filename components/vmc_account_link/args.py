"""The arguments of an account link, and whether they make sense. Pure, but for a warning."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast, get_args

import pulumi
from pulumi.runtime import is_config_secret
from pulumi.runtime.config import CONFIG

from vmc_account_link.api.organisation import find_organisation
from vmc_account_link.errors import SettingsError
from vmc_account_link.link.subnets import DEFAULT_SDDC_TYPE, SDDC_TYPES, count_problem
from vmc_account_link.resource_types import PACKAGE
from vmc_account_link.settings import (
    DEFAULT_REGION,
    QUOTES,
    VMC_CREDENTIALS,
    VMC_KEYS,
    VmcSettings,
    read_settings,
    refuse_unknown_keys,
    setting_key,
)
from vmc_account_link.template.policy import read_policy

DEFAULT_STACK_NAME = "SDDC-Account-Link"
DEFAULT_LINK_TIMEOUT_MINUTES = 30
_DEFAULTS: Mapping[str, Any] = {
    "link": "create",
    "stack_name": DEFAULT_STACK_NAME,
    "region": DEFAULT_REGION,
    "link_timeout_minutes": DEFAULT_LINK_TIMEOUT_MINUTES,
    "unlink_on_destroy": True,
}
LinkMode = Literal["create", "existing"]
SddcType = Literal["1NODE", "SingleAZ", "MultiAZ"]

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_TEXTS = (
    ("region", _REGION, "Set a region such as us-west-2."),
    ("subnet_region", _REGION, "Set a region such as us-west-2."),
    ("aws_account_id", re.compile(r"[0-9]{12}"), f"Set the 12 digits: {QUOTES}."),
    # CloudFormation's own rule (API reference, CreateStack): it says so only once a link was requested.
    (
        "stack_name",
        re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}"),
        "Set up to 128 letters, digits and hyphens, a letter first.",
    ),
)
"""Argument, pattern of its text, and the rule in words."""
_LARGEST_TAGS, _LARGEST_TAG_KEY, _LARGEST_TAG_VALUE = 50, 128, 256
_IN_QUOTES = (
    "Put it in quotes (`pulumi config set --path … --type string`): YAML reads 0123 or 1.10 as another "
    "number."
)
_TAG_SIGNS = "letters, digits, spaces and _ . : / = + - @"
_LISTS = (
    (
        "template_hosts",
        re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?"),
        "Set a list of texts, each `host` or `host:port`.",
    ),
    ("sddc_subnets", re.compile(r"\S+"), "Set a list of subnet ids."),
)
"""Argument, pattern of each text of its list, and the rule in words."""
_TYPES: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(
        ("link", "stack_name", "region", "aws_account_id", "relink", "relink_despite_sddcs"), (str, "a text")
    ),
    **dict.fromkeys(("subnet_region", "sddc_type"), (str, "a text")),
    **dict.fromkeys(("link_timeout_minutes", "sddc_hosts"), (int, "a whole number")),
    "unlink_on_destroy": (bool, "true or false"),
}
"""Argument -> its type, and that in words; lists and objects are judged by themselves."""


class AccountLinkArgs(TypedDict):
    """The arguments of an account link; every key may be left out or None."""

    vmc: NotRequired[VmcSettings | None]
    """The service's settings, for a program that has them as a value; unset: `vmc:*` and the environment. The
    state holds none of it. Whoever serves the dynamic resources has to know it too: the fleet does, and the
    engine's own process reads `vmc:*` and the environment."""
    link: NotRequired[LinkMode | None]
    """`create` (the default): make the link and own it. `existing`: only look up one that exists."""
    stack_name: NotRequired[pulumi.Input[str] | None]
    """Name of the CloudFormation stack; default `SDDC-Account-Link`."""
    region: NotRequired[str | None]
    """Where the CloudFormation stack runs; default `us-west-2`, anything else is allowed with a warning."""
    aws_account_id: NotRequired[pulumi.Input[str] | None]
    """Refuse to run in any other AWS account than this one (12 digits)."""
    template_hosts: NotRequired[pulumi.Input[Sequence[str]] | None]
    """Further hosts (`host` or `host:port`) that the template may come from."""
    link_timeout_minutes: NotRequired[pulumi.Input[int] | None]
    """How long to wait for the account to become connected; default 30."""
    unlink_on_destroy: NotRequired[pulumi.Input[bool] | None]
    """On destroy, unlink the account before the CloudFormation stack is deleted; default true."""
    relink: NotRequired[str | None]
    """Another text than before requests a new link and runs its template in the same CloudFormation stack.
    Refused while SDDCs use the link."""
    relink_despite_sddcs: NotRequired[str | None]
    """The same text as `relink`: do it although SDDCs use the link."""
    template_policy: NotRequired[Mapping[str, Sequence[str]] | None]
    """What the template may create (`resourceTypes`) and whom its roles may trust (`trustedAccounts`)."""
    subnet_region: NotRequired[str | None]
    """List the subnets of this region that an SDDC can use."""
    sddc_type: NotRequired[SddcType | None]
    """Type of the SDDC that the subnets are for: `1NODE`, `SingleAZ` or `MultiAZ`."""
    sddc_hosts: NotRequired[int | None]
    """How many hosts that SDDC will have; 0 counts as unset."""
    sddc_subnets: NotRequired[Sequence[str] | None]
    """The subnets chosen for that SDDC: fail where they do not fit it."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    """Tags of the CloudFormation stack."""


def read_vmc_settings() -> VmcSettings:
    """Read the `vmc:` settings of the running program.

    Raises:
        SettingsError: one is missing or malformed.
    """
    config = pulumi.Config("vmc")
    refuse_unknown_keys("vmc", configured_keys(), VMC_KEYS)
    for key in VMC_CREDENTIALS:
        if config.get(key) and not is_config_secret(f"vmc:{key}"):
            pulumi.log.warn(
                f"vmc:{key} is in plaintext in the configuration's file: set it again with "
                f"`pulumi config set --secret vmc:{key}`."
            )
    return read_settings(
        lambda key: config.get(key.removeprefix("vmc:")),
        os.environ,
        lambda known: find_organisation(known, emit_progress=pulumi.log.info),
    )


def configured_keys() -> set[str]:
    """All keys of the running program's configuration, with their namespaces."""
    return {*pulumi.runtime.get_config_env(), *CONFIG.get()}


def read_args(config: pulumi.Config) -> AccountLinkArgs:
    """Read the arguments that the program's configuration sets, each under its key (`setting_key`).

    Raises:
        SettingsError: a key is unknown, or a value is not of its type.
    """
    args = parse_args(config.name, configured_keys(), config.get)
    for argument, value in args.items():
        if not is_config_secret(f"{config.name}:{setting_key(argument)}"):
            continue
        if argument in _SECRET_WHERE_SAID:
            # Judged before: of an Output nobody knows the value yet.
            validate_args({argument: value})
            cast("dict[str, Any]", args)[argument] = pulumi.Output.secret(value)
        if argument in _PLAIN_IN_STATE:
            pulumi.log.warn(
                f"{config_key(argument)} is a secret of the configuration, and in plaintext in the Pulumi "
                f"state: {_PLAIN_IN_STATE[argument]}."
            )
    return args


_SECRET_WHERE_SAID = frozenset({"tags", "template_hosts"})
"""Arguments that can be secret in the state; of the others some part is an id, or decides in the program."""
_PLAIN_IN_STATE = {
    argument: "it is a part of names and ids there"
    for argument in AccountLinkArgs.__annotations__
    if argument not in _SECRET_WHERE_SAID
} | {"tags": "Pulumi's AWS provider writes them once more, as `tagsAll` among its inputs"}
"""Argument -> why it is not secret there."""


def parse_args(namespace: str, keys: Iterable[str], get: Callable[[str], str | None]) -> AccountLinkArgs:
    """Make arguments of the texts of a configuration.

    Args:
        namespace: the program's.
        keys: all full keys of the configuration.
        get: text by key without its namespace; None where it is not set.

    Raises:
        SettingsError: a key is unknown, or a value is not of its type.
    """
    arguments = [argument for argument in AccountLinkArgs.__annotations__ if argument != "vmc"]
    refuse_unknown_keys(namespace, keys, [setting_key(argument) for argument in arguments])
    texts = {argument: get(setting_key(argument)) for argument in arguments}
    return cast(
        "AccountLinkArgs", {key: _parsed(key, text) for key, text in texts.items() if text is not None}
    )


def _parsed(argument: str, text: str) -> Any:
    """The value of a text; an unparsable one stays a text, which `validate_args` refuses."""
    kind = _TYPES[argument][0] if argument in _TYPES else object
    if kind is str:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if kind is object or type(value) is kind else text


def join_args(args: AccountLinkArgs | None, keywords: AccountLinkArgs) -> AccountLinkArgs:
    """The arguments of an object and those by keyword.

    Raises:
        SettingsError: one is in both.
    """
    twice = sorted(set(args or ()) & set(keywords))
    if twice:
        raise SettingsError(
            "AccountLink", f"{', '.join(twice)} is given twice", "Give it in `args` or by keyword."
        )
    return cast("AccountLinkArgs", {**(args or {}), **keywords})


def drop_unset(args: AccountLinkArgs | None) -> dict[str, Any]:
    """The arguments that are set.

    Empty text, an empty object, and 0 of `sddc_hosts`, is how Pulumi.yaml's defaults say "unset". Blanks
    around a text, of a list too, are nobody's intention.
    """
    stripped = {key: _strip(value) for key, value in (args or {}).items()}
    given = {key: value for key, value in stripped.items() if value not in (None, "", {})}
    if given.get("sddc_hosts") == 0:
        del given["sddc_hosts"]
    return given


def without_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are not as good as left out: what the Pulumi state records of them.

    Pulumi.yaml sets every default and a program of one's own none; both make the same link.
    """
    return {key: value for key, value in given.items() if value not in (_DEFAULTS.get(key), [], {})}


def argument_name(argument: str) -> str:
    """The name of an argument for whoever is to correct it.

    That is its key in the configuration where this program runs, whose project has the name of the package.
    """
    return config_key(argument) if pulumi.get_project() == PACKAGE else argument


def config_key(argument: str) -> str:
    """The key of an argument in the program's configuration: `vmc-account-link:stackName`."""
    return f"{PACKAGE}:{setting_key(argument)}"


def validate_args(given: Mapping[str, Any], name: Callable[[str], str] = argument_name) -> None:
    """Validate the arguments; Outputs are validated by the resources, when their value is known.

    Args:
        given: the arguments that are set (`drop_unset`).
        name: how a message names an argument.

    Raises:
        SettingsError: an argument does not exist, can't have its value, or conflicts with another one.
    """
    unknown = sorted(set(given) - set(AccountLinkArgs.__annotations__))
    if unknown:
        raise SettingsError("AccountLink", f"it has no argument {', '.join(unknown)}", "See AccountLinkArgs.")
    if not isinstance(given.get("vmc"), VmcSettings | None):
        raise SettingsError("AccountLink", "its vmc is not a VmcSettings", "Read them with `read_settings`.")
    _validate_types(given, name)
    link = given.get("link", "create")
    if link not in get_args(LinkMode):
        raise SettingsError(
            name("link"), f"{link!r} is not one of its values", "Set it to `create` or `existing`."
        )
    if link == "existing" and "relink" in given:
        raise SettingsError(
            name("relink"),
            "an existing link is renewed where it was made",
            "Remove it (`pulumi config rm relink`).",
        )
    for key, problem in (("link_timeout_minutes", "too short"), ("sddc_hosts", "too few")):
        if isinstance(number := given.get(key), int) and number < 1:
            raise SettingsError(name(key), f"{number} is {problem}", "Set 1 or more.")
    for key, pattern, rule in _TEXTS:
        if isinstance(text := given.get(key), str) and not pattern.fullmatch(text):
            raise SettingsError(name(key), f"{text!r} is not valid", rule)
    _validate_collections(given, name)
    read_policy(given.get("template_policy"), setting=name("template_policy"))
    _validate_subnets(given, name)


def _validate_types(given: Mapping[str, Any], name: Callable[[str], str]) -> None:
    for key, (kind, description) in _TYPES.items():
        value = given.get(key)
        if value is None or isinstance(value, pulumi.Output):
            continue
        # True is an int for Python.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(name(key), f"{value!r} is not {description}", f"Set it to {description}.")


def _validate_collections(given: Mapping[str, Any], name: Callable[[str], str]) -> None:
    """Validate lists and objects: a text where a list is meant would count as a list of its letters."""
    for key, pattern, rule in _LISTS:
        entries = given.get(key, [])
        if isinstance(entries, pulumi.Output):
            continue
        if not isinstance(entries, list | tuple) or not all(_fits(entry, pattern) for entry in entries):
            raise SettingsError(name(key), f"{entries!r} is not valid", rule)
    tags = given.get("tags", {})
    if not isinstance(tags, pulumi.Output) and (problem := tags_problem(tags)):
        raise SettingsError(name("tags"), *problem)


_TAG = re.compile(r"[\w .:/=+@-]*")
"""AWS's letters, digits, spaces and signs (IAM's `Tag`): CloudFormation passes the tags on to the roles."""


def tags_problem(tags: Any) -> tuple[str, str] | None:
    """What AWS would refuse in a stack's tags, and what to do, in words; None: nothing."""
    if not isinstance(tags, Mapping) or any(
        not isinstance(key, str) or isinstance(value, Mapping | list | tuple) or value is None
        for key, value in tags.items()
    ):
        return "they are not an object of texts", "Set one, such as {owner: workshop}."
    if len(tags) > _LARGEST_TAGS:
        return f"there are {len(tags)} of them", f"CloudFormation takes {_LARGEST_TAGS} at most."
    problems = (_tag_problem(key, "" if _is_output(value) else value) for key, value in tags.items())
    return next(filter(None, problems), None)


def _tag_problem(key: str, value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return f"{key} is {json.dumps(value)}, not a text", _IN_QUOTES
    if key.lower().startswith("aws:"):
        return f"{key} is AWS's own", "Choose a name that does not begin with aws:."
    if not key.strip() or len(key) > _LARGEST_TAG_KEY or not _TAG.fullmatch(key):
        return f"{key!r} can't be a tag's name", f"AWS's rule: 1 to {_LARGEST_TAG_KEY} {_TAG_SIGNS}."
    if len(value) > _LARGEST_TAG_VALUE or not _TAG.fullmatch(value):
        return (
            f"the value of {key} can't be a tag's value",
            f"AWS's rule: at most {_LARGEST_TAG_VALUE} {_TAG_SIGNS}.",
        )
    return None


def _is_output(value: Any) -> bool:
    return isinstance(value, pulumi.Output)


def _fits(entry: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(entry, pulumi.Output) or (isinstance(entry, str) and bool(pattern.fullmatch(entry)))


def _validate_subnets(given: Mapping[str, Any], name: Callable[[str], str]) -> None:
    if "subnet_region" not in given:
        for key in ("sddc_type", "sddc_hosts", "sddc_subnets"):
            if given.get(key):
                raise SettingsError(
                    name(key),
                    "it needs a region of subnets, and none is set",
                    f"Set {name('subnet_region')} too, or remove it.",
                )
        return
    kind = given.get("sddc_type", DEFAULT_SDDC_TYPE)
    if kind not in SDDC_TYPES:
        raise SettingsError(
            name("sddc_type"), f"{kind!r} is not valid", f"Set one of {', '.join(SDDC_TYPES)}."
        )
    chosen = given.get("sddc_subnets")
    if chosen and (problem := count_problem(chosen, kind)):
        raise SettingsError(name("sddc_subnets"), problem, f"Correct the list, or {name('sddc_type')}.")


def stack_region(given: Mapping[str, Any]) -> str:
    """The stack's region, with a warning where VMware's own documents are not of one mind."""
    region: str = given.get("region", DEFAULT_REGION)
    if region != DEFAULT_REGION:
        pulumi.log.warn(
            f"vmc-account-link:region is {region}: VMware runs a link's CloudFormation stack in "
            f"{DEFAULT_REGION}. Note where this one is: it has to stay there as long as the link."
        )
    return region


def _strip(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_strip(entry) for entry in value]
    return value.strip() if isinstance(value, str) else value
