"""What `make test` plays of the sweep: every call and every kind of fault, in few commands. Pure.

Faults that a command survives share one command: it meets them one after the other. Faults that it does not
survive need a command of their own, and the next one: of these the sharpest are taken.
"""

from sandbox.faults import PlannedFault
from tests.sweep.faults import FaultCase
from tests.sweep.points import Point

SHARPEST = (
    "up aws cloudformation.CreateStack: empty 200",
    "up aws sts.GetCallerIdentity: 401",
    "up template download-template: truncated",
)
"""Where a mistake would lose something, make it twice or mislead the person; each of them fails first."""

LEFTOVERS = (
    "up aws cloudformation.CreateStack: kill -9",
    "up vmc get-task: Ctrl-C",
    "up as a whole: task fails",
)
"""Of the sweep of what a destroy leaves: before, within and after the wait for the account."""

SURVIVED = {
    "up": (
        ("aws", "sts.GetCallerIdentity", 1, "reset before"),
        ("aws", "sts.GetCallerIdentity", 2, "503 Retry-After"),
        ("csp", "exchange-token", 1, "truncated"),
        ("vmc", "list-connected-accounts", 1, "401"),
        ("vmc", "request-link", 1, "429"),
        ("template", "download-template", 1, "502 after"),
        ("aws", "cloudformation.CreateStack", 1, "reset after"),
        ("aws", "cloudformation.DescribeStacks", 1, "500"),
        ("aws", "cloudformation.GetTemplate", 1, "429 Retry-After"),
        # From here on the wait asks: each failure counts as a poll in vain.
        ("vmc", "list-connected-accounts", 3, "503 outage"),
        ("vmc", "list-connected-accounts", 9, "empty 200"),
        ("vmc", "list-connected-accounts", 10, "reset midway"),
        ("vmc", "list-connected-accounts", 11, "retryable"),
        ("vmc", "list-connected-accounts", 12, "not retryable"),
        ("vmc", "get-task", 1, "HTML page"),
        ("vmc", "get-task", 2, "refused"),
        ("vmc", "get-task", 3, "time-out before"),
        ("vmc", "get-task", 4, "time-out after"),
    ),
    "destroy": (
        ("aws", "sts.GetCallerIdentity", 1, "reset before"),
        ("csp", "exchange-token", 1, "reset midway"),
        ("vmc", "list-connected-accounts", 1, "HTML page"),
        ("vmc", "unlink", 1, "502 after"),
        ("vmc", "list-connected-accounts", 3, "503"),
        ("aws", "cloudformation.DeleteStack", 1, "reset after"),
        ("aws", "cloudformation.DescribeStacks", 1, "429"),
        ("aws", "cloudformation.DescribeStacks", 2, "502"),
    ),
}
"""Operation -> (service, call, which of the calls of that name, kind); a repeated call counts again."""


def survived_faults(operation: str) -> tuple[PlannedFault, ...]:
    """The faults that one command of the sample meets."""
    return tuple(_fault(operation, *entry) for entry in SURVIVED[operation])


def _fault(operation: str, service: str, call: str, nth: int, kind: str) -> PlannedFault:
    # A refusal is planned on the call before it.
    after = (service, call, nth) if kind == "refused" else None
    point = Point(operation=operation, service=service, call=call, nth=nth, after=after)
    fault = FaultCase(point=point, kind_name=kind).fault()
    if fault is None:
        raise ValueError(f"{kind} can't be planned on {call}")
    return fault
