"""The sandbox and the Pulumi stack that a cell plays on; the commands, killed whole when they hang."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from sandbox.environment import Sandbox
from tests.support.lab import Lab
from tests.sweep.verdict import Ending, Finished

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MODES = {"stack_seconds": 0.5, "task_seconds": 1.4}
"""Together with the first poll: each wait looks once in vain and once with success."""
_FIRST_POLL_SECONDS = 0.3


@contextmanager
def stage(folder: Path) -> Iterator[Lab]:
    """A fresh sandbox and a fresh Pulumi stack below `folder`."""
    with Sandbox.start(folder / "sandbox", first_poll_seconds=_FIRST_POLL_SECONDS) as box:
        box.control.set_modes(**_MODES)
        yield Lab(box, folder / "project")


def run(lab: Lab, operation: str, *flags: str, seconds: float) -> Finished:
    """Run `pulumi up` or `pulumi destroy` without its preview; kill all its processes after `seconds`."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["pulumi", "--non-interactive", "--color", "never", operation, "--yes", "--skip-preview", *flags],
        cwd=lab.folder,
        env=lab.command_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Its own process group: the providers are the engine's children, and hold the pipe as well.
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


def ending_of(lab: Lab) -> Ending:
    """What there is now: at AWS, at VMware, in the state."""
    environment = lab.box.environment
    make: Any = boto3.client
    stacks = make(
        "cloudformation",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    ).list_stacks()["StackSummaries"]
    state = deployment(lab)
    return Ending(
        live_stacks=tuple(one["StackId"] for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"),
        stacks_made=len(stacks),
        records=tuple(
            (one.id, one.state.value, one.cf_stack_name) for one in lab.control.connected_accounts()
        ),
        links=len(lab.control.links()),
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
    places = {"the output": outputs, "the state or the logs": written}
    return tuple(
        f"{name} in {place}"
        for name, secret in secrets_of(lab).items()
        for place, text in places.items()
        if secret in text
    )
