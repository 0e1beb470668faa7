"""One reading of the service for all who ask: never two at a time, and none older than they accept."""

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Self

_FORGET_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer as it came."""

    status: int
    body: bytes = dataclasses.field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    """Those that mean something to a client of the service."""

    def header(self, name: str) -> str | None:
        """The header's value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> Self:
        """The same answer with another value of a header."""
        others = tuple((key, kept) for key, kept in self.headers if key.lower() != name.lower())
        return dataclasses.replace(self, headers=(*others, (name, value)))


@dataclasses.dataclass(slots=True, kw_only=True)
class _Reading:
    started: float
    reply: "Future[Reply]"


class Readings:
    """The latest reading of each address; safe across threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._latest: dict[str, _Reading] = {}
        self._changed = float("-inf")

    def get(self, address: str, read: Callable[[], Reply], *, fresh_seconds: float) -> Reply:
        """A reading that began at most `fresh_seconds` ago and after the last change; a new one if need be.

        Whoever comes while one is under way shares it, or where it began too long ago the next one.

        Args:
            address: what is read.
            read: reads it; an exception of it reaches all who share.
            fresh_seconds: how old it may be.
        """
        requested = self._monotonic()
        while True:
            mine: Future[Reply] | None = None
            with self._lock:
                known = self._latest.get(address)
                too_old = known is None or known.started < max(requested - fresh_seconds, self._changed)
                if known is None or (too_old and known.reply.done()):
                    mine = Future()
                    self._latest[address] = known = _Reading(started=self._monotonic(), reply=mine)
                    self._forget()
                    too_old = False
            if mine is not None:
                _settle(mine, read)
            if not too_old:
                return known.reply.result()
            known.reply.exception()

    def forget_older(self) -> None:
        """Something was changed: a reading that began before now does not count any more."""
        with self._lock:
            self._changed = self._monotonic()

    def count(self, seconds: float) -> int:
        """How many addresses have a reading that began in the last so many seconds."""
        since = self._monotonic() - seconds
        with self._lock:
            return sum(reading.started >= since for reading in self._latest.values())

    def _forget(self) -> None:
        since = self._monotonic() - _FORGET_SECONDS
        for address in [a for a, r in self._latest.items() if r.started < since and r.reply.done()]:
            del self._latest[address]


def _settle(reply: "Future[Reply]", read: Callable[[], Reply]) -> None:
    try:
        reply.set_result(read())
    except Exception as error:  # noqa: BLE001 - handed to all who wait, this thread among them
        reply.set_exception(error)
