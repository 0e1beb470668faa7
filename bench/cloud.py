"""The sandbox in a process of its own, so that what it burns is in nobody's figures."""

import contextlib
import dataclasses
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from sandbox.control.client import SandboxControl
from sandbox.environment import ambient_names

REPOSITORY = Path(__file__).resolve().parent.parent
REGION = "us-west-2"
_START_SECONDS = 60.0
_FIRST_ACCOUNT = 200_000_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An AWS account of the sandbox, and credentials in it."""

    number: str
    """12 digits."""
    credentials: Mapping[str, str]
    """`AWS_ACCESS_KEY_ID` and the two that go with it."""


class Cloud:
    """VMware Cloud and AWS, running; made by `cloud()`."""

    def __init__(self, environment: Mapping[str, str], modes: Mapping[str, Any], *, folder: Path) -> None:
        """Take over a sandbox that was started with this environment."""
        self.folder = folder
        """For projects; deleted with the cloud."""
        self.environment = environment
        self.control = SandboxControl(environment["VMC_URL"])
        self._modes = dict(modes)
        self._accounts = 0

    def process_environment(self, *further: Mapping[str, str]) -> dict[str, str]:
        """A whole environment for a process in the sandbox, with some `further` variables."""
        given = {k: v for k, v in os.environ.items() if k not in set(ambient_names(os.environ))}
        environment = {**given, **self.environment}
        for one in further:
            environment |= one
        return environment

    def new_round(self, **modes: Any) -> None:
        """Forget what earlier runs asked and linked, and set modes anew."""
        self.control.reset()
        self.control.set_modes(**{**self._modes, **modes})

    def new_accounts(self, count: int) -> list[Account]:
        """AWS accounts that nothing was done in yet."""
        numbers = [str(_FIRST_ACCOUNT + self._accounts + n) for n in range(count)]
        self._accounts += count
        sts = self._client("sts", self.environment)
        return [self._account(sts, number) for number in numbers]

    def cloudformation(self, account: Account) -> Any:
        """A client of CloudFormation in that account."""
        return self._client("cloudformation", account.credentials)

    def requests(self) -> Counter[str]:
        """How often each call was made since the round began, over all services."""
        return Counter(f"{one.service} {one.call}" for one in self.control.journal())

    def _account(self, sts: Any, number: str) -> Account:
        got = sts.assume_role(RoleArn=f"arn:aws:iam::{number}:role/lab", RoleSessionName="bench")
        credentials = got["Credentials"]
        return Account(
            number=number,
            credentials={
                "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
                "AWS_SESSION_TOKEN": credentials["SessionToken"],
            },
        )

    def _client(self, service: str, credentials: Mapping[str, str]) -> Any:
        session = boto3.Session(
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
            region_name=REGION,
        )
        make: Any = session.client
        return make(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"])


@contextlib.contextmanager
def cloud(*, first_poll_seconds: float | None = None, **modes: Any) -> Iterator[Cloud]:
    """Run a sandbox beside this process.

    Args:
        first_poll_seconds: for smoke runs only: how soon the AWS provider first asks for a stack's status.
            None: after 10 s, as it does for users.
        modes: fields of `sandbox.modes.Modes`, in force in every round.
    """
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as name:
        folder = Path(name)
        env_file = folder / "environment"
        command = [sys.executable, "-m", "sandbox", "serve", "--env-file", str(env_file)]
        if first_poll_seconds is not None:
            command += ["--first-poll-seconds", str(first_poll_seconds)]
        process = subprocess.Popen(command, cwd=REPOSITORY)
        try:
            environment = _environment_of(env_file, process)
            running = Cloud(environment, modes, folder=folder)
            running.new_round()
            yield running
            running.control.close()
        finally:
            process.terminate()
            process.wait()


def _environment_of(env_file: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """The variables of a sandbox that has just been started, once it serves."""
    deadline = time.monotonic() + _START_SECONDS
    while not env_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise OSError("the sandbox does not start")
        time.sleep(0.05)
    parts = shlex.split(env_file.read_text(encoding="utf-8"))
    return dict(part.split("=", 1) for part in parts if "=" in part)


def stack_names(cloudformation: Any) -> Sequence[tuple[str, str]]:
    """Name and status of every live stack of an account."""
    stacks = cloudformation.describe_stacks()["Stacks"]
    return [(one["StackName"], one["StackStatus"]) for one in stacks]
