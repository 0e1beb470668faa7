"""Replies within the API's model: every optional field may be missing, null, or of another type."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.contract.model import MOMENT, NUMBER, SHAPES, TEXT, TRUTH
from tests.support.lab import ACCOUNT

OURS, THEIRS = "SDDC-Account-Link", "vmware-sddc-formation-7aaaaaa3"
OTHER_ACCOUNT = "999999999999"
TEMPLATE_URL = (
    "https://bucket.s3.us-west-2.amazonaws.com/planted-path-token?X-Amz-Signature=planted-signature"
)


def role(stack: str, account: str = ACCOUNT) -> str:
    """A role of a CloudFormation stack."""
    return f"arn:aws:iam::{account}:role/{stack}-RemoteRole-1LGSAPXXXXQK"


_STRANGE = st.sampled_from([None, True, 7, 1.5, "", "x", [], {}, [None], {"a": 1}, 10**30, "two\nlines"])
_KINDS: Mapping[str, st.SearchStrategy[Any]] = {
    TEXT: st.text(max_size=12),
    NUMBER: st.integers(-5, 10**6),
    TRUTH: st.booleans(),
    MOMENT: st.sampled_from(["2026-01-10T12:30:00.000000Z", 1768048200000, "1768048200", "soon"]),
}
_ROLES = st.sampled_from([role(OURS), role(THEIRS), role("x", OTHER_ACCOUNT)])
_ACCOUNT = {
    "id": st.sampled_from(["record-1", "record-2", "record-3", ""]),
    "state": st.sampled_from(["ACTIVE", "ACTIVE", "BROKEN", "DELETED", "NEW"]),
    "account_number": st.sampled_from([ACCOUNT, int(ACCOUNT), OTHER_ACCOUNT]),
    "cf_stack_name": st.sampled_from(
        [OURS, THEIRS, f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{OURS}/5d1f"]
    ),
    "policy_payer_arn": _ROLES,
    "policy_payer_linked_arn": _ROLES,
    "policy_service_arn": _ROLES,
}
_LIKELY: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "AwsCustomerConnectedAccount": _ACCOUNT,
    "LinkRequest": {
        "template_url": st.just(TEMPLATE_URL),
        "tracking_task": st.just("5d1f7e0a-0c2b-4c55-9b0a-3f6f0f5a1111"),
    },
    "Task": {
        "status": st.sampled_from(["STARTED", "FINISHED", "FINISHED", "FAILED", "CANCELED", "NEW"]),
    },
}
"""Shape -> field -> values that mean something; others are of the field's kind."""


@st.composite
def within(draw: st.DrawFn, shape: str) -> dict[str, Any]:
    """An object of this shape of the model, with what may be wrong with its fields."""
    wire: dict[str, Any] = {}
    for field, kind in SHAPES[shape].items():
        name = field.rstrip("?")
        right = _LIKELY[shape].get(name, _of_kind(kind))
        form = draw(st.sampled_from(["right"] * 6 + ["missing", "null", "strange"]))
        if form == "right" or not field.endswith("?"):
            wire[name] = draw(right)
        elif form != "missing":
            wire[name] = None if form == "null" else draw(_STRANGE)
    return wire | draw(
        st.dictionaries(st.sampled_from(["new_key", "region_to_datacenter_to_az_mapping"]), _STRANGE)
    )


def _of_kind(kind: Any) -> st.SearchStrategy[Any]:
    return _KINDS[kind] if isinstance(kind, str) and kind in _KINDS else _STRANGE
