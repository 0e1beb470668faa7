"""The person for whom a provider works: what they are told, and whether they want to stop.

In the engine's provider process that is the one at the terminal: the engine shows the process's standard
output live, and its `Cancel` is their Ctrl-C. A process that serves the providers of many stacks has one for
each.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from vmc_account_link.provider_process import CANCELED


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the engine shows it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """Who waits for a provider's call."""

    emit_progress: Callable[[str], object] = _say
    """Takes a line for them."""
    canceled: threading.Event = CANCELED
    """Set once they want to stop."""


_CONTEXT: ContextVar[CallContext] = ContextVar("person", default=CallContext())  # noqa: B039 - frozen


@contextlib.contextmanager
def use_context(person: CallContext) -> Iterator[None]:
    """Have the calls made in this thread meanwhile tell that person, and listen to them."""
    before = _CONTEXT.set(person)
    try:
        yield
    finally:
        _CONTEXT.reset(before)


def emit_progress(line: str) -> None:
    """Tell the person who waits."""
    _CONTEXT.get().emit_progress(line)


def canceled() -> threading.Event:
    """What is set once the person who waits wants to stop."""
    return _CONTEXT.get().canceled
