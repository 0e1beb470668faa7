"""What a program may do with a component, on the real engine: the state stays whole, and the link with it."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.environment import Sandbox
from tests.support.lab import Lab

pytestmark = pytest.mark.engine

IMPORTS = """
import pulumi
import pulumi_aws as aws
from vmc_account_link import AccountLink


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        # A URN holds the types of the parents, not their names.
        super().__init__(f"demo:index:{name.title()}", name, {}, opts)


"""


def write_program(lab: Lab, text: str) -> None:
    (lab.folder / "__main__.py").write_text(IMPORTS + textwrap.dedent(text))


def urns(lab: Lab, stack: str | None = None) -> list[str]:
    """The URNs of a Pulumi stack's state, by the engine, which refuses a broken one."""
    named = ("--stack", stack) if stack else ()
    export = json.loads(lab.must("stack", "export", *named).output)
    return [one["urn"] for one in export["deployment"].get("resources") or []]


def test_other_resources_are_targeted_and_the_link_excluded_with_a_whole_state(lab: Lab) -> None:
    write_program(lab, 'Group("other")\nAccountLink("link", {"stack_name": "Lab"})\n')
    lab.up("--target", "**::other")
    lab.up("--exclude", "**AccountLink**")
    lab.must("preview")
    assert lab.control.links() == ()
    lab.up()
    assert lab.control.connected_accounts()[0].state.value == "ACTIVE"
    lab.must("destroy", "--yes", "--skip-preview", "--exclude", "**AccountLink**")
    assert {"LinkRequest", "Stack", "ConnectedAccount", "ConnectionWait"} <= set(lab.resources())
    lab.must("destroy", "--yes", "--skip-preview", "--target", "**AccountLink**")
    assert lab.control.connected_accounts() == ()


@pytest.fixture
def two_accounts(tmp_path: Path) -> Iterator[Lab]:
    with Sandbox.start(tmp_path / "sandbox", accounts=2, first_poll_seconds=0.2) as box:
        box.control.set_modes(stack_seconds=0.4, task_seconds=0.4)
        yield Lab(box, tmp_path / "project")


def test_two_links_of_one_name_have_two_parents_and_a_provider_of_the_callers(two_accounts: Lab) -> None:
    lab = two_accounts
    write_program(
        lab,
        """
        for kind, account in {"red": "200000000001", "blue": "200000000002"}.items():
            group = Group(kind)
            role = aws.ProviderAssumeRoleArgs(role_arn=f"arn:aws:iam::{account}:role/lab")
            theirs = aws.Provider(f"{kind}-aws", region="us-west-2", assume_roles=[role])
            AccountLink("link", {}, pulumi.ResourceOptions(parent=group, providers=[theirs]))
        """,
    )
    lab.up()
    accounts = {one.account_number: one.state.value for one in lab.control.connected_accounts()}
    assert accounts == {"200000000001": "ACTIVE", "200000000002": "ACTIVE"}
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes")
    lab.must("destroy", "--yes", "--skip-preview")
    assert lab.control.connected_accounts() == ()


def test_a_link_that_is_moved_to_another_pulumi_stack_is_destroyed_from_there(lab: Lab) -> None:
    write_program(lab, 'AccountLink("link", {"stack_name": "Lab"})\n')
    lab.up()
    (component,) = [urn for urn in urns(lab) if urn.endswith("AccountLink::link")]
    lab.must("stack", "init", "other", "--no-select")
    lab.must("state", "move", "--source", "lab", "--dest", "other", component, "--yes")
    assert not [urn for urn in urns(lab) if "AccountLink" in urn]
    assert len([urn for urn in urns(lab, "other") if "vmc-account-link" in urn.rpartition("$")[2]]) >= 4
    lab.must("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "other")
    lab.must("destroy", "--yes", "--skip-preview", "--stack", "other")
    assert lab.control.connected_accounts() == ()
    assert urns(lab, "other") == []


def test_protect_retain_and_transforms_reach_what_the_component_makes(lab: Lab) -> None:
    link = 'AccountLink("link", {"stack_name": "Lab"}, pulumi.ResourceOptions(%s))\n'
    transform = """
def tagged(args):
    if args.type_ == "aws:cloudformation/stack:Stack":
        return pulumi.ResourceTransformResult({**args.props, "tags": {"by": "a transform"}}, args.opts)


pulumi.runtime.register_resource_transform(tagged)
"""
    write_program(lab, transform + link % "protect=True")
    lab.up()
    assert lab.resources()["Stack"]["inputs"]["tags"] == {"by": "a transform"}
    rejected = lab.fail("destroy")
    assert "protect" in rejected.output
    assert len(lab.control.connected_accounts()) == 1

    write_program(lab, transform + link % "retain_on_delete=True")
    lab.up()
    lab.control.clear_journal()
    lab.destroy()
    assert lab.resources() == {}
    assert not {"unlink", "cloudformation.DeleteStack"} & set(lab.calls())
    assert len(lab.control.connected_accounts()) == 1


def test_a_state_whose_provider_is_below_its_component_goes_on_without_a_replacement(lab: Lab) -> None:
    """As it was before the provider stood beside the component, and before the wait was a resource."""
    write_program(lab, 'AccountLink("link", {"stack_name": "Lab"})\n')
    lab.up()
    text = lab.must("stack", "export").output
    component = "vmc-account-link:index:AccountLink$"
    export = json.loads(
        text.replace("::pulumi:providers:aws::link-aws", f"::{component}pulumi:providers:aws::link-aws")
    )
    kept = [
        one for one in export["deployment"]["resources"] if not one["urn"].endswith("link-connection-wait")
    ]
    (parent,) = [one["urn"] for one in kept if one["urn"].endswith("AccountLink::link")]
    for one in kept:
        if one["urn"].endswith("link-aws"):
            one["parent"] = parent
    # The engine wants a parent before its children.
    kept.sort(key=lambda one: (one["urn"] != parent) and "parent" in one and one["parent"] != "")
    export["deployment"]["resources"] = kept
    lab.must("stack", "import", stdin=json.dumps(export))
    lab.control.clear_journal()
    done = lab.up()
    assert not {"request-link", "unlink", "cloudformation.CreateStack", "cloudformation.DeleteStack"} & set(
        lab.calls()
    )
    assert "replaced" not in done.output
    assert lab.outputs() == {}
    assert "ConnectionWait" in lab.resources()
    lab.destroy()
    assert lab.control.connected_accounts() == ()
