"""`status --shapes`: what the service answers as keys, kinds, lengths and hosts, for a person to send.

Nobody here has seen the real service. What is still to be learnt of it: the template URL's host and form,
the link's lifetime, the task's type and params, what `cf_stack_name` holds under a chosen name, and what the
hosts that moved answer. No value is written, but for words of the service's own such as ACTIVE.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import parse_moment
from vmc_account_link.api.request import Request, RetryPolicy
from vmc_account_link.api.transport import Transport
from vmc_account_link.errors import Redirected, Refused, VmcError, url_origin
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.settings import SITES, VmcSettings, site_of
from vmc_account_link.template.source import is_s3

_TYPE_NAMES = frozenset(
    {"state", "status", "sub_status", "task_type", "resource_type", "org_type", "project_state"}
)
"""The fields whose values are words of the service's own."""
_WORD = re.compile(r"[A-Z][A-Z0-9_-]{1,40}")
_KEY = re.compile(r"[a-z][A-Za-z_]{0,60}")
_LONGEST_LIST = 3
"""Items of a list whose shapes are written; the others are counted."""
_FORMS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "a uuid"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:?\d\d)?"), "a moment"),
    (re.compile(r"\d+"), "digits"),
    (re.compile(r"vmware-sddc-formation-[0-9a-f-]+"), "vmware-sddc-formation-<uuid>"),
    (re.compile(r"arn:[a-z-]+:cloudformation:.*:stack/.*"), "the ARN of a CloudFormation stack"),
    (re.compile(r"arn:[a-z-]+:iam:.*:role/.*"), "the ARN of a role"),
)


def shape_of(value: Any, key: str = "") -> Any:
    """A value's shape: what it is and how long, never what it says. Pure.

    Args:
        value: a part of a JSON document.
        key: the field that holds it.
    """
    if isinstance(value, Mapping):
        return {
            name if _KEY.fullmatch(name) else f"<a key of {len(name)} characters>": shape_of(inner, name)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return {"items": len(value), "first": [shape_of(item, key) for item in value[:_LONGEST_LIST]]}
    if isinstance(value, str):
        return _shape_of_text(value, key)
    return "null" if value is None else type(value).__name__


def _shape_of_text(text: str, key: str) -> str:
    if key in _TYPE_NAMES and _WORD.fullmatch(text):
        return text
    if text.startswith(("https://", "http://")):
        return url_shape(text)
    form = next((name for pattern, name in _FORMS if pattern.fullmatch(text)), "text")
    return f"{form}, {len(text)} characters"


def url_shape(url: str) -> str:
    """A URL's shape: its origin without a bucket's name, its segments' lengths, its query's names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bucket, _, s3 = host.partition(".s3")
    origin = f"{parts.scheme}://<{len(bucket)}>.s3{s3}" if is_s3(url) and s3 else url_origin(url)
    segments = "/".join(f"<{len(segment)}>" for segment in parts.path.split("/") if segment)
    names = sorted(re.findall(r"(?:^|&)([A-Za-z][A-Za-z0-9_-]{0,40})=", parts.query))
    return f"{origin}/{segments}" + (f"?{'&'.join(names)}" if names else "")


def collect(
    settings: VmcSettings,
    known: LinkEvidence | None,
    link: Mapping[str, Any],
    transport: Transport | None = None,
) -> dict[str, Any]:
    """Ask what only reads, and write down the shapes of the answers; what fails is written down as well.

    Args:
        settings: where and as whom.
        known: of the link in the state; None where there is none of ours.
        link: what the state holds of the link request.
        transport: for the questions without a token; closed.
    """
    with VmcClient(settings) as vmc:
        questions: dict[str, Callable[[], Any]] = {
            "organisations": lambda: shape_of(vmc.read_json(None)),
            "connected accounts": lambda: shape_of(vmc.read_json("account-link/connected-accounts")),
            "SDDC connections": lambda: shape_of(vmc.read_json("account-link/sddc-connections")),
        }
        if known is not None and known.tracking_task:
            questions["task of the link"] = lambda: shape_of(vmc.read_json(f"tasks/{known.tracking_task}"))
        answers = {name: _answer(ask) for name, ask in questions.items()}
        if known is not None:
            answers["cf_stack_name"] = _answer(lambda: _names(vmc, known))
    return {
        "service": _known_or_other(settings.vmc_url),
        "token service": _known_or_other(settings.csp_url),
        "answers": answers,
        "link request": link_shape(link),
        "known hosts": _known_hosts(settings, transport or Transport()),
    }


def link_shape(link: Mapping[str, Any]) -> dict[str, Any]:
    """The form of the link request in the state: hosts, lifetime. Pure."""
    shapes = {key: shape_of(link[key], key) for key in ("template_url", "tracking_task") if link.get(key)}
    begin, end = (_moment(link.get(key)) for key in ("requested_at", "expiration_date"))
    if begin and end:
        shapes["lifetime_seconds"] = round((end - begin).total_seconds())
    return shapes


def _moment(text: Any) -> datetime | None:
    try:
        return parse_moment(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Refused as error:
        return f"status {error.status}"
    except VmcError as error:
        return type(error).__name__


def _names(vmc: VmcClient, known: LinkEvidence) -> Sequence[str]:
    """What `cf_stack_name` holds for our account, beside the name that we chose."""
    records = [one for one in vmc.list_connected_accounts() if one.account_number == known.account_number]
    return [
        "the chosen name" if one.cf_stack_name in known.stack_names else shape_of(one.cf_stack_name)
        for one in records
    ]


def _known_or_other(url: str) -> str:
    """A service's address where it is one that everybody knows."""
    return url_origin(url) if site_of(urlsplit(url).hostname) else "another address"


def _known_hosts(settings: VmcSettings, transport: Transport) -> dict[str, str]:
    """What the known hosts answer to a question without a token, if the service is one of them."""
    with transport:
        if site_of(urlsplit(settings.vmc_url).hostname) is None:
            return {}
        urls = [
            url
            for site in SITES
            for url in (
                f"https://{site.vmc}/vmc/api/orgs" if site.vmc else "",
                f"https://{site.csp}/csp/gateway/am/api/auth/api-tokens/authorize",
            )
            if url
        ]
        return {url: _status_of(url, transport) for url in urls}


def _status_of(url: str, transport: Transport) -> str:
    question = Request(method="GET", url=url, action="ask a known host", repeat=RetryPolicy.NONE)
    try:
        transport.send(question, lambda _: None)
    except Redirected as error:
        return error.detail
    except Refused as error:
        return f"status {error.status}"
    except VmcError as error:
        return type(error).__name__
    return "answered"
