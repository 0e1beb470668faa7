"""What every command needs of a fleet: the spec, the backend, the folders, and a look at what is there."""

import dataclasses
import fnmatch
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from vmc_account_link.cli.environment import absolute_backend
from vmc_account_link.errors import CommandFailed, RequestError
from vmc_account_link.pulumi_cli import NO_CLI
from vmc_labs.engine.lab_engine import current_backend
from vmc_labs.fleet.paths import FleetPaths
from vmc_labs.fleet.snapshot import FleetReader
from vmc_labs.spec.credentials import engine_environment, vmc_settings
from vmc_labs.spec.model import Credentials, FleetSpec, LabSpec
from vmc_labs.spec.problems import did_you_mean
from vmc_labs.spec.reading import load_spec
from vmc_labs.state.reader import LabState

_OF_A_PASSPHRASE = frozenset({None, "default", "passphrase"})
"""Secrets providers for which a backend that is no service takes a passphrase."""
_PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
"""The variables that hold it, or say where it is."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetSession:
    """A fleet that a command works on."""

    spec: FleetSpec
    only: tuple[str, ...] = ()
    """The names of the labs that the command is about; empty: all."""
    backend: str
    """A URL that means the same from every folder."""
    paths: FleetPaths
    fleet_reader: FleetReader

    @classmethod
    def open(
        cls,
        file: Path,
        *,
        log_dir: Path | None = None,
        only: Sequence[str] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> "FleetSession":
        """Read the spec and find the backend; nothing is touched.

        Args:
            file: the spec.
            log_dir: where logs are wanted; None: below the user's state folder.
            only: labs that the command is about, by names or shell patterns, several with commas between.
            environ: this process's environment.

        Raises:
            RequestError: the spec is wrong, it has no labs of `only`, or the engine or a backend is missing.
        """
        spec = load_spec(file, environ)
        chosen = _chosen(only, [lab.name for lab in spec.labs], file)
        if shutil.which("pulumi") is None:
            raise RequestError(NO_CLI)
        try:
            backend = spec.backend or absolute_backend(
                environ.get("PULUMI_BACKEND_URL")
                or current_backend(engine_environment(environ, token_variables=spec.token_variables)),
                Path.cwd(),
            )
        except CommandFailed as error:
            raise RequestError(str(error)) from None
        paths = FleetPaths.of(spec, log_dir=log_dir.absolute() if log_dir else None)
        fleet_reader = FleetReader(
            backend=backend,
            environment=environ,
            token_variables=spec.token_variables,
            scratch=paths.root / "looks",
        )
        return cls(spec=spec, only=chosen, backend=backend, paths=paths, fleet_reader=fleet_reader)

    def ready_to_act(self) -> None:
        """Make sure that nothing is missing that every lab would fail on.

        Raises:
            RequestError: an organisation's token, or the passphrase of the states.
        """
        environ = self.fleet_reader.environment
        for service in {lab.service for lab in self.labs}:
            vmc_settings(service, environ)
        provider = self.spec.secrets_provider
        is_cloud = self.backend.startswith(("https://", "http://"))
        if not is_cloud and provider in _OF_A_PASSPHRASE and not any(name in environ for name in _PASSPHRASE):
            raise RequestError(
                "PULUMI_CONFIG_PASSPHRASE is not set: it encrypts the states' secrets; set it, or "
                "secretsProvider in the spec"
            )

    @property
    def labs(self) -> tuple[LabSpec, ...]:
        """The labs that the command is about."""
        return tuple(lab for lab in self.spec.labs if not self.only or lab.name in self.only)

    def unlisted_labs(self) -> list[tuple[LabSpec, LabState]]:
        """The event's labs that the spec does not have any more, by the tags of the stacks in the backend.

        Raises:
            CommandFailed: the backend could not be read.
        """
        known = {lab.stack for lab in self.spec.labs}
        services = {lab.service.org_id: lab.service for lab in self.spec.labs}
        some = self.spec.labs[0].service
        return [
            (
                LabSpec(
                    name=stack.removeprefix(f"{self.spec.event}-"),
                    stack=stack,
                    # Where no lab of the spec is of its organisation, its providers refuse this one.
                    service=services.get(state.org_id or "", some),
                    credentials=Credentials(),
                    aws_account_id=None,
                    settings={"unlink_on_destroy": state.unlinks},
                ),
                state,
            )
            for stack, state in sorted(self.fleet_reader.tagged(self.spec.event, known=known).items())
        ]


def _chosen(only: Sequence[str], names: Sequence[str], file: Path) -> tuple[str, ...]:
    """The labs that names and shell patterns mean, in the spec's order."""
    patterns = [pattern.strip() for one in only for pattern in one.split(",")]
    if "" in patterns:
        # Not "no restriction": an unset variable would mean every lab.
        raise RequestError(f"--only {','.join(only)!r}: a lab's name is empty; is a variable unset?")
    if unknown := [p for p in patterns if not fnmatch.filter(names, p)]:
        nearest = did_you_mean(unknown[0], names)
        raise RequestError(f"--only: {', '.join(unknown)}: there is no such lab in {file}{nearest}")
    return tuple(name for name in names if any(fnmatch.fnmatchcase(name, p) for p in patterns))
