"""A lab as a spec's reader makes it."""

import dataclasses
from typing import Any

from vmc_labs.spec.model import Credentials, LabSpec, Service

SERVICE = Service(org_id="org", vmc_url="https://vmc.invalid", csp_url="https://csp.invalid")


def lab_spec(name: str, **changes: Any) -> LabSpec:
    """A lab of event `event`, with nothing of its own but the changes."""
    lab = LabSpec(
        name=name,
        stack=f"event-{name}",
        service=SERVICE,
        credentials=Credentials(),
        aws_account_id=None,
        settings={},
    )
    return dataclasses.replace(lab, **changes)
