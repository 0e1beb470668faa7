"""`labs recover` on the model: its state is the model's, what it finds out and decides is the product's."""

from collections.abc import Callable
from typing import Any

from tests.properties.engine_model import Engine, Outcome, Resource, StepFailed
from vmc_account_link.errors import CommandFailed
from vmc_account_link.recovery import pending
from vmc_account_link.recovery.cloudformation import find_stack
from vmc_account_link.resource_types import AWS_PROVIDER, LINK_REQUEST, STACK

_URN = "urn:pulumi:lab::vmc-account-link::vmc-account-link:index:AccountLink"
_PARENT = f"{_URN}::link"
_LINK = f"{_URN}${LINK_REQUEST}::link-request"
_STACK = f"{_URN}${STACK}::link-stack"


def recover(
    engine: Engine, *, sleep: Callable[[float], object], emit_progress: Callable[[str], None]
) -> Outcome:
    """Import a stack whose creation was not confirmed; nothing else is left: this model has no crashes."""
    state = _exported(engine)
    try:
        found = {
            stack.urn: find_stack(
                stack.name,
                access=stack.access,
                account_number=stack.account_number,
                may_be_on_its_way=stack.is_creation,
                sleep=sleep,
            )
            for stack in pending.pending_stacks(state)
        }
    except CommandFailed as error:
        failed = StepFailed(str(error))
        failed.__cause__ = error
        return Outcome(error=failed)
    repaired = pending.repair(state, state, found)
    for line in repaired.lines:
        emit_progress(line)
    if "stack" not in engine.state:
        for one in repaired.state["deployment"]["resources"]:
            if one["urn"] == _STACK:
                engine.state["stack"] = _imported(engine, one)
    return Outcome(error=None)


def _exported(engine: Engine) -> dict[str, Any]:
    """The state as `pulumi stack export --show-secrets` writes it, as far as recover reads it."""
    provider = {
        "urn": f"{_URN}${AWS_PROVIDER}::link-aws",
        "id": "provider",
        "type": AWS_PROVIDER,
        "parent": _PARENT,
        "inputs": {"region": "us-west-2"},
    }
    types = {"request": (LINK_REQUEST, _LINK), "stack": (STACK, _STACK)}
    ours = [
        {
            "urn": urn,
            "type": typ,
            "parent": _PARENT,
            "id": engine.state[name].id,
            "inputs": engine.state[name].inputs,
            "outputs": engine.state[name].outputs,
            "modified": engine.state[name].modified.isoformat(),
        }
        for name, (typ, urn) in types.items()
        if name in engine.state
    ]
    return {"deployment": {"resources": [provider, *ours]}}


def _imported(engine: Engine, stack: dict[str, Any]) -> Resource:
    return Resource(
        id=stack["id"],
        inputs=stack["inputs"],
        outputs=stack["outputs"],
        reads=dict.fromkeys(stack["propertyDependencies"], "request"),
        modified=engine.now(),
        init_errors=tuple(stack.get("initErrors", ())),
    )
