"""When what is killed: every call of `up` and `destroy`, and random moments. Pure."""

import dataclasses
import random
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Self

from tests.sweep.points import OPERATIONS
from tests.sweep.recorded import DESTROY, UP


class Moment(StrEnum):
    """When in a call's life the kill comes."""

    LOST = "lost"
    """The request is on its way and never takes effect."""
    LATE = "late"
    """The request is on its way and takes effect once its sender is dead; for calls that have one."""
    AFTER = "after"
    """The request has taken effect; its answer may or may not have been heard."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """One kill -9."""

    operation: str
    """`up` or `destroy`."""
    everything: bool
    """The CLI and all that it started, or the CLI alone."""
    service: str = ""
    """Of the call; empty: at a random moment."""
    call: str = ""
    nth: int = 1
    """Among the calls of that name."""
    moment: Moment = Moment.AFTER
    fraction: float = 0.0
    """Of the command's usual time, for a random moment."""
    seed: int = 0
    """Of the random moment."""

    @property
    def is_random(self) -> bool:
        """Whether it comes at a random moment."""
        return not self.call

    @property
    def what(self) -> str:
        """What is killed, in a word."""
        return "all" if self.everything else "CLI"

    @property
    def row(self) -> str:
        """The crash's row in a table."""
        if self.is_random:
            return f"{self.operation} at random"
        return f"{self.operation} {self.service} {self.call}" + (f" #{self.nth}" if self.nth > 1 else "")

    @property
    def name(self) -> str:
        """The crash in a list; unique."""
        when = f"moment {self.seed}" if self.is_random else self.moment.value
        return f"{self.row}: {when}, {self.what}"

    def to_wire(self) -> dict[str, Any]:
        """The crash as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """Read the crash back."""
        return cls(**{**wire, "moment": Moment(wire["moment"])})


_WITH_EFFECT = frozenset(
    {"request-link", "cloudformation.CreateStack", "unlink", "cloudformation.DeleteStack"}
)


def at_points() -> tuple[Crash, ...]:
    """Each distinct call of a clean run, by moment, by what is killed.

    The same call again is another point only where something has been done since: a poll is not.
    """
    return tuple(
        Crash(
            operation=operation,
            service=service,
            call=call,
            nth=nth,
            moment=moment,
            everything=everything,
        )
        for operation, calls in zip(OPERATIONS, (UP, DESTROY), strict=True)
        for service, call, nth in _distinct(calls)
        for moment in Moment
        if moment is not Moment.LATE or call in _WITH_EFFECT
        for everything in (False, True)
    )


def at_random(count: int, *, first: int = 0) -> tuple[Crash, ...]:
    """Random moments: three of `up` to one of `destroy`, half of them of the CLI alone.

    The later of two, as more than half of a quick `up` has passed before its first call.
    """
    return tuple(
        Crash(
            operation="destroy" if seed % 4 == 3 else "up",
            everything=seed // 4 % 2 == 0,
            fraction=max(draw.random(), draw.random()),
            seed=seed,
        )
        for seed in range(first, first + count)
        for draw in [random.Random(seed)]  # noqa: S311 - not for secrets
    )


def _distinct(calls: Iterable[tuple[str, str]]) -> list[tuple[str, str, int]]:
    distinct: list[tuple[str, str, int]] = []
    found: dict[tuple[str, str], int] = {}
    last = None
    for service, call in calls:
        found[service, call] = nth = found.get((service, call), 0) + 1
        if (service, call) != last:
            distinct.append((service, call, nth))
        last = (service, call)
    return distinct
