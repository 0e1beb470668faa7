"""What is asked and what comes back, as frozen values.

A call names its own repeat policy by its effect, not by its verb: GET account-link requests a link.
"""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from vmc_account_link.api.models import BadPayload

LARGEST_ANSWER_BYTES = 8 * 1024 * 1024
"""The list of a large organisation is far below this; what is above is not the service."""
TIMEOUTS_SECONDS = (5.0, 30.0)
"""To connect, and between two bytes of an answer; a dynamic provider can't be cancelled, so both are set."""
GLANCE_READ_SECONDS = 8.0
"""For one look of many (`RetryPolicy.NONE`): Ctrl-C has to end a wait within 15 s, answer or not."""


class RetryPolicy(Enum):
    """When one call may be sent again."""

    IDEMPOTENT = "idempotent"
    """Whenever the failure may pass: the call has no effect, or the same one twice."""
    ONLY_IF_NOT_SENT = "only if not sent"
    """Only when the service cannot have acted: not sent, or turned away for its rate."""
    NONE = "none"
    """The caller is a loop that asks again anyway."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask."""

    method: str
    url: str
    action: str
    """The call in words, for messages."""
    repeat: RetryPolicy
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    form: Mapping[str, str] | None = dataclasses.field(default=None, repr=False)
    body: Mapping[str, str] | None = dataclasses.field(default=None, repr=False)
    """To be sent as JSON."""
    basic: tuple[str, str] | None = dataclasses.field(default=None, repr=False)
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    """What must not appear in a message about this call."""
    largest_bytes: int = LARGEST_ANSWER_BYTES
    read_seconds: float | None = None
    """Between two bytes of the answer, where the service is known to take longer; None: as for every call."""
    hint_if_rejected: str | None = None
    """What to do about a 4xx, where the call knows better than the status."""

    @property
    def timeouts_seconds(self) -> tuple[float, float]:
        """To connect, and between two bytes of the answer."""
        connect, read = TIMEOUTS_SECONDS
        read = self.read_seconds or read
        return connect, GLANCE_READ_SECONDS if self.repeat is RetryPolicy.NONE else read


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A 2xx answer, read to its end."""

    body: bytes = dataclasses.field(repr=False)

    def text(self) -> str:
        """The body as text: JSON and YAML are UTF-8, whatever the header says or leaves out.

        Raises:
            BadPayload: it is not in UTF-8.
        """
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadPayload("it is not text in UTF-8") from None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            BadPayload: it is empty or no JSON.
        """
        if not self.body.strip():
            raise BadPayload("the answer is empty")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadPayload(f"{_page_kind(self.body)} came instead of JSON") from None


def _page_kind(body: bytes) -> str:
    return "an HTML page" if body.lstrip()[:1] == b"<" else "something else"
