"""The engine's events of one update -> lines for the person who watches, and its errors. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vmc_account_link.errors import safe_text
from vmc_account_link.resource_types import CONNECTED_ACCOUNT, CONNECTION_WAIT, LINK_REQUEST, STACK
from vmc_account_link.stack_hooks import MAY_BE_THERE

_DOING = {
    (LINK_REQUEST, "create"): ("link", "requesting the link"),
    (LINK_REQUEST, "update"): ("link", "requesting a new link"),
    (STACK, "create"): ("stack", "creating the CloudFormation stack"),
    (STACK, "update"): ("stack", "updating the CloudFormation stack"),
    (STACK, "delete"): ("stack", "deleting the CloudFormation stack"),
    (CONNECTION_WAIT, "create"): ("connect", "waiting for the account"),
    (CONNECTION_WAIT, "update"): ("connect", "waiting for the account"),
    (CONNECTED_ACCOUNT, "delete"): ("unlink", "unlinking the account"),
}
_WRAPPED = re.compile(
    # Where in the AWS provider's libraries the text was logged, and whose it is.
    r"^\S+\.go:\d+: [\w.]+: |: provider=\S+@\S+$"
    # What a library found, in an engine's words of what that spoilt.
    r"|^(error: |(creating|updating|deleting|refreshing|reading) urn:\S+ |\d+ errors? occurred:\s+\* )+"
)
_NOISE = (
    "update failed",
    "resource monitor has terminated",
    "resource registration failed",
    "preview failed",
    # The program's advice to a person with one stack; a fleet's next `up` or `down` does it by itself.
    MAY_BE_THERE.lower(),
)


class Watch:
    """Follows one update."""

    def __init__(self) -> None:
        self.phase = "engine"
        """What is under way: engine, link, stack, connect, unlink."""

    def take(self, event: Mapping[str, Any]) -> str | None:
        """Take an event in; a line for the person where it has one."""
        if diagnostic := event.get("diagnosticEvent"):
            if diagnostic.get("severity") in {"info", "info#err", "warning"}:
                text = safe_text(str(diagnostic.get("message", "")))
                return text or None
            return None
        if metadata := event.get("resourcePreEvent", {}).get("metadata"):
            doing = _DOING.get((metadata.get("type"), metadata.get("op")))
            if doing:
                self.phase, line = doing
                return line
        return None


def error_line(messages: Sequence[str]) -> str:
    """The one line out of all that the engine called an error: the first that is no mere consequence."""
    lines = [" ".join(_WRAPPED.sub("", m.strip()).split()) for m in messages]
    lines = [line for line in lines if line]
    causes = [line for line in lines if not line.lower().startswith(_NOISE)]
    return safe_text((causes or lines or ["the engine ended without a reason: see the log"])[0])
