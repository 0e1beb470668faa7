"""What can happen to a lab: the choices of the state machine."""

from typing import Any

from hypothesis import strategies as st

from sandbox.faults import FaultBody, FaultKind, PlannedFault
from tests.support.forms import LINKING

STACK_NAMES = ("SDDC-Account-Link", "Lab-7")
THEIRS = "vmware-sddc-formation-1"
"""A stack that somebody else ran for the same account."""

_CALLS = {
    "csp": ("exchange-token",),
    "vmc": ("list-connected-accounts", "request-link", "get-task", "unlink"),
    "template": ("download-template",),
    "aws": (
        "sts.GetCallerIdentity",
        "cloudformation.CreateStack",
        "cloudformation.UpdateStack",
        "cloudformation.DeleteStack",
        "cloudformation.DescribeStacks",
        "cloudformation.DescribeStackEvents",
        "cloudformation.GetTemplate",
    ),
}
_ONCE = frozenset({"request-link", "download-template", "unlink", "cloudformation.CreateStack"})
"""What an operation calls once: a fault of a later one would hardly ever be met."""
_STATUSES = (400, 401, 403, 404, 429, 500, 502, 503)
LONGEST_UNLINK_LAG_SECONDS = 300.0
"""For which an unlinked account stays in the list."""


@st.composite
def faults(draw: st.DrawFn) -> PlannedFault:
    """Any fault of any call, met soon or late, once or a few times."""
    service, call = draw(st.sampled_from([(s, c) for s, calls in _CALLS.items() for c in calls]))
    kind = draw(st.sampled_from(FaultKind))
    own: dict[str, Any] = {}
    if kind is FaultKind.STATUS:
        status = draw(st.sampled_from(_STATUSES))
        own = {
            "status": status,
            "retry_after": draw(st.sampled_from([None, 0, 3, 3600])),
            "body": draw(st.sampled_from(FaultBody)),
            "retryable": draw(st.booleans()),
            # A call that was turned away has not acted; one that broke down may have.
            "acts": status >= 500 and draw(st.booleans()),
        }
    elif kind is FaultKind.TIME_OUT:
        own = {"seconds": 30.0, "acts": draw(st.booleans())}
    elif kind in {FaultKind.SLOW, FaultKind.LATE}:
        own = {"seconds": 20.0}
    elif kind is FaultKind.REFUSE_NEXT:
        own = {
            "seconds": draw(st.sampled_from([1.0, 100.0])),
            "server": draw(st.sampled_from(["vmware", "aws"])),
        }
    return PlannedFault(
        service=service,
        call=call,
        kind=kind,
        nth=1 if call in _ONCE else draw(st.integers(1, 3)),
        count=draw(st.sampled_from([1, 2, 6])),
        **own,
    )


MODES = st.fixed_dictionaries(
    {},
    optional={
        "task_seconds": st.sampled_from([0.0, 120.0, 3000.0]),
        "stack_seconds": st.sampled_from([0.0, 100.0]),
        "task_outcome": st.sampled_from(["finish", "never", "fail", "cancel"]),
        "stack_outcome": st.sampled_from(["complete", "roll_back"]),
        "template": st.sampled_from(
            ["normal", "large", "not_a_template", "foreign_host", "redirect", "missing"]
        ),
        "list_lag_seconds": st.sampled_from([0.0, 200.0]),
        "task_lag_seconds": st.sampled_from([0.0, 600.0]),
        "broken_seconds": st.sampled_from([0.0, 400.0, -1.0]),
        "unlink_lag_seconds": st.sampled_from([0.0, 30.0, LONGEST_UNLINK_LAG_SECONDS]),
        "deleted_records_listed": st.booleans(),
        "access_token_seconds": st.sampled_from([30.0, 1799.0]),
        "link_lifetime_seconds": st.sampled_from([60.0, 1800.0]),
    },
)
"""How the services behave, and how slowly."""

HIDE_THE_MAKER = tuple(form.modes for form in LINKING if form.hides_maker)
FORMS = st.sampled_from([{}, *(form.modes for form in LINKING if "template" not in form.modes)])
"""In which form the service shows a record: of one service always the same."""

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "stack_name": st.sampled_from(STACK_NAMES),
        "link_timeout_minutes": st.sampled_from([1, 30]),
        "unlink_on_destroy": st.booleans(),
        "tags": st.sampled_from([{}, {"owner": "workshop"}]),
    },
)
"""What the person changes in the configuration."""
