"""The model of the engine and of our program, held against the real ones: what the state machine rests on.

Real: in the first test the engine, in the second the component and the SDK under mocks.
"""

import pytest

from tests.properties.cloud import Cloud
from tests.properties.engine_model import Values
from tests.properties.program_model import Lab as ModelledLab
from tests.support.lab import Lab
from tests.support.mocked_engine import CONFIG, CONNECTED, LINK, REQUEST, STACK, WAIT, Recorder, mocked_engine

TYPES = {"request": REQUEST, "stack": STACK, "connected": CONNECTED, "wait": WAIT}
WRITES = {
    "request-link",
    "unlink",
    "cloudformation.CreateStack",
    "cloudformation.UpdateStack",
    "cloudformation.DeleteStack",
}

Observation = tuple[bool, list[str], dict[str, bool]]
"""Success; what was written, in order; the resources in the state, and whether each has init errors."""


class RealHistory:
    """On the real engine."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def configure(self, stack_name: str) -> None:
        self._lab.set({"stackName": stack_name})

    def behave(self, stack_outcome: str) -> None:
        self._lab.control.set_modes(stack_outcome=stack_outcome)

    def run(self, operation: str) -> Observation:
        self._lab.control.clear_journal()
        done = self._lab.run(operation, "--yes", "--skip-preview")
        stored = self._lab.resources()
        found = {name: stored.get(typ.rpartition("/")[2].rpartition(":")[2]) for name, typ in TYPES.items()}
        kept = {name: bool(one.get("initErrors")) for name, one in found.items() if one}
        return done.code == 0, [call for call in self._lab.calls() if call in WRITES], kept


class ModelledHistory:
    """On the model."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lab = ModelledLab(cloud)

    def configure(self, stack_name: str) -> None:
        self._lab.settings.stack_name = stack_name

    def behave(self, stack_outcome: str) -> None:
        self._cloud.world.modes.apply({"stack_outcome": stack_outcome})

    def run(self, operation: str) -> Observation:
        self._cloud.world.journal.clear()
        outcome = getattr(self._lab, operation)()
        calls = [entry.call for entry in self._cloud.world.journal.entries()]
        kept = {name: bool(one.init_errors) for name, one in self._lab.engine.state.items()}
        return outcome.succeeded, [call for call in calls if call in WRITES], kept


def history(lab: RealHistory | ModelledHistory) -> list[Observation]:
    """A stack that fails, is recreated, gets another name, and goes."""
    lab.behave("roll_back")
    runs = [lab.run("up")]
    lab.behave("complete")
    runs.append(lab.run("up"))
    lab.configure("Lab-7")
    return [*runs, lab.run("up"), lab.run("destroy")]


@pytest.mark.engine
def test_the_engine_makes_replaces_and_removes_in_the_models_order(lab: Lab) -> None:
    cloud = Cloud()
    with cloud.in_use():
        foreseen = history(ModelledHistory(cloud))
    assert history(RealHistory(lab)) == foreseen
    assert [succeeded for succeeded, _, _ in foreseen] == [False, True, True, True]


@pytest.mark.parametrize("body", [LINK["template_body"], ""], ids=["inline", "by URL"])
def test_the_model_wires_the_resources_as_the_component_does(body: str) -> None:
    links_requested = {
        **LINK,
        "template_body": body,
        "previous_revision": "r version 1 of x",
        "revision_at_request": "r version 1 of x",
        "role_ids": ["RemoteRole"],
    }
    with mocked_engine() as run:
        recorder = run(config=CONFIG, link=links_requested)
    cloud = Cloud()
    with cloud.in_use():
        declarations = ModelledLab(cloud)._declarations()
    assert [one.name for one in declarations] == list(TYPES)
    known: dict[str, Values] = {}
    for declared in declarations:
        typ = TYPES[declared.name]
        request, said = recorder.of_type(typ), recorder.inputs(typ)
        # What differs is whose organisation it is.
        foreseen = {**declared.inputs(known), **({"org_id": "org-1"} if "org_id" in said else {})}
        said.pop("__provider", None)
        # The model's AWS is not asked whether a stack is left: `tests/provider/test_stack_left.py`.
        said.pop("aws_access", None)
        assert {key: value for key, value in foreseen.items() if value is not None} == said
        assert {key: source for key, source in declared.reads.items() if key in said} == reads(recorder, typ)
        assert declared.replaces_on_init_error == (list(request.replaceOnChanges) == ["#initerror"])
        assert declared.delete_before_replace == request.deleteBeforeReplace
        known[declared.name] = {
            **said,
            **(links_requested if typ == REQUEST else {}),
            "id": f"{request.name}-id",
        }


def reads(recorder: Recorder, typ: str) -> dict[str, str]:
    """Input -> the resource, by the model's name, whose outputs it comes from."""
    names = {other: name for name, other in TYPES.items()}
    return {
        key: names[source]
        for key, dependencies in recorder.of_type(typ).propertyDependencies.items()
        for source in {urn.split("::")[2].rpartition("$")[2] for urn in dependencies.urns} & set(names)
    }
