"""The environment's variables: what each is used for, in one table, and what the commands make of them.

The reference page is made of this table. Pure, but for the folder that relative paths are relative to.
"""

import os
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote


class Use(StrEnum):
    """What is done with a variable."""

    READ = "read"
    ABSOLUTE = "read; the commands make a relative path absolute"
    NAMED = "read; an error names it"
    OTHERS = "not used; an error names it"
    NEVER = "never used"


VARIABLES: Mapping[str, tuple[Use, str]] = {
    "ORG_ID": (Use.READ, "the organisation, where `vmc:orgId` is not set"),
    "API_TOKEN CLIENT_ID CLIENT_SECRET": (
        Use.READ,
        "the credentials of VMware Cloud, where none are in the `vmc:` configuration",
    ),
    "VMC_ORG_ID VMC_API_TOKEN VMC_REFRESH_TOKEN": (
        Use.OTHERS,
        "other tools' names of these, where ours are missing",
    ),
    "AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3": (
        Use.READ,
        "where AWS is, as its SDKs read it; a large template may come from this S3",
    ),
    "VMC_URL CSP_URL": (
        Use.READ,
        "the services' addresses, where `vmc:vmcUrl` and `vmc:cspUrl` are not set",
    ),
    "AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN": (
        Use.READ,
        "the AWS credentials, by AWS's own rules, where `aws:*` sets none; empty counts as unset",
    ),
    "AWS_REGION AWS_DEFAULT_REGION": (
        Use.NEVER,
        "the CloudFormation stack's region is the setting `region`",
    ),
    "AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CA_BUNDLE PULUMI_HOME "
    "PULUMI_CONFIG_PASSPHRASE_FILE": (
        Use.ABSOLUTE,
        "files and folders of AWS's and Pulumi's tools: a fleet runs them in folders of its own",
    ),
    "PULUMI_BACKEND_URL": (Use.ABSOLUTE, "where the Pulumi states are; `file://` may be relative"),
    "HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY": (
        Use.NAMED,
        "proxies, in lower case too; a service on this machine is reached without one",
    ),
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE": (
        Use.NAMED,
        "the certificates by which the services' TLS connections are verified",
    ),
    "NETRC": (Use.NEVER, "netrc files; `~/.netrc` is not used either"),
}
"""A variable, or several that belong together -> what is done with it, and what it means."""
_FILE_URL = "file://"


def prepare(environ: MutableMapping[str, str], folder: Path) -> None:
    """Make of a command's environment what means the same in every folder, and to every library.

    Args:
        environ: changed in place.
        folder: what relative paths are relative to; absolute.
    """
    for name in [name for name in environ if name.startswith("AWS_") and not environ[name].strip()]:
        del environ[name]
    for name in [
        name for names, (use, _) in VARIABLES.items() if use is Use.ABSOLUTE for name in names.split()
    ]:
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


def table() -> str:
    """All variables, in Markdown."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | {use} | {meaning} |"
        for names, (use, meaning) in VARIABLES.items()
    ]
    return "\n".join(["| variable | what is done with it | meaning |", "| --- | --- | --- |", *rows])
