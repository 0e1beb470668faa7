"""The clock that every emulator asks, moved by tests."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus an offset: it runs by itself and jumps on request."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The emulated moment, in UTC."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> datetime:
        """Jump by `seconds` (negative: back) and return the new moment."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)
            return datetime.now(UTC) + self._offset
