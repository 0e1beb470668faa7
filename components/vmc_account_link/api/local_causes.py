"""What of this machine's settings made a request fail: a proxy, or the file of certificates. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from vmc_account_link.api.request import Request
from vmc_account_link.errors import RequestNotSent, VmcError, url_origin

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def local_cause(
    call: Request, error: Exception, mapped: VmcError, environ: Mapping[str, str]
) -> RequestNotSent | None:
    """The error that names the variable to correct; None where it is none of this machine's.

    Args:
        call: what was to be asked.
        error: as the library raised it, of whatever type: a malformed proxy is a ValueError, a missing file
            of certificates an OSError.
        mapped: what it is without a look at this machine.
        environ: the environment.
    """
    host = url_origin(call.url)
    bundle = _bundle_variable(environ)
    if bundle and "CA certificate bundle" in str(error):
        return RequestNotSent(
            call.action, f"{bundle} does not name a file of certificates", f"Correct {bundle}, or unset it."
        )
    proxy = _proxy_variable(call.url, environ)
    goes_through = proxy is not None and not requests.utils.should_bypass_proxies(call.url, None)
    if not goes_through or not isinstance(mapped, RequestNotSent):
        return None
    if isinstance(error, requests.exceptions.SSLError):
        return None
    if "SOCKS" in str(error) and isinstance(error, requests.exceptions.InvalidSchema):
        return RequestNotSent(
            call.action,
            f"{proxy} names a SOCKS proxy, which needs PySocks",
            f"Run `pip install pysocks`, or correct {proxy}.",
        )
    return RequestNotSent(
        call.action,
        f"{host} can't be reached through the proxy of {proxy}",
        f"Correct {proxy}, or name the host in NO_PROXY.",
    )


def _proxy_variable(url: str, environ: Mapping[str, str]) -> str | None:
    """The variable whose proxy a request to this address goes through; None where there is none."""
    scheme = urlsplit(url).scheme.upper()
    names = (f"{scheme}_PROXY", "ALL_PROXY")
    spelled = [one for name in names for one in (name.lower(), name)]
    return next((name for name in spelled if environ.get(name, "").strip()), None)


def _bundle_variable(environ: Mapping[str, str]) -> str | None:
    """The variable that names the certificates; None where none does."""
    return next((name for name in _BUNDLES if environ.get(name, "").strip()), None)
