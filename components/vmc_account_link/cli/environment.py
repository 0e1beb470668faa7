"""The environment's variables: what each is used for, in one table, and what the commands make of them.

The reference page is made of this table. Pure, but for the folder that relative paths are relative to.
"""

import os
from collections.abc import Mapping
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
    "AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CA_BUNDLE "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE PULUMI_HOME PULUMI_CREDENTIALS_PATH "
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
    "GOGC": (Use.READ, "Go's garbage collector; `vmc-labs` gives 400 to what it starts, where it is not set"),
    "NETRC": (Use.NEVER, "netrc files; `~/.netrc` is not used either"),
}
"""A variable, or several that belong together -> what is done with it, and what it means."""
_FILE_URL = "file://"


def prepare_process() -> None:
    """Make of this process's environment what means the same in every folder, and to every library."""
    for name in [name for name in os.environ if name.startswith("AWS_") and not os.environ[name].strip()]:
        del os.environ[name]
    os.environ.update(absolute_paths(os.environ))


def absolute_paths(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that name a file, a folder or a backend, as they are meant in this process's folder."""
    absolute = (names.split() for names, (use, _) in VARIABLES.items() if use is Use.ABSOLUTE)
    given = {name: environ.get(name, "").strip() for names in absolute for name in names}
    return {name: _absolute(value, Path.cwd()) for name, value in given.items() if value}


def _absolute(value: str, folder: Path) -> str:
    if "://" in value:
        return absolute_backend(value, folder)
    return os.path.normpath(folder / os.path.expanduser(value))  # noqa: PTH111 - no home is no error


def absolute_backend(url: str, folder: Path) -> str:
    """The same backend by a URL that means the same from every folder.

    Args:
        url: as the engine takes it: `file://.`, `file://states`, `file://~/states`, or of another scheme.
        folder: what a relative path is relative to; absolute.
    """
    if not url.startswith(_FILE_URL):
        return url
    path, position, query = url.removeprefix(_FILE_URL).partition("?")
    if path == "~" or path.startswith("~/"):
        path = f"{quote(os.path.expanduser('~'))}/{path[2:]}"  # noqa: PTH111 - no home is no error
    if not path.startswith("/"):
        path = f"{quote(str(folder))}/{path}"
    return f"{_FILE_URL}{_normal(path)}{position}{query}"


def _normal(path: str) -> str:
    """The path without `.` and `..`; as text, since its percent signs are the URL's."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(step)
    return "/" + "/".join(steps)


def table() -> str:
    """All variables, in Markdown."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | {use} | {meaning} |"
        for names, (use, meaning) in VARIABLES.items()
    ]
    return "\n".join(["| variable | what is done with it | meaning |", "| --- | --- | --- |", *rows])
