"""The environment's variables: what each is used for, in one table, and what the commands make of them.

The reference page is made of this table. Pure, but for the folder that relative paths are relative to.
"""

import dataclasses
import os
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit


class Use(StrEnum):
    """What is done with a variable."""

    READ = "read"
    ABSOLUTE = "read; the commands make a relative path absolute"
    NAMED = "read; an error names it"
    OTHERS = "not used; an error names it"
    NEVER = "never used"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable, or several that belong together."""

    names: tuple[str, ...]
    use: Use
    meaning: str


VARIABLES = (
    Variable(names=("ORG_ID",), use=Use.READ, meaning="the organisation, where `vmc:orgId` is not set"),
    Variable(
        names=("API_TOKEN", "CLIENT_ID", "CLIENT_SECRET"),
        use=Use.READ,
        meaning="the credentials of VMware Cloud, where none are in the `vmc:` configuration",
    ),
    Variable(
        names=("VMC_ORG_ID", "VMC_API_TOKEN", "VMC_REFRESH_TOKEN"),
        use=Use.OTHERS,
        meaning="other tools' names of these, where ours are missing",
    ),
    Variable(
        names=("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
        use=Use.READ,
        meaning="where AWS is, as its SDKs read it; a large template may come from this S3",
    ),
    Variable(
        names=("VMC_URL", "CSP_URL"),
        use=Use.READ,
        meaning="the services' addresses, where `vmc:vmcUrl` and `vmc:cspUrl` are not set",
    ),
    Variable(
        names=(
            "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ),
        use=Use.READ,
        meaning="the AWS credentials, by AWS's own rules, where `aws:*` sets none; empty counts as unset",
    ),
    Variable(
        names=("AWS_REGION", "AWS_DEFAULT_REGION"),
        use=Use.NEVER,
        meaning="the CloudFormation stack's region is the setting `region`",
    ),
    Variable(
        names=(
            "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CA_BUNDLE",
            "PULUMI_HOME",
            "PULUMI_CONFIG_PASSPHRASE_FILE",
        ),
        use=Use.ABSOLUTE,
        meaning="files and folders of AWS's and Pulumi's tools: a fleet runs them in folders of its own",
    ),
    Variable(
        names=("PULUMI_BACKEND_URL",),
        use=Use.ABSOLUTE,
        meaning="where the Pulumi states are; `file://` may be relative",
    ),
    Variable(
        names=("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
        use=Use.NAMED,
        meaning="proxies, in lower case too; a service on this machine is reached without one",
    ),
    Variable(
        names=("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        use=Use.NAMED,
        meaning="the certificates by which the services' TLS connections are verified",
    ),
    Variable(
        names=("NETRC",),
        use=Use.NEVER,
        meaning="netrc files; `~/.netrc` is not used either",
    ),
)
_FILE_URL = "file://"
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def prepare(environ: MutableMapping[str, str], folder: Path) -> None:
    """Make of a command's environment what means the same in every folder, and to every library.

    Args:
        environ: changed in place.
        folder: what relative paths are relative to; absolute.
    """
    for name in [name for name in environ if name.startswith("AWS_") and not environ[name].strip()]:
        del environ[name]
    for variable in VARIABLES:
        if variable.use is not Use.ABSOLUTE:
            continue
        for name in variable.names:
            if value := environ.get(name, "").strip():
                environ[name] = _absolute(value, folder)


def prepare_process() -> None:
    """`prepare` for this process, in its folder."""
    prepare(os.environ, Path.cwd())


def _absolute(value: str, folder: Path) -> str:
    if value.startswith(_FILE_URL):
        path = value.removeprefix(_FILE_URL)
        is_whole = path.startswith(("/", "~"))
        return value if is_whole else f"{_FILE_URL}{quote(str(folder))}/{path}"
    if "://" in value or value.startswith("~"):
        return value
    return os.path.normpath(folder / value)


def proxy_variable(url: str, environ: Mapping[str, str]) -> str | None:
    """The variable whose proxy a request to this address goes through; None where there is none."""
    scheme = urlsplit(url).scheme.upper()
    names = (f"{scheme}_PROXY", "ALL_PROXY")
    spelled = [one for name in names for one in (name.lower(), name)]
    return next((name for name in spelled if environ.get(name, "").strip()), None)


def bundle_variable(environ: Mapping[str, str]) -> str | None:
    """The variable that names the certificates; None where none does."""
    return next((name for name in _BUNDLES if environ.get(name, "").strip()), None)


def table() -> str:
    """All variables, in Markdown."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in one.names)} | {one.use} | {one.meaning} |" for one in VARIABLES
    ]
    return "\n".join(["| variable | what is done with it | meaning |", "| --- | --- | --- |", *rows])
