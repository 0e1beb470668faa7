"""The sandbox and the Pulumi stack that a case plays on; the commands, killed whole when they hang."""

import dataclasses
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from sandbox.environment import Sandbox
from tests.support.aws import aws_client
from tests.support.forms import AS_DOCUMENTED, Form
from tests.support.lab import Lab
from tests.support.paths import REPOSITORY
from tests.support.processes import end_processes_of
from tests.sweep.verdict import Ending, Finished

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MODES = {"stack_seconds": 0.5, "task_seconds": 1.4}
"""Together with the first poll: each wait looks once in vain and once with success."""
_FIRST_POLL_SECONDS = 0.3


@dataclasses.dataclass(kw_only=True)
class Loan:
    """A lab that is lent to a case."""

    lab: Lab
    ended_well: bool = False
    """Whether it is as the case should leave it, which the case says."""


class Stages:
    """The stages of one process, each a sandbox and a Pulumi stack; a context manager.

    An `up` gets a fresh one. A `destroy` needs something to destroy: it gets what an `up` before it has
    left, where that is as it should be.
    """

    def __init__(self, folder: Path) -> None:
        """Put the stages below `folder`."""
        self._folder = folder
        self._numbers = itertools.count(1)
        self._stacks: dict[int, ExitStack] = {}
        self._forms: dict[int, Form] = {}
        self._linked: Lab | None = None

    @contextmanager
    def lent(self, operation: str, form: Form = AS_DOCUMENTED) -> Iterator[Loan]:
        """A stage for an operation; what an `up` leaves well is kept for the next `destroy`.

        Args:
            operation: `up` or `destroy`.
            form: in which the service answers, of one service always the same.
        """
        loan = Loan(lab=self.linked(form) if operation == "destroy" else self.empty(form))
        try:
            yield loan
        finally:
            end_processes_of(loan.lab.folder)
            (self.keep if operation == "up" and loan.ended_well else self.drop)(loan.lab)

    def empty(self, form: Form = AS_DOCUMENTED) -> Lab:
        """A stage on which nothing was done."""
        number = next(self._numbers)
        folder = self._folder / f"stage-{number}"
        with ExitStack() as stack:
            box = stack.enter_context(
                Sandbox.start(folder / "sandbox", first_poll_seconds=_FIRST_POLL_SECONDS)
            )
            box.control.set_modes(**_MODES, **form.modes)
            lab = Lab(box, folder / "project")
            self._stacks[id(lab)] = stack.pop_all()
            self._forms[id(lab)] = form
        return lab

    def linked(self, form: Form = AS_DOCUMENTED) -> Lab:
        """A stage on which an `up` has succeeded."""
        lab, self._linked = self._linked, None
        if lab is not None and self._forms[id(lab)] is not form:
            self.drop(lab)
            lab = None
        if lab is None:
            lab = self.empty(form)
            lab.up()
        return lab

    def keep(self, lab: Lab) -> None:
        """Take back a stage whose account is linked and whose state says so."""
        self.drop(self._linked)
        self._linked = lab

    def drop(self, lab: Lab | None) -> None:
        """Take back a stage and take it down."""
        if lab is not None:
            self._stacks.pop(id(lab)).close()
            del self._forms[id(lab)]
            end_processes_of(lab.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._linked = None
        while self._stacks:
            self._stacks.popitem()[1].close()


RECOVER = "vmc-account-link recover --stack lab"
"""The command that a failure names."""


def run(lab: Lab, operation: str, *flags: str, seconds: float) -> Finished:
    """Run `pulumi up` or `pulumi destroy` without its preview; kill it and its group after `seconds`."""
    arguments = ["--non-interactive", "--color", "never", operation, "--yes", "--skip-preview", *flags]
    return _run(["pulumi", *arguments], lab.folder, lab.command_environment(), seconds)


def recover_command(lab: Lab, *, force: bool = True) -> list[str]:
    """`RECOVER` for the lab's project; with `force` as who has killed an engine and knows that it is dead."""
    arguments = [*RECOVER.split()[1:], "--cwd", str(lab.folder), *(["--force"] if force else [])]
    return [sys.executable, "-m", "vmc_account_link", *arguments]


def recover(lab: Lab, *, seconds: float = 120.0, force: bool = True) -> Finished:
    """Run it."""
    return _run(recover_command(lab, force=force), REPOSITORY, lab.command_environment(), seconds)


def _run(command: list[str], folder: Path, environment: dict[str, str], seconds: float) -> Finished:
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Its own process group, so that the engine and the program end together.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        code = None
    return Finished(code=code, output=_ANSI.sub("", output), seconds=time.monotonic() - started)


def ending_of(lab: Lab, *, links_before: int = 0) -> Ending:
    """What there is now, at AWS, at VMware, in the state, and how many links were requested since."""
    stacks = aws_client(lab.box.environment, "cloudformation").list_stacks()["StackSummaries"]
    state = deployment(lab)
    return Ending(
        live_stacks=tuple(one["StackId"] for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"),
        stacks_made=len(stacks),
        records=tuple(
            (one.id, one.state.value, one.cf_stack_name) for one in lab.control.connected_accounts()
        ),
        links=len(lab.control.links()) - links_before,
        state=tuple(state.get("resources") or ()),
        pending=len(state.get("pending_operations") or ()),
    )


def deployment(lab: Lab) -> dict[str, Any]:
    """The state of the Pulumi stack, as the backend's file has it."""
    (path,) = (lab.box.folder / "state" / ".pulumi" / "stacks").rglob("lab.json")
    latest: dict[str, Any] = json.loads(path.read_text())["checkpoint"].get("latest") or {}
    return latest


def secrets_of(lab: Lab) -> dict[str, str]:
    """What may stand nowhere in plaintext: name -> secret."""
    credentials, box = lab.box.world.tokens.credentials, lab.box
    links = {
        f"the signature of link {number}": link.signature
        for number, link in enumerate(box.world.links.links())
    }
    tokens = {f"access token {number}": token for number, token in enumerate(box.world.tokens.issued())}
    return {
        "the API token": credentials.api_token,
        "the client secret": credentials.client_secret,
        "the AWS secret key": box.environment["AWS_SECRET_ACCESS_KEY"],
        **links,
        **tokens,
    }


def leaks(lab: Lab, outputs: str) -> tuple[str, ...]:
    """Which secret stands in the commands' output, the state's folder or the engine's logs."""
    written = "\n".join(
        path.read_text(errors="replace")
        for folder in (lab.box.folder / "state", lab.box.folder / "pulumi-home" / "logs")
        for path in folder.rglob("*")
        if path.is_file()
    )
    sources = {"the output": outputs, "the state or the logs": written}
    return tuple(
        f"{name} in {location}"
        for name, secret in secrets_of(lab).items()
        for location, text in sources.items()
        if secret in text
    )
