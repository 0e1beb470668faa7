"""AWS's query protocol, inwards: request -> form -> what CreateStack and UpdateStack ask for."""

import dataclasses
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from moto.iam.models import get_account_id_from

from sandbox.cloudformation.errors import validation_error
from sandbox.cloudformation.lifecycle import OnFailure
from sandbox.cloudformation.records import StackRequest
from sandbox.cloudformation.template import Template

_SCOPE = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What the signature says of a request."""

    access_key: str
    region: str
    service: str


def scope_of(environ: WSGIEnvironment) -> Scope | None:
    """Key, region and service of a signed request; None for one that is not signed."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return Scope(match["key"], match["region"], match["service"]) if match else None


def account_of(environ: WSGIEnvironment) -> str:
    """The account of a request's credentials, as moto has it: the sandbox's own for keys it does not know."""
    scope = scope_of(environ)
    return environ.get("HTTP_X_MOTO_ACCOUNT_ID") or get_account_id_from(scope.access_key if scope else "")


def form_of(environ: WSGIEnvironment) -> dict[str, str]:
    """The fields of the query and of a form body; the body must be seekable and is rewound."""
    fields = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"]
        text = body.read().decode("utf-8", errors="replace")
        body.seek(0)
        fields |= dict(parse_qsl(text, keep_blank_values=True))
    return fields


def call_name(environ: WSGIEnvironment) -> str:
    """`cloudformation.CreateStack` and the like; `s3.GET` for a service without actions."""
    scope = scope_of(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "").rsplit(".", 1)[-1]
    action = form_of(environ).get("Action") or target or environ["REQUEST_METHOD"]
    return f"{scope.service if scope else 'aws'}.{action}"


def members(form: Mapping[str, str], name: str) -> list[str] | None:
    """`Name.member.1`, `Name.member.2` …; None when the field is absent, [] when it is there but empty."""
    found: list[str] = []
    while (key := f"{name}.member.{len(found) + 1}") in form:
        found.append(form[key])
    return found if found or name in form else None


def structures(form: Mapping[str, str], name: str) -> list[dict[str, str]] | None:
    """`Name.member.1.Key`, … as dictionaries; None and [] as for `members`."""
    pattern = re.compile(rf"{re.escape(name)}\.member\.(\d+)\.(\w+)")
    found: dict[int, dict[str, str]] = {}
    for key, value in form.items():
        if match := pattern.fullmatch(key):
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [found[number] for number in sorted(found)] if found or name in form else None


def stack_request(form: Mapping[str, str], template: Template | None) -> StackRequest:
    """Read CreateStack's or UpdateStack's fields.

    Raises:
        Refusal: a name CloudFormation does not accept, or fields that exclude each other.
    """
    name = form.get("StackName", "")
    if not _STACK_NAME.fullmatch(name) or (len(name) > 128 and not name.startswith("arn:")):
        raise validation_error(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    disable_rollback = form.get("DisableRollback", "false") == "true"
    if disable_rollback and "OnFailure" in form:
        raise validation_error("You can specify either DisableRollback or OnFailure, but not both.")
    notification_arns = members(form, "NotificationARNs")
    tags = structures(form, "Tags")
    return StackRequest(
        name=name,
        template=template,
        parameters={
            one["ParameterKey"]: None
            if one.get("UsePreviousValue") == "true"
            else one.get("ParameterValue", "")
            for one in structures(form, "Parameters") or []
        },
        capabilities=tuple(members(form, "Capabilities") or ()),
        tags=None if tags is None else {one["Key"]: one["Value"] for one in tags},
        role_arn=form.get("RoleARN"),
        notification_arns=None if notification_arns is None else tuple(notification_arns),
        timeout_in_minutes=int(form["TimeoutInMinutes"]) if "TimeoutInMinutes" in form else None,
        disable_rollback=disable_rollback,
        on_failure=OnFailure(form.get("OnFailure") or "ROLLBACK"),
        client_request_token=form.get("ClientRequestToken"),
    )
