"""Configuration and environment -> frozen settings, and the known hosts of VMware Cloud on AWS. Pure.

Read by the program and by the providers alike.
"""

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from urllib.parse import urlsplit

from vmc_account_link.errors import SecretText, SettingsError

DEFAULT_REGION = "us-west-2"
"""Where VMware runs a link's CloudFormation stack."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A service and its token service."""

    vmc: str | None
    """Host of the VMC service; None where no public source names it."""
    csp: str
    """Host of the token service."""

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The two settings that lead there; the first one without a value that is known is left out."""
        pairs = (("vmc:vmcUrl", self.vmc), ("vmc:cspUrl", self.csp))
        return tuple((key, f"https://{host}") for key, host in pairs if host)


SITES = (
    Site(vmc="vmc.vmware.com", csp="console.cloud.vmware.com"),
    # The consoles of the first have moved here; whether its API follows is not known (2026-11).
    Site(vmc="vmc.broadcom.com", csp="console.cloud.broadcom.com"),
    # GovCloud. Source: the Terraform provider for HCX; the host of its VMC service is in no public source.
    Site(vmc=None, csp="console.cloud-us-gov.vmware.com"),
)
_COMMERCIAL = {site.vmc for site in SITES if site.vmc}


def site_of(host: str | None) -> Site | None:
    """The site that a host belongs to."""
    return next((site for site in SITES if host is not None and host.lower() in {site.vmc, site.csp}), None)


def siblings_of(service_host: str | None) -> frozenset[str]:
    """The hosts under which a known service is known too; of another service none."""
    known = {host for host in _COMMERCIAL if host}
    return frozenset(known if service_host in known else ())


DEFAULT_VMC_URL = f"https://{SITES[0].vmc}"
DEFAULT_CSP_URL = f"https://{SITES[0].csp}"
_API_PATH = re.compile(r"(/vmc/api|/csp/gateway)(/.*)?$")
"""What others' settings have behind the host, such as the Terraform provider's CSP_URL."""
_OTHERS = {
    "vmc:orgId": ("VMC_ORG_ID",),
    "vmc:refreshToken": ("VMC_API_TOKEN", "VMC_REFRESH_TOKEN"),
}
"""Variables that other tools read for the same, and we do not."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A person's API token."""

    value: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """A server-to-server OAuth app, which is not bound to a person."""

    client_id: str
    client_secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VmcSettings:
    """How to reach VMware Cloud on AWS."""

    org_id: str
    """The organisation's long id (a UUID)."""
    credentials: ApiToken | OAuthApp
    vmc_url: str = DEFAULT_VMC_URL
    """Without a trailing slash."""
    csp_url: str = DEFAULT_CSP_URL
    """Without a trailing slash."""

    s3_url: str | None = None
    """Where S3 is, from which large templates come, if not where AWS says."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may ever hold."""
        match self.credentials:
            case ApiToken(value=value):
                return (value,)
            case OAuthApp(client_secret=secret):
                return (secret,)


def read_settings(
    config: Callable[[str], str | None],
    environ: Mapping[str, str],
    find_organisation: Callable[[VmcSettings], str] | None = None,
) -> VmcSettings:
    """Read the `vmc:` settings; configuration wins over the environment.

    Args:
        config: a look-up by full key, such as `vmc:orgId`; None where it is not set.
        environ: the process's environment.
        find_organisation: asks the service where the organisation is not set; None: it has to be set.

    Raises:
        SettingsError: a setting is missing, malformed or contradicts another; the message names its key.

    Source: contract.md; the variables are those of the Terraform provider `vmware/vmc`.
    """

    def setting(key: str, variable: str) -> str | None:
        return (config(key) or "").strip() or environ.get(variable, "").strip() or None

    org_id = setting("vmc:orgId", "ORG_ID")
    if org_id is None and find_organisation is None:
        raise SettingsError(
            "vmc:orgId",
            f"the VMC organisation is not set{_set_for_others('vmc:orgId', environ)}",
            "Run `pulumi config set vmc:orgId <organisation id>` or set ORG_ID.",
        )
    s3_url = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or None
    settings = VmcSettings(
        s3_url=s3_url,
        org_id=org_id or "",
        credentials=_credentials(config, environ),
        vmc_url=_base_url("vmc:vmcUrl", setting("vmc:vmcUrl", "VMC_URL") or DEFAULT_VMC_URL),
        csp_url=_base_url("vmc:cspUrl", setting("vmc:cspUrl", "CSP_URL") or DEFAULT_CSP_URL),
    )
    if org_id is None and find_organisation is not None:
        return dataclasses.replace(settings, org_id=find_organisation(settings))
    return settings


def _credentials(config: Callable[[str], str | None], environ: Mapping[str, str]) -> ApiToken | OAuthApp:
    """Take the credentials of the configuration, else those of the environment; never a mix."""
    refresh_token, api_token, *app = (
        (config(key) or "").strip()
        for key in ("vmc:refreshToken", "vmc:apiToken", "vmc:clientId", "vmc:clientSecret")
    )
    if refresh_token and api_token and refresh_token != api_token:
        raise SettingsError(
            "vmc:refreshToken",
            "vmc:apiToken is set to another token",
            "Keep one of the two (`pulumi config rm vmc:apiToken`).",
        )
    configured = (refresh_token or api_token, *app)
    ambient = tuple(environ.get(name, "").strip() for name in ("API_TOKEN", "CLIENT_ID", "CLIENT_SECRET"))
    if configured[0] and (configured[1] or configured[2]):
        raise SettingsError(
            "vmc:refreshToken",
            "it is set together with vmc:clientId or vmc:clientSecret",
            "Keep either the API token or the OAuth app (`pulumi config rm <key>`).",
        )
    for token, client_id, client_secret in (configured, ambient):
        if token:
            return ApiToken(value=SecretText(token))
        if client_id and client_secret:
            return OAuthApp(client_id=client_id, client_secret=SecretText(client_secret))
    # One half in the configuration and the other in the environment is how a secret is kept out of a file.
    client_id, client_secret = (configured[1] or ambient[1]), (configured[2] or ambient[2])
    if client_id and client_secret:
        return OAuthApp(client_id=client_id, client_secret=SecretText(client_secret))
    if client_id or client_secret:
        missing = "vmc:clientSecret" if client_id else "vmc:clientId"
        variable = "CLIENT_SECRET" if client_id else "CLIENT_ID"
        raise SettingsError(missing, "one half of the OAuth app is not set", f"Set it, or {variable}.")
    raise SettingsError(
        "vmc:refreshToken",
        f"no VMC API token is set{_set_for_others('vmc:refreshToken', environ)}",
        "Run `pulumi config set --secret vmc:refreshToken` or set API_TOKEN (or an OAuth app's vmc:clientId "
        "and vmc:clientSecret).",
    )


def _base_url(key: str, text: str) -> str:
    """Return a service's base URL without a trailing slash.

    Raises:
        SettingsError: not an https URL of a host alone. Plain http is for this machine only: the
            request carries a token.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = bool(host) and not (parts.query or parts.fragment or parts.username or parts.password)
    if not plain or parts.scheme not in {"https", "http"}:
        raise SettingsError(
            key, "this is not the URL of a service", "Give it as https://host, without a query."
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise SettingsError(key, "a token is not sent over plain http", f"Use https://{parts.netloc}.")
    if site_of(host) is not None:
        return f"https://{parts.netloc}"
    return _API_PATH.sub("", text).rstrip("/")


def _set_for_others(key: str, environ: Mapping[str, str]) -> str:
    """Which variables are set that other tools read for this setting."""
    names = [name for name in _OTHERS[key] if environ.get(name, "").strip()]
    return f" ({' and '.join(names)} in the environment is for other tools)" if names else ""


VMC_KEYS = ("orgId", "refreshToken", "apiToken", "clientId", "clientSecret", "vmcUrl", "cspUrl")
"""The keys of the namespace `vmc:` that are read."""
VMC_CREDENTIALS = ("refreshToken", "apiToken", "clientSecret")
"""Those that are credentials."""
QUOTES = "put the 12 digits in quotes, for YAML reads a leading zero as another number"
"""What to do about an AWS account that was written as a number."""


def refuse_unknown_keys(namespace: str, keys: Iterable[str], known: Collection[str]) -> None:
    """Refuse a key that nobody reads: a misspelt guard would be no guard.

    Args:
        namespace: of the configuration; the other ones are not looked at.
        keys: full keys, such as `vmc:orgId`.
        known: the keys of the namespace, without it.

    Raises:
        SettingsError: one is unknown; the message names the nearest one.
    """
    for key in sorted(keys):
        space, _, name = key.partition(":")
        if space != namespace or name in known:
            continue
        lower = {one.lower(): one for one in known}
        close = difflib.get_close_matches(name.lower(), lower)
        nearest = f"Did you mean {namespace}:{lower[close[0]]}? " if close else ""
        raise SettingsError(key, "there is no such setting", f"{nearest}`pulumi config rm {key}` removes it.")


def setting_key(argument: str) -> str:
    """The key in Pulumi's configuration of an argument: `stack_name` -> `stackName`."""
    head, *tail = argument.split("_")
    return head + "".join(word.capitalize() for word in tail)


def is_account_number(text: object) -> bool:
    """Whether this is an AWS account: 12 digits. An answer without one is taken by AWS's own SDKs."""
    return isinstance(text, str) and re.fullmatch(r"\d{12}", text, re.ASCII) is not None
