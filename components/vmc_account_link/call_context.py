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
class Person:
    """Who waits for a provider's call."""

    tell: Callable[[str], object] = _say
    """Takes a line for them."""
    canceled: threading.Event = CANCELED
    """Set once they want to stop."""


_PERSON: ContextVar[Person] = ContextVar("person", default=Person())  # noqa: B039 - frozen


@contextlib.contextmanager
def working_for(person: Person) -> Iterator[None]:
    """Have the calls made in this thread meanwhile tell that person, and listen to them."""
    before = _PERSON.set(person)
    try:
        yield
    finally:
        _PERSON.reset(before)


def tell(line: str) -> None:
    """Tell the person who waits."""
    _PERSON.get().tell(line)


def canceled() -> threading.Event:
    """What is set once the person who waits wants to stop."""
    return _PERSON.get().canceled
