"""Where something can go wrong: the calls of a clean run. Pure."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

OPERATIONS = ("up", "destroy")
UP = (
    ("aws", "sts.GetCallerIdentity"),
    ("csp", "exchange-token"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "request-link"),
    ("template", "download-template"),
    ("aws", "cloudformation.CreateStack"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.GetTemplate"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "get-task"),
    ("vmc", "list-connected-accounts"),
)
"""The calls of a clean `up`, in order; a test compares them with a run.

How often a wait polls follows from the times that `tests.sweep.stage` sets.
"""
DESTROY = (
    ("csp", "exchange-token"),
    ("vmc", "list-connected-accounts"),
    ("vmc", "unlink"),
    ("vmc", "list-connected-accounts"),
    ("aws", "cloudformation.DeleteStack"),
    ("aws", "cloudformation.DescribeStacks"),
    ("aws", "cloudformation.DescribeStacks"),
    # The link request's own look, that nothing is left.
    ("aws", "sts.GetCallerIdentity"),
    ("aws", "cloudformation.DescribeStacks"),
)
"""The calls of the clean `destroy` after it."""


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
    def is_repeated(self) -> bool:
        """Whether nothing was called since the last call of that name: it is a poll."""
        return self.after is not None and self.after[:2] == (self.service, self.call)

    @property
    def server(self) -> str:
        """The sandbox's server that answers it."""
        return "aws" if self.service == "aws" else "vmware"


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
