"""Where contenders run: a sandbox in its own process, folders for programs, the end state all must reach."""

import configparser
import contextlib
import dataclasses
import functools
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from bench.meter import REPOSITORY, CommandFailed
from sandbox.aws_accounts import FIRST_ACCOUNT
from sandbox.control.client import SandboxControl
from sandbox.environment import ambient_names
from tools.wheel import build_wheel

_START_SECONDS = 120.0
_VMWARE = frozenset({"vmc", "csp", "template"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An AWS account of the sandbox in which nothing was done yet."""

    number: str
    """12 digits."""
    profile: str
    """In the sandbox's shared files."""
    keys: Mapping[str, str]
    """`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`."""


class Stage:
    """A running sandbox; made by `stage`."""

    def __init__(self, variables: Mapping[str, str], folder: Path, venv: Path) -> None:
        """Take over a sandbox that set these variables.

        Args:
            variables: the sandbox's.
            folder: for programs and specs; deleted with the sandbox.
            venv: the virtual environment of the contenders.
        """
        self.folder, self._venv = folder, venv
        ambient = set(ambient_names(os.environ))
        given = {name: value for name, value in os.environ.items() if name not in ambient}
        # What an earlier bench has left in this user's folder must not change what is measured.
        self.environment = {
            **given,
            **variables,
            "PATH": f"{venv / 'bin'}{os.pathsep}{variables['PATH']}",
            "PULUMI_PYTHON_CMD": str(venv / "bin" / "python"),
            "XDG_STATE_HOME": str(folder / "user"),
        }
        self.control = SandboxControl(variables["VMC_URL"])
        shared = configparser.RawConfigParser()
        shared.read(variables["AWS_SHARED_CREDENTIALS_FILE"])
        self.accounts = [
            Account(
                number=str(FIRST_ACCOUNT + location),
                profile=profile,
                keys={name.upper(): value for name, value in shared[profile].items()},
            )
            for location, profile in enumerate(name for name in shared.sections() if name != "default")
        ]

    def program(self, account: Account, source: Path = REPOSITORY / "__main__.py") -> Path:
        """A project's folder with a Pulumi stack that was not updated yet, as a person has it."""
        folder = self.project(f"program-{account.number}", source)
        name = "link" if source.parent == REPOSITORY else "smallest"
        self.pulumi("stack", "init", f"{name}-{account.number}", folder=folder, account=account)
        return folder

    def project(self, name: str, source: Path = REPOSITORY / "__main__.py") -> Path:
        """A project's folder: this repository's program, or another one without settings."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(source, folder / "__main__.py")
        settings = (REPOSITORY / "Pulumi.yaml").read_text("utf-8")
        if source.parent != REPOSITORY:
            settings = settings.partition("config:")[0].replace("name: vmc-account-link", "name: smallest", 1)
        (folder / "Pulumi.yaml").write_text(settings, encoding="utf-8")
        # The official language host takes the interpreter from the project's folder.
        (folder / ".venv").symlink_to(self._venv)
        return folder

    def pulumi(self, *arguments: str, folder: Path, account: Account) -> None:
        """Run the engine for what is not measured.

        Raises:
            CommandFailed: it fails.
        """
        environment = {**self.environment, **account.keys}
        command = ["pulumi", "--non-interactive", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def requests_by_call(self, begin: float = 0, end: float = math.inf) -> dict[str, int]:
        """How many requests VMware's services had since the journal was cleared, or between two moments."""
        entries = (entry for entry in self.control.journal() if begin <= entry.monotonic < end)
        return dict(Counter(entry.call for entry in entries if entry.service in _VMWARE))

    def must_be_linked(self, accounts: Sequence[Account]) -> None:
        """Each account is linked once: one stack, one ACTIVE record of it, one link requested and run.

        Raises:
            CommandFailed: one is not, or another account is.
        """
        expected = Counter(account.number for account in accounts)
        records = self.control.connected_accounts()
        names = {account.number: self._stacks(account) for account in accounts}
        linked = Counter(
            one.account_number
            for one in records
            if one.state == "ACTIVE" and [one.cf_stack_name] == names.get(one.account_number)
        )
        runs = [link.runs for link in self.control.links()]
        if linked != expected or len(records) != len(accounts) or runs != [1] * len(accounts):
            raise CommandFailed(
                f"the end state is wrong: {linked.total()} of {len(accounts)} accounts are ACTIVE by their "
                f"stack, with {len(records)} records; the links requested were run {runs} times"
            )

    def _stacks(self, account: Account) -> list[str]:
        """The names of an account's whole stacks; whatever else is there makes it none."""
        client: Any = _session().client(
            "cloudformation",
            region_name="us-west-2",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            **{name.lower(): value for name, value in account.keys.items()},
        )
        stacks = client.describe_stacks()["Stacks"]
        is_whole = all(one["StackStatus"] == "CREATE_COMPLETE" for one in stacks)
        return [one["StackName"] for one in stacks] if is_whole else []


def _session() -> Any:
    """The session whose clients share what they load: one for three hundred accounts."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION


@functools.cache
def _venv() -> "tempfile.TemporaryDirectory[str]":
    """A virtual environment as a person has it: this package's wheel and what it needs, by the lock.

    The language host asks pip for all that is installed, at each command, and beside the package's own there
    are five times as many packages of tests and checks.
    """
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    run = functools.partial(subprocess.run, cwd=REPOSITORY, check=True)
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, f"{folder.name}/venv"])
    wheel = build_wheel(Path(folder.name))
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", f"{folder.name}/venv"]
    run([*install, "-c", "requirements.lock", f"vmc-account-link[labs] @ {wheel.as_uri()}"])
    return folder


@contextlib.contextmanager
def stage(accounts: int, *, is_trial: bool = False, **modes: Any) -> Iterator[Stage]:
    """Run a sandbox beside this process.

    Args:
        accounts: how many AWS accounts are there.
        is_trial: with the AWS provider that first looks at a stack at once, not after 10 s as for users; and
            with this process's virtual environment.
        modes: fields of `sandbox.modes.Modes`.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        env_file = Path(name) / "environment"
        command = [sys.executable, "-m", "sandbox", "serve", "--env-file", str(env_file)]
        command += ["--accounts", str(accounts), *(["--first-poll-seconds", "0.1"] if is_trial else [])]
        command += [f"--mode={key}={json.dumps(value)}" for key, value in modes.items()]
        process = subprocess.Popen(command, cwd=REPOSITORY)
        try:
            venv = Path(sys.prefix) if is_trial else Path(_venv().name) / "venv"
            running = Stage(_variables(env_file, process), Path(name), venv)
            yield running
            running.control.close()
        finally:
            process.terminate()
            process.wait()


def _variables(env_file: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """What a sandbox that has just been started sets, once it serves."""
    deadline = time.monotonic() + _START_SECONDS
    while not env_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise CommandFailed("the sandbox does not start")
        time.sleep(0.05)
    parts = shlex.split(env_file.read_text(encoding="utf-8"))
    return dict(part.split("=", 1) for part in parts if "=" in part)
