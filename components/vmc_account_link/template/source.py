"""Is this link's template ours to run? Pure functions on its URL and its text."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vmc_account_link.errors import TemplateRejected, url_origin
from vmc_account_link.settings import siblings_of

LARGEST_INLINE_BYTES = 51_200
"""CloudFormation takes a larger template by URL only (API reference, CreateStack, TemplateBody)."""

_RUNNING_TYPES = ("AWS::Lambda::", "Custom::", "AWS::CloudFormation::")
"""What runs code, or brings in resources that are not seen here (nested stacks, custom resources)."""

# S3's path-style, virtual-hosted, dual-stack and FIPS names; the bucket is VMware's own and not documented.
_S3_HOST = re.compile(r"([a-z0-9.-]+\.)?s3(-fips)?([.-](dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")


def check_source(
    url: str, *, service_url: str, s3_endpoint: str | None = None, further_hosts: Sequence[str] = ()
) -> None:
    """Judge where a template comes from, before it is downloaded or handed to CloudFormation.

    Args:
        url: the link's `template_url`.
        service_url: the VMC service's base URL; it may serve its own templates.
        s3_endpoint: where the environment says that S3 is (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`).
        further_hosts: `templateHosts` of the configuration: `host` or `host:port`, compared without case.

    Raises:
        TemplateRejected: not https (unless the host is named in `further_hosts` or is the service itself),
            or a host that is neither S3's, nor the service's or a sibling of it, nor allowed.
    """
    action = f"use the link's template at {url_origin(url)}"
    try:
        parts, service = urlsplit(url), urlsplit(service_url)
        host = (parts.hostname or "").lower()
        named = {host, _host_and_port(parts)} & {entry.strip().lower() for entry in further_hosts}
    except ValueError:
        raise TemplateRejected(action, "it is not a URL", "Nothing was created; tell VMware.") from None
    if not host or parts.username or parts.scheme not in {"https", "http"}:
        raise TemplateRejected(action, "it is not a plain web address", "Nothing was created; tell VMware.")
    if named or _origin(parts) == _origin(service) or is_s3(url, s3_endpoint):
        return
    siblings = siblings_of(service.hostname)
    if parts.scheme != "https":
        raise TemplateRejected(action, "it does not come over https", "Nothing was created; tell VMware.")
    if _host_and_port(parts) not in {f"{one}:443" for one in siblings}:
        raise TemplateRejected(
            action,
            f"{host} is neither an S3 host nor an allowed one",
            "Nothing was created; if you trust that host, add it to vmc-account-link:templateHosts.",
        )


def is_s3(url: str, s3_endpoint: str | None = None) -> bool:
    """Whether a URL is one of S3, the only host that CloudFormation takes a template from."""
    parts = urlsplit(url)
    if s3_endpoint and _origin(parts) == _origin(urlsplit(s3_endpoint)):
        return True
    return parts.scheme == "https" and _S3_HOST.fullmatch((parts.hostname or "").lower()) is not None


def validate(text: str, *, url: str, s3_endpoint: str | None = None) -> None:
    """Judge a downloaded template.

    Args:
        text: what was downloaded.
        url: from where.
        s3_endpoint: as for `check_source`.

    Raises:
        TemplateRejected: too large for one that is not on S3, no JSON or YAML, no resources, a parameter that
            somebody would have to fill in, or nothing that could report the account.
    """
    action = f"read the link's template from {url_origin(url)}"
    if not fits_inline(text) and not is_s3(url, s3_endpoint):
        raise TemplateRejected(
            action,
            f"it has {len(text.encode()):,} bytes, and CloudFormation takes more than "
            f"{LARGEST_INLINE_BYTES:,} from Amazon S3 alone",
            "Nothing was created: tell VMware, who would have to put it on S3.",
        )
    template = parse(text, action)
    resources = template.get("Resources")
    if not isinstance(resources, Mapping) or not resources:
        raise TemplateRejected(action, "it has no Resources", "Nothing was created; run `pulumi up` again.")
    parameters = template.get("Parameters")
    open_parameters = [
        str(name)
        for name, parameter in (parameters.items() if isinstance(parameters, Mapping) else ())
        if not (isinstance(parameter, Mapping) and "Default" in parameter)
    ]
    if open_parameters:
        raise TemplateRejected(
            action,
            f"it asks for parameters without a default ({', '.join(open_parameters)})",
            "Nothing was created; run this template by hand in the AWS console.",
        )
    if not _could_report(template, resources):
        raise TemplateRejected(
            action,
            "nothing in it could report the account to VMware, so it may have been cut off",
            "Nothing was created; run `pulumi up` again: it requests a new link.",
        )


def role_ids(text: str) -> list[str]:
    """The logical ids of a template's IAM roles, sorted; of one that was validated."""
    resources = parse(text, "read the link's template")["Resources"]
    return sorted(
        name
        for name, one in resources.items()
        if isinstance(one, Mapping) and one.get("Type") == "AWS::IAM::Role"
    )


def _could_report(template: Mapping[str, Any], resources: Mapping[str, Any]) -> bool:
    """Whether something in the template runs, or may: YAML that was cut off is YAML still.

    Source: VMware's documents name a Lambda function beside the roles; a stack of roles alone would be
    complete and never linked.
    """
    kinds = [str(one.get("Type", "")) for one in resources.values() if isinstance(one, Mapping)]
    return "Transform" in template or any(kind.startswith(_RUNNING_TYPES) for kind in kinds)


def fits_inline(text: str) -> bool:
    """Whether CloudFormation takes this template as a body."""
    return len(text.encode()) <= LARGEST_INLINE_BYTES


def parse(text: str, action: str) -> Mapping[str, Any]:
    """Read a template's JSON or YAML, its short forms written out (`!Ref X` is `{"Ref": "X"}`).

    Args:
        text: the template.
        action: what was asked, for the message.

    Raises:
        TemplateRejected: it is neither, or has what CloudFormation does not take.
    """
    # Here, because only a new link is read: an unchanged update does without its YAML libraries.
    from vmc_account_link.template.parse import NotTaken, load  # noqa: PLC0415

    try:
        template = load(text)
    except NotTaken as error:
        hint = "run `pulumi up` again, and tell VMware if it comes again."
        raise TemplateRejected(action, str(error), f"Nothing was created; {hint}") from None
    if not isinstance(template, Mapping):
        raise TemplateRejected(
            action, "it is neither a JSON nor a YAML template", "Nothing was created; run `pulumi up` again."
        )
    return template


def _host_and_port(parts: SplitResult) -> str:
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}".lower()


def _origin(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme, _host_and_port(parts)
