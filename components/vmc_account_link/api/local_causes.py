"""What of this machine's settings made a request fail: a proxy, or the file of certificates. Pure."""

from collections.abc import Mapping

import requests

from vmc_account_link.api.request import Request
from vmc_account_link.environment import bundle_variable, proxy_variable
from vmc_account_link.errors import RequestNotSent, VmcError, url_origin


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
    bundle = bundle_variable(environ)
    if bundle and "CA certificate bundle" in str(error):
        return RequestNotSent(
            call.action, f"{bundle} does not name a file of certificates", f"Correct {bundle}, or unset it."
        )
    proxy = proxy_variable(call.url, environ)
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
