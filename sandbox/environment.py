"""The sandbox as a whole: servers, folders, and the environment that makes a program use them."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlencode
from wsgiref.types import WSGIApplication

from sandbox.aws_accounts import AwsAccount, make_accounts, write_shared_files
from sandbox.control.client import SandboxControl
from sandbox.plugins import find_provider, install, language_hosts
from sandbox.server import RunningServer
from sandbox.vmware_app import build_vmware_app
from sandbox.world import World

_REPOSITORY = Path(__file__).resolve().parent.parent
_ENGINE = _REPOSITORY / ".engine" / "bin"
_LOOPBACK = "127.0.0.1,localhost"
_REGION = "us-west-2"
# Encrypts secrets in the state of sandbox stacks only; constant, so that a kept folder can be used again.
_PASSPHRASE = "sandbox"  # noqa: S105

DEFAULT_ACCOUNT = "123456789012"
"""The AWS account of the environment's own keys."""
_BUCKET = "pulumi-state"

_AMBIENT_PREFIXES = ("AWS_", "PULUMI_", "VMC_", "CSP_", "SANDBOX_")
_AMBIENT_NAMES = frozenset({"ORG_ID", "API_TOKEN", "CLIENT_ID", "CLIENT_SECRET"})
# Harmless, and wanted: how the real plugin is downloaded behind a proxy, what the engine shows and asks.
_AMBIENT_KEPT = frozenset(
    {"AWS_CA_BUNDLE", "PULUMI_DEBUG_COMMANDS", "PULUMI_OPTION_COLOR", "PULUMI_SKIP_CONFIRMATIONS"}
)


def ambient_names(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of an environment that could lead a program out of the sandbox, sorted."""
    return tuple(
        sorted(
            name
            for name in environment
            if name not in _AMBIENT_KEPT and (name.startswith(_AMBIENT_PREFIXES) or name in _AMBIENT_NAMES)
        )
    )


class Backend(StrEnum):
    """Where Pulumi keeps its states."""

    FILE = "file"
    """A folder of this machine."""
    S3 = "s3"
    """A bucket of the sandbox's AWS, of the environment's own account."""


class Sandbox:
    """VMware Cloud and AWS on this machine, from `start` until `stop`; a context manager."""

    def __init__(
        self,
        world: World,
        *,
        servers: tuple[RunningServer, RunningServer],
        environment: Mapping[str, str],
        folder: Path,
        accounts: tuple[AwsAccount, ...],
        stack: ExitStack,
    ) -> None:
        """Take over what `start` made; `servers` are VMware's and AWS's."""
        self.world = world
        self.accounts = accounts
        """The teams' AWS accounts, beside the one of the environment's own keys."""
        self.vmware_url = servers[0].url
        self.environment = environment
        """The variables to set, those of `ambient_names` in the caller's own environment to be dropped."""
        self.folder = folder
        self.control = SandboxControl(self.vmware_url)
        self._servers = servers
        self._stack = stack

    @classmethod
    def start(
        cls,
        folder: Path | None = None,
        *,
        accounts: int = 0,
        organizations: int = 1,
        backend: Backend = Backend.FILE,
        first_poll_seconds: float | None = None,
    ) -> Self:
        """Start everything.

        Until `stop`, AWS_PROFILE is out of this process's environment: moto can't do with it.

        Args:
            folder: holds the Pulumi backend and home; None: a temporary one that `stop` deletes.
            accounts: how many AWS accounts teams have, each with a profile (`team-01` …).
            organizations: how many VMC organizations there are, each with an API token of its own.
            backend: where Pulumi keeps its states.
            first_poll_seconds: have the quick build of the AWS provider first look at a stack so soon; None:
                the untouched provider, which does after 10 s.

        Raises:
            OSError: a port or a folder is not to be had.
        """
        with ExitStack() as stack:
            root = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vmc-sandbox-")))
            root = root.resolve()
            world = World.new(organizations=organizations)
            stack.enter_context(_without_profile())
            vmware = stack.enter_context(RunningServer(build_vmware_app(world), name="vmware"))
            aws = stack.enter_context(RunningServer(_aws_app(world), name="aws"))
            for organization in world.organizations:
                organization.links.s3_url = aws.url
            world.faults.refuse |= {"vmware": vmware.refuse, "aws": aws.refuse}
            # Runs before the servers stop: they wait for the requests in flight.
            stack.callback(world.faults.release)
            teams = make_accounts(accounts)
            environment = {
                **_vmware_environment(world, vmware.url),
                **_aws_environment(aws.url, root / "aws", teams),
                **_pulumi_environment(root, backend, aws.url),
            }
            plugins = language_hosts()
            if provider := find_provider(first_poll_seconds):
                environment |= provider.environment
                plugins.append(provider.folder)
            for plugin in plugins:
                install(plugin, root / "pulumi-home")
            return cls(
                world,
                servers=(vmware, aws),
                environment=environment,
                folder=root,
                accounts=teams,
                stack=stack.pop_all(),
            )

    def process_environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """A whole environment for a process: `base` (None: this process's) led into the sandbox."""
        given = dict(os.environ if base is None else base)
        for name in ambient_names(given):
            del given[name]
        return {**given, **self.environment}

    def wait_until_reachable(self, seconds: float = 60.0) -> bool:
        """Whether no server refuses connections any more, waiting so long for that."""
        return all(server.wait_until_listening(seconds) for server in self._servers)

    def stop(self) -> None:
        """Stop the servers and delete a temporary folder; a second call does nothing."""
        self.control.close()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def _without_profile() -> Iterator[None]:
    """Hide the AWS profile of this process's user from moto.

    Its modules, which load as they are first asked for, make a boto3 session each, and that fails on a
    profile that no file describes.
    """
    names = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _aws_app(world: World) -> WSGIApplication:
    from sandbox.cloudformation.app import build_aws_app  # noqa: PLC0415 - see _without_profile

    return build_aws_app(
        clock=world.clock,
        modes=world.modes,
        journal=world.journal,
        faults=world.faults,
        links=world.organizations,
        organizations=world.organizations,
    )


def _vmware_environment(world: World, url: str) -> dict[str, str]:
    """The first organization under its contract's names, the others numbered from 2."""
    environment = {"VMC_URL": url, "CSP_URL": url}
    for number, organization in enumerate(world.organizations, start=1):
        prefix, suffix = ("", "") if number == 1 else ("SANDBOX_", f"_{number}")
        environment[f"{prefix}ORG_ID{suffix}"] = organization.id
        environment[f"{prefix}API_TOKEN{suffix}"] = organization.tokens.credentials.api_token
    return environment


def _aws_environment(url: str, folder: Path, accounts: Sequence[AwsAccount]) -> dict[str, str]:
    config, credentials = write_shared_files(folder, accounts, region=_REGION)
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "sandbox-access-key",
        "AWS_SECRET_ACCESS_KEY": f"sandbox-secret-key-{secrets.token_hex(16)}",
        "AWS_REGION": _REGION,
        # Files of our own and no metadata service: a profile of this machine's user is out of reach.
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def path_with_engine() -> str:
    """This process's PATH, behind the engine that `make setup` has built where there was none."""
    path = os.environ.get("PATH", os.defpath)
    return os.pathsep.join([str(_ENGINE), path]) if _ENGINE.is_dir() else path


def _pulumi_environment(root: Path, backend: Backend, aws_url: str) -> dict[str, str]:
    home = root / "pulumi-home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PULUMI_BACKEND_URL": _backend_url(root, backend, aws_url),
        "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
        "PULUMI_HOME": str(home),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PATH": path_with_engine(),
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }


def _backend_url(root: Path, backend: Backend, aws_url: str) -> str:
    """Make the place for the states and say where it is."""
    if backend is Backend.FILE:
        folder = root / "state"
        folder.mkdir(parents=True, exist_ok=True)
        return folder.as_uri()
    from moto.s3.models import s3_backends  # noqa: PLC0415 - see _without_profile

    s3_backends[DEFAULT_ACCOUNT]["aws"].create_bucket(_BUCKET, _REGION)
    options = {
        "endpoint": aws_url,
        # A bucket's own host name leads nowhere here.
        "s3ForcePathStyle": "true",
        "region": _REGION,
        # moto sends no checksums, of which AWS's SDK would warn at each read.
        "response_checksum_validation": "when_required",
    }
    query = urlencode(options, safe=":/")
    return f"s3://{_BUCKET}?{query}"
