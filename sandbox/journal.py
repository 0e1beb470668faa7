"""What was asked of the sandbox, in order: the tests' evidence."""

import dataclasses
import threading
from datetime import datetime
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answered (or deliberately unanswered) request."""

    number: int = 0
    """From 1 on, in the journal."""
    at: datetime
    """By the sandbox's clock."""
    monotonic: float
    """Seconds of the machine's monotonic clock, for distances between requests."""
    service: str
    """`vmc`, `csp`, `template` or `aws`."""
    call: str
    """The call's name: `request-link`, `list-connected-accounts`, `unlink`, `get-task`, `exchange-token`,
    `download-template`; for AWS `cloudformation.CreateStack` and the like."""
    method: str
    path: str
    """Without the query: a query can hold a signature."""
    status: int
    """The HTTP status answered; 0 when the connection was cut without an answer."""
    fault: str | None = None
    """The planned fault that took effect, if one did."""
    account_number: str | None = None
    """The AWS account of the caller's credentials; None where the service is not AWS."""

    def to_wire(self) -> dict[str, Any]:
        """The entry as JSON can hold it."""
        return {**dataclasses.asdict(self), "at": self.at.isoformat()}


class Journal:
    """An append-only list of entries, safe across server threads."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._numbers = 0
        self._lock = threading.Lock()

    def record(self, entry: Entry) -> None:
        """Append one request, and number it."""
        with self._lock:
            self._numbers += 1
            self._entries.append(dataclasses.replace(entry, number=self._numbers))

    def entries(self) -> tuple[Entry, ...]:
        """All entries since the last `clear`, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def clear(self) -> None:
        """Forget the entries; the numbering goes on."""
        with self._lock:
            self._entries.clear()
