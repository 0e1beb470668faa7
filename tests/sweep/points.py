"""Where something can go wrong: the calls of a clean run. Pure."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Self

from tests.sweep.recorded import DESTROY, UP

OPERATIONS = ("up", "destroy")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One call of one operation."""

    operation: str
    """`up` or `destroy`."""
    service: str
    """`vmc`, `csp`, `template` or `aws`, as in the journal."""
    call: str
    nth: int
    """Among the calls of that name, from the operation's start."""
    after: tuple[str, str, int] | None
    """(service, call, nth) of the call before it, of whatever service; None for the first."""

    @property
    def name(self) -> str:
        """The point in a table."""
        return f"{self.operation} {self.service} {self.call}" + (f" #{self.nth}" if self.nth > 1 else "")

    @property
    def server(self) -> str:
        """The sandbox's server that answers it."""
        return "aws" if self.service == "aws" else "vmware"

    def to_wire(self) -> dict[str, object]:
        """The point as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, object]) -> Self:
        """Read the point back."""
        after = wire["after"]
        return cls(**{**wire, "after": tuple(after) if isinstance(after, list | tuple) else None})  # type: ignore[arg-type]


def points_of(operation: str, calls: Sequence[tuple[str, str]]) -> tuple[Point, ...]:
    """The points of an operation whose calls, (service, name), came in this order."""
    found: Counter[tuple[str, str]] = Counter()
    points: list[Point] = []
    for service, call in calls:
        found[service, call] += 1
        last = points[-1] if points else None
        points.append(
            Point(
                operation=operation,
                service=service,
                call=call,
                nth=found[service, call],
                after=(last.service, last.call, last.nth) if last else None,
            )
        )
    return tuple(points)


def recorded_points() -> tuple[Point, ...]:
    """The points of the recorded runs, `up` first."""
    return (*points_of("up", UP), *points_of("destroy", DESTROY))
