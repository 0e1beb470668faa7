"""What `recover` takes into the state, by the real AWS provider's own Diff: nothing is left to change."""

import pytest

from tests.engine.test_crash import kill_at
from tests.support.lab import Lab
from tests.sweep.stage import recover

pytestmark = pytest.mark.engine
TAGS = {"owner": "ann", "stage": "test"}


def finds_no_change(lab: Lab) -> None:
    """Neither a preview nor an `up` has anything to do with the stack."""
    preview = lab.must("preview", "--diff")
    assert "account-link-stack" not in preview.output
    lab.up()
    assert not {"cloudformation.UpdateStack", "cloudformation.DeleteStack"} & set(lab.calls())


def ready(lab: Lab, template: str, tags: dict[str, str]) -> None:
    """Choose how the template goes to CloudFormation, and the stack's tags."""
    lab.control.set_modes(template=template, stack_seconds=1.0)
    for key, value in tags.items():
        lab.must("config", "set", "--path", f"tags.{key}", value)


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        pytest.param("normal", TAGS, id="inline, tags"),
        pytest.param("large", {}, id="by URL, no tags"),
        pytest.param("normal", {}, id="inline, no tags", marks=pytest.mark.whole),
        pytest.param("large", TAGS, id="by URL, tags", marks=pytest.mark.whole),
    ],
)
def test_a_stack_that_was_under_way_needs_no_change(lab: Lab, template: str, tags: dict[str, str]) -> None:
    ready(lab, template, tags)
    kill_at(lab, "cloudformation.CreateStack", group=True)
    recovered = recover(lab)
    assert "taken into the Pulumi state, CREATE_COMPLETE" in recovered.output, recovered.output
    finds_no_change(lab)
    lab.is_linked()


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        pytest.param("normal", {"owner": "ann"}, id="inline with tags"),
        pytest.param("large", {}, id="by URL without", marks=pytest.mark.whole),
    ],
)
def test_a_stack_that_nobody_recorded_needs_no_change(lab: Lab, template: str, tags: dict[str, str]) -> None:
    ready(lab, template, tags)
    lab.control.plan_fault("aws", "cloudformation.CreateStack", "ok_empty")
    lab.fail_up()
    recovered = recover(lab)
    assert "the Pulumi state did not know it" in recovered.output, recovered.output
    finds_no_change(lab)
    lab.is_linked()


def test_a_healthy_stack_survives_that_its_link_has_expired_after_recover(lab: Lab) -> None:
    """By URL: an update would send the expired URL, fail, and the run after it would delete the stack."""
    ready(lab, "large", {})
    kill_at(lab, "cloudformation.CreateStack", group=True)
    assert recover(lab).code == 0
    lab.control.advance(7200)
    for _ in range(2):
        lab.up()
    assert not {"cloudformation.UpdateStack", "cloudformation.DeleteStack"} & set(lab.calls())
    lab.is_linked()
