"""The client of a driver's labs: what they read of a service again and again is read once (ADR 0020)."""

import copy
import dataclasses
import functools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from vmc_account_link.api.auth import PROCESS_TOKENS, AccessTokens
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord, Link, Task
from vmc_account_link.api.request import RetryPolicy
from vmc_account_link.call_context import CallContext
from vmc_account_link.errors import Refused, WaitInterrupted
from vmc_account_link.settings import VmcSettings

FRESH_SECONDS = 1.0
"""So the list is read at most once a second, however many labs wait; and a failure counts no longer."""
TASK_READS_PER_SECOND = 0.8
"""Of all labs together, while nothing happens to their accounts. A task only explains a wait, or ends it
early; 64 labs that wait are to send at most twice the requests of one."""
_STILL_ASKS_SECONDS = 15.0
"""Whoever waits asks again within that time."""
_FORGET_SECONDS = 300.0
_TASK = "task "
T = TypeVar("T")


@dataclasses.dataclass(slots=True, kw_only=True)
class _Reading:
    started: float
    requested_at: float
    """When somebody last wanted it."""
    future: "Future[Any]" = dataclasses.field(default_factory=Future)


class Readings:
    """The latest reading of each thing, for all labs of one organisation; safe across threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take this process's clock; nothing is read yet."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._latest: dict[str, _Reading] = {}
        self._changed = -math.inf
        self._refusal: tuple[Refused, float] | None = None
        """The service's last wish to be left alone, and until when."""

    def get(self, name: str, read: Callable[[], T], *, fresh_seconds: float = FRESH_SECONDS) -> T:
        """A reading that began at most `fresh_seconds` ago and after the last change; a new one if need be.

        Whoever comes while one is under way shares it, or where it began too long ago the next one.

        Args:
            name: of what is read.
            read: reads it; an error of it reaches all who share.
            fresh_seconds: how old a successful one may be.

        Raises:
            VmcError: the reading's, as an error of one's own.
        """
        requested = self._monotonic()

        def counts(ended: _Reading) -> bool:
            error = ended.future.exception()
            if isinstance(error, WaitInterrupted):
                return False  # who read it wants to stop; the others do not
            seconds = fresh_seconds if error is None else FRESH_SECONDS
            return ended.started >= max(requested - seconds, self._changed)

        while True:
            with self._lock:
                self._leave_alone()
                known = self._latest.get(name)
                if known is not None:
                    known.requested_at = requested
                is_mine = known is None or (known.future.done() and not counts(known))
                if known is None or is_mine:
                    known = self._latest[name] = _Reading(started=self._monotonic(), requested_at=requested)
                    self._forget()
            if is_mine:
                self._settle(known, read)
            error = known.future.exception()
            if is_mine or counts(known):
                if error is None:
                    value: T = known.future.result()
                    return value
                raise copy.copy(error) from None  # one each: a traceback is written into an exception

    def change(self, act: Callable[[], T]) -> T:
        """Change something: a reading that began before the end of it does not count any more."""
        try:
            return act()
        finally:
            with self._lock:
                self._changed = self._monotonic()

    def count_awaited(self) -> int:
        """How many things somebody waits for, who asks for them again and again."""
        since = self._monotonic() - _STILL_ASKS_SECONDS
        with self._lock:
            return sum(reading.requested_at >= since for reading in self._latest.values())

    def began_within(self, seconds: float, *, prefix: str) -> bool:
        """Whether a reading of one of these things has begun so lately."""
        since = self._monotonic() - seconds
        with self._lock:
            return any(r.started > since for name, r in self._latest.items() if name.startswith(prefix))

    def _settle(self, reading: _Reading, read: Callable[[], Any]) -> None:
        try:
            reading.future.set_result(read())
        except Exception as error:  # noqa: BLE001 - raised to all who share it, this thread among them
            if isinstance(error, Refused) and error.retry_after_seconds:
                with self._lock:
                    self._refusal = error, self._monotonic() + error.retry_after_seconds
            reading.future.set_exception(error)

    def _leave_alone(self) -> None:
        """While the service wants to be left alone: its own refusal, with what is left of the time."""
        if self._refusal and (left := self._refusal[1] - self._monotonic()) > 0:
            refusal = copy.copy(self._refusal[0])
            refusal.retry_after_seconds = math.ceil(left)
            raise refusal

    def _forget(self) -> None:
        since = self._monotonic() - _FORGET_SECONDS
        for name in [n for n, r in self._latest.items() if r.started < since and r.future.done()]:
            del self._latest[name]


@functools.cache
def _readings(settings: VmcSettings) -> Readings:  # noqa: ARG001 - one for each organisation and credential
    return Readings()


class SharingClient(VmcClient):
    """A client that shares what it reads with all others of this process; a request for a link never."""

    def __init__(
        self,
        settings: VmcSettings,
        *,
        context: CallContext = CallContext(),  # noqa: B008 - frozen
        tokens: AccessTokens = PROCESS_TOKENS,
        readings: Readings | None = None,
    ) -> None:
        """Prepare the conversation, as `VmcClient` does; nothing is sent yet.

        Args:
            settings: where and as whom.
            context: for whom.
            tokens: where access tokens are kept.
            readings: with whom it shares; None: all who have the same settings.
        """
        super().__init__(settings, context=context, tokens=tokens)
        self._readings = readings or _readings(settings)
        self._clock_ahead_seconds = 0.0

    def clock_ahead_seconds(self) -> float:
        """As its own last answer told it, or the last reading that it shared."""
        return super().clock_ahead_seconds() or self._clock_ahead_seconds

    def request_link(self) -> Link:
        """As `VmcClient` does it: each lab's request is its own."""
        return self._readings.change(super().request_link)

    def unlink(self, account: AccountRecord) -> None:
        """As `VmcClient` does it."""
        self._readings.change(lambda: super(SharingClient, self).unlink(account))

    def list_connected_accounts(
        self, repeat: RetryPolicy = RetryPolicy.IDEMPOTENT, *, max_age_seconds: float = 0.0
    ) -> tuple[AccountRecord, ...]:
        """The list as it was so many seconds ago at most, or one, and after the last change."""
        fresh = max(FRESH_SECONDS, max_age_seconds)
        return self._shared("list", super().list_connected_accounts, repeat, fresh)

    def get_task(
        self, task_id: str, repeat: RetryPolicy = RetryPolicy.IDEMPOTENT, *, max_age_seconds: float = 0.0
    ) -> Task:
        """The task; where it may be old, the older the more of them are looked at, and one after another."""
        fresh = FRESH_SECONDS
        if max_age_seconds:
            fresh = max(fresh, max_age_seconds, self._readings.count_awaited() / TASK_READS_PER_SECOND)
            if self._readings.began_within(1 / TASK_READS_PER_SECOND, prefix=_TASK):
                fresh = math.inf
        read = functools.partial(super().get_task, task_id)
        return self._shared(f"{_TASK}{task_id}", read, repeat, fresh)

    def _shared(
        self, name: str, read: Callable[[RetryPolicy], T], repeat: RetryPolicy, fresh_seconds: float
    ) -> T:
        def read_once() -> tuple[T, float]:
            # A wait that Ctrl-C is to end may share it, so it takes no longer than a wait's own looks.
            return read(RetryPolicy.NONE), super(SharingClient, self).clock_ahead_seconds()

        value, self._clock_ahead_seconds = self._transport.repeat(
            repeat,
            lambda: self._readings.get(name, read_once, fresh_seconds=fresh_seconds),
            least_pause_seconds=FRESH_SECONDS,
        )
        return value
