"""Failures of an exchange -> our errors, in the service's own words and without a secret. Pure."""

import email.utils
import json
import re
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3.exceptions

from vmc_account_link.api.refusals import policy_hint
from vmc_account_link.api.request import Request
from vmc_account_link.errors import (
    Forbidden,
    NotFound,
    Redirected,
    Refused,
    RequestNotSent,
    ResponseLost,
    Unauthenticated,
    Unavailable,
    VmcError,
    safe_text,
    url_origin,
)
from vmc_account_link.settings import site_of

_NEVER_CONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


def transport_error(call: Request, error: requests.RequestException) -> VmcError:
    """Map a requests exception: could the service have acted?"""
    host = url_origin(call.url)
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    if isinstance(error, requests.exceptions.SSLError):
        return RequestNotSent(
            call.action,
            f"no trusted TLS connection to {host}",
            "Check the address and the certificates (REQUESTS_CA_BUNDLE) of this machine.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return RequestNotSent(
            call.action, f"the proxy does not lead to {host}", "Check HTTPS_PROXY and NO_PROXY."
        )
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, _NEVER_CONNECTED):
        return RequestNotSent(
            call.action,
            f"{host} can't be reached",
            "Check the network and the address, then run the command again.",
        )
    if isinstance(error, ValueError):  # requests' own refusals of a URL or header are ValueErrors
        return RequestNotSent(call.action, f"{host} is not a valid address", "Check the configured URLs.")
    if isinstance(error, requests.exceptions.Timeout):
        return ResponseLost(
            call.action,
            f"{host} did not answer within {call.timeouts_seconds[1]:.0f} s",
            "Run the command again.",
        )
    return ResponseLost(
        call.action, f"the connection to {host} broke before the answer", "Run the command again."
    )


def redirect_error(call: Request, response: requests.Response) -> Redirected:
    """Name where a redirect points to, and the settings that follow it; of its address the origin alone."""
    location = response.headers.get("Location", "")
    try:
        target = urlsplit(urljoin(call.url, location))
        host = target.hostname
    except ValueError:
        target, host = urlsplit(""), None
    if not location or host is None or target.scheme not in {"https", "http"}:
        where, hint = "a redirect that names no address", "It is not followed; check the configured URLs."
    elif url_origin(target.geturl()) == url_origin(call.url):
        where = "a redirect to another path of the same host"
        hint = "It is not followed; check the configured URLs."
    else:
        where = f"a redirect to {safe_text(url_origin(target.geturl()))}"
        hint = f"It is not followed. If that is where the service is now: {_settings_for(call, target)}."
    return Redirected(call.action, f"{response.status_code}, {where}", hint)


def _settings_for(call: Request, target: SplitResult) -> str:
    """The commands that lead to a redirect's target: both settings of a known site, else the one asked."""
    site = site_of(target.hostname)
    key = "vmc:cspUrl" if "/csp/" in urlsplit(call.url).path else "vmc:vmcUrl"
    settings = site.settings if site else ((key, url_origin(target.geturl())),)
    return " and ".join(f"`pulumi config set {name} {safe_text(value)}`" for name, value in settings)


_WHAT_TO_DO = {
    401: "Make a new API token and set it (vmc:refreshToken or API_TOKEN).",
    403: "Give the token's owner the VMC service role Administrator in this organisation; check vmc:orgId.",
    404: "Check vmc:orgId and vmc:vmcUrl.",
    429: "The service limits its callers: wait some minutes, then run the command again.",
}
_CLASSES: dict[int, type[Refused]] = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 429: Unavailable}


def http_error(call: Request, response: requests.Response, body: bytes) -> Refused:
    """Compose the error of a 4xx or 5xx out of the service's own words, its ErrorResponse."""
    status = response.status_code
    message, code, retryable = _service_message(body)
    detail = f"{status}"
    if code:
        detail += f" {safe_text(code, call.secrets)}"
    if message:
        detail += f", {safe_text(message, call.secrets)}"
    unavailable = status >= 500 or status == 429
    hint = _WHAT_TO_DO.get(status) or (
        "The service has a problem: run the command again in some minutes."
        if unavailable
        else "Correct the cause, then run the command again."
    )
    if call.hint_if_rejected and not unavailable:
        hint = call.hint_if_rejected
    if status in {401, 403}:
        hint = policy_hint(message, "token") or hint
    return _CLASSES.get(status, Unavailable if unavailable else Refused)(
        call.action,
        detail,
        hint,
        status=status,
        code=code,
        retryable=retryable,
        retry_after_seconds=_retry_after(response),
    )


def _service_message(body: bytes) -> tuple[str, str | None, bool | None]:
    """(text, error code, retryable) of an error's body, whichever of the known shapes it has."""
    try:
        wire = json.loads(body)
    except (ValueError, RecursionError):
        found = dict(re.findall(rb"<(Code|Message)>([^<]{1,300})<", body[:10_000]))
        return found.get(b"Message", b"").decode("utf-8", "replace"), _decoded(found.get(b"Code")), None
    if not isinstance(wire, dict):
        return "", None, None
    messages = wire.get("error_messages")
    texts = [text for text in messages if isinstance(text, str)] if isinstance(messages, list) else []
    # pyVMC meets these keys too, and the token service uses `message`.
    texts += [wire[key] for key in ("message", "error_message") if isinstance(wire.get(key), str)]
    code, retryable = wire.get("error_code"), wire.get("retryable")
    return (
        "; ".join(dict.fromkeys(texts)),
        code if isinstance(code, str) else None,
        retryable if isinstance(retryable, bool) else None,
    )


def _decoded(text: bytes | None) -> str | None:
    return text.decode("utf-8", "replace") if text else None


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of a `Retry-After` header, which may also be a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        detail = email.utils.parsedate_to_datetime(response.headers["Date"])
        return max(0.0, moment.timestamp() - detail.timestamp())
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
