"""Pending operations: what exists is imported, what does not is dropped, what is not ours is left. Pure."""

import copy
import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.recovery.cloudformation import FoundStack
from vmc_account_link.recovery.pending import PendingStack, pending_stacks, repair
from vmc_account_link.resource_types import CONNECTION_WAIT, LINK_REQUEST, STACK

PROVIDER = "urn:pulumi:dev::p::pulumi:providers:aws::link-aws"
URN = "urn:pulumi:dev::p::aws:cloudformation/stack:Stack::link-stack"
TEMPLATE = json.dumps({"Resources": {"Link": {"Properties": {"LinkId": "1"}}}})
STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/SDDC-Account-Link/1"
LEFT_ALONE = (
    f"link-stack: CloudFormation stack {STACK_ID} has the name and is not this link's: {{}}. It was left "
    "alone, and the next `pulumi up` will say that the name is taken: delete it if nobody needs it, or "
    "choose another vmc-account-link:stackName"
)
HARMLESS = "the next run does it again, which is harmless"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def stack(**inputs: Any) -> dict[str, Any]:
    sent = {"name": "SDDC-Account-Link", "templateBody": {**SECRET, "ciphertext": "v1:xyz"}, **inputs}
    return {"urn": URN, "type": STACK, "custom": True, "provider": f"{PROVIDER}::id-1", "inputs": sent}


def state(*pending: dict[str, Any], kind: str = "creating") -> dict[str, Any]:
    provider = {
        "urn": PROVIDER,
        "id": "id-1",
        "type": "pulumi:providers:aws",
        "inputs": {"region": "eu-west-1", "profile": "labs"},
    }
    link = {
        "urn": "urn::link-request",
        "type": LINK_REQUEST,
        "modified": "2026-01-10T12:00:00.123456789Z",
        "outputs": {"account_number": "123456789012"},
    }
    operations = [{"resource": resource, "type": kind} for resource in pending]
    return {"version": 3, "deployment": {"resources": [provider, link], "pending_operations": operations}}


def in_plaintext(encrypted: dict[str, Any]) -> dict[str, Any]:
    plain = copy.deepcopy(encrypted)
    for operation in plain["deployment"]["pending_operations"]:
        inputs = operation["resource"].get("inputs", {})
        if "templateBody" in inputs:
            inputs["templateBody"] = {**SECRET, "plaintext": json.dumps(TEMPLATE)}
    return plain


def found(status: str = "CREATE_COMPLETE", template: object = TEMPLATE) -> FoundStack:
    return FoundStack(
        name="SDDC-Account-Link",
        id=STACK_ID,
        status=status,
        reason="because",
        created=datetime(2026, 1, 10, 12, 1, tzinfo=UTC),
        template=template,
    )


def test_a_pending_stack_is_looked_for_where_its_provider_makes_it() -> None:
    assert pending_stacks(state(stack())) == (
        PendingStack(
            urn=URN,
            name="SDDC-Account-Link",
            access=AwsAccess(region="eu-west-1", profile="labs"),
            account_number="123456789012",
            is_creation=True,
        ),
    )


def test_a_stack_whose_provider_the_state_does_not_have_is_looked_for_in_the_default_region() -> None:
    (expected,) = pending_stacks(state({**stack(), "provider": "urn::gone::id-1"}))
    assert expected.access == AwsAccess(region="us-west-2")


def test_a_provider_of_roles_and_keys_is_asked_as_it_asks() -> None:
    plain = state(stack())
    plain["deployment"]["resources"][0]["inputs"] |= {
        "accessKey": {**SECRET, "plaintext": '"AKIA"'},
        "secretKey": {**SECRET, "plaintext": '"key"'},
        "assumeRoles": '[{"roleArn": "arn:aws:iam::123456789012:role/lab", "externalId": "x"}]',
        "endpoints": '[{"cloudformation": "http://localhost:1"}]',
    }
    (expected,) = pending_stacks(plain)
    assert expected.access == AwsAccess(
        region="eu-west-1",
        profile="labs",
        access_key="AKIA",
        secret_key="key",
        assumed_roles=({"roleArn": "arn:aws:iam::123456789012:role/lab", "externalId": "x"},),
        endpoints={"cloudformation": "http://localhost:1"},
    )
    assert "key" not in repr(expected.access).replace("access_key", "").replace("secret_key", "")


@pytest.mark.parametrize("kind", ["updating", "deleting"])
def test_a_stack_that_was_being_changed_is_waited_for_and_its_end_is_told(kind: str) -> None:
    before = state({**stack(), "id": STACK_ID}, kind=kind)
    (expected,) = pending_stacks(before)
    assert (expected.name, expected.is_creation) == (STACK_ID, False)
    repaired = repair(before, before, {URN: found("UPDATE_COMPLETE")})
    assert repaired.lines == (
        f"link-stack: {kind} was interrupted; CloudFormation says UPDATE_COMPLETE; {HARMLESS}",
    )
    assert len(repaired.state["deployment"]["resources"]) == 2


@pytest.mark.parametrize("template", [TEMPLATE, json.loads(TEMPLATE)], ids=["as text", "parsed by the SDK"])
def test_a_stack_that_was_made_is_taken_in_with_its_secrets_still_encrypted(template: object) -> None:
    before = state(stack())
    repaired = repair(before, in_plaintext(before), {URN: found(template=template)})
    assert repaired.lines == ("link-stack: taken into the Pulumi state, CREATE_COMPLETE",)
    *_, recorded = repaired.state["deployment"]["resources"]
    assert recorded["id"] == recorded["outputs"]["id"] == STACK_ID
    assert recorded["inputs"] == stack()["inputs"]
    assert (recorded["outputs"]["parameters"], recorded["outputs"]["outputs"]) == ({}, {})
    assert "initErrors" not in recorded
    assert "plaintext" not in json.dumps(repaired.state)
    assert repaired.state["deployment"]["pending_operations"] == []
    assert before["deployment"]["pending_operations"], "the state that was read is not changed"


def test_a_stack_that_failed_is_taken_in_with_its_error_so_that_it_is_made_anew() -> None:
    before = state(stack())
    repaired = repair(before, in_plaintext(before), {URN: found("ROLLBACK_COMPLETE")})
    assert repaired.state["deployment"]["resources"][-1]["initErrors"] == [
        "stack status (ROLLBACK_COMPLETE): because"
    ]
    assert repaired.lines == (
        "link-stack: taken into the Pulumi state, ROLLBACK_COMPLETE; the next `pulumi up` creates it again",
    )


def test_a_stack_of_the_same_name_with_another_template_is_somebody_elses() -> None:
    before = state(stack())
    repaired = repair(before, in_plaintext(before), {URN: found(template='{"Resources": {}}')})
    assert len(repaired.state["deployment"]["resources"]) == 2
    assert repaired.lines == (LEFT_ALONE.format("it runs another template than the link's"),)


@pytest.mark.parametrize(
    ("modified", "clock_ahead_seconds", "is_owned"),
    [
        ("2026-01-10T12:01:00.123456789Z", None, True),
        ("2026-01-10T12:01:01.000000999Z", None, True),
        ("2026-01-10T12:01:01.5Z", None, False),
        ("2026-01-10T15:00:00.1Z", None, False),
        ("2026-01-10T15:00:00.1Z", -3 * 3600.0, True),
    ],
)
def test_a_stack_by_url_is_owned_if_it_is_not_older_than_the_link_by_the_services_clock(
    modified: str, clock_ahead_seconds: float | None, *, is_owned: bool
) -> None:
    """CloudFormation's times are of whole seconds."""
    by_url = stack(templateUrl={**SECRET, "ciphertext": "v1:abc"})
    del by_url["inputs"]["templateBody"]
    before = state(by_url)
    link = before["deployment"]["resources"][1]
    link["modified"] = modified
    link["outputs"]["clock_ahead_seconds"] = clock_ahead_seconds
    repaired = repair(before, before, {URN: found()})
    assert len(repaired.state["deployment"]["resources"]) == (3 if is_owned else 2)
    older = LEFT_ALONE.format("it was made 2026-01-10 12:01 UTC, before the link was requested")
    assert is_owned or repaired.lines == (older,)


@pytest.mark.parametrize(
    ("resource", "kind", "said"),
    [
        (stack(), "creating", "no such CloudFormation stack exists; the next `pulumi up` creates it"),
        (
            {"urn": "u::link", "type": LINK_REQUEST},
            "creating",
            "a link that nobody used expires by itself; the next `pulumi up` requests one",
        ),
        (
            {"urn": "u::wait", "type": CONNECTION_WAIT},
            "creating",
            "nothing was made; the next `pulumi up` goes on waiting",
        ),
        (
            {"urn": "u::component", "type": "vmc-account-link:index:AccountLink"},
            "creating",
            "nothing outside the state belongs to it; the next `pulumi up` declares it",
        ),
        (stack(), "deleting", f"deleting was interrupted; {HARMLESS}"),
        (stack(), "updating", f"updating was interrupted; {HARMLESS}"),
    ],
)
def test_what_does_not_exist_is_dropped_with_what_comes_next(
    resource: dict[str, Any], kind: str, said: str
) -> None:
    before = state(resource, kind=kind)
    repaired = repair(before, in_plaintext(before), {URN: None})
    assert repaired.lines == (f"{resource['urn'].rpartition('::')[2]}: {said}",)
    assert len(repaired.state["deployment"]["resources"]) == 2


def test_a_stack_that_nobody_knows_of_is_looked_for_and_taken_in_if_it_is_the_links() -> None:
    parent = "urn:pulumi:dev::p::vmc-account-link:index:AccountLink::link"
    child = "urn:pulumi:dev::p::vmc-account-link:index:AccountLink$"
    before = state()
    provider, link = before["deployment"]["resources"]
    provider["parent"] = link["parent"] = parent
    link["urn"] = f"{child}{LINK_REQUEST}::link-request"
    link["outputs"] |= {"stack_name": "Lab-7", "template_body": {**SECRET, "ciphertext": "v1:xyz"}}
    plain = copy.deepcopy(before)
    plain["deployment"]["resources"][1]["outputs"]["template_body"] = {
        **SECRET,
        "plaintext": json.dumps(TEMPLATE),
    }
    (expected,) = pending_stacks(before)
    assert (expected.urn, expected.name, expected.access.region) == (
        f"{child}{STACK}::link-stack",
        "Lab-7",
        "eu-west-1",
    )

    *_, recorded = repair(before, plain, {expected.urn: found()}).state["deployment"]["resources"]
    assert (recorded["urn"], recorded["id"], recorded["provider"]) == (
        expected.urn,
        STACK_ID,
        f"{PROVIDER}::id-1",
    )
    assert recorded["inputs"]["templateBody"] == {**SECRET, "ciphertext": "v1:xyz"}
    assert recorded["inputs"]["region"] == "eu-west-1"
    for absent in (None, found(template="{}")):
        untouched = repair(before, plain, {expected.urn: absent})
        assert (untouched.lines, untouched.state["deployment"]["resources"]) == ((), [provider, link])
    assert untouched.notes == (LEFT_ALONE.format("it runs another template than the link's"),)


def test_the_tags_of_a_stack_that_nobody_knows_of_are_what_the_provider_would_have_written() -> None:
    parent = "urn:pulumi:dev::p::vmc-account-link:index:AccountLink::link"
    before = state()
    provider, link = before["deployment"]["resources"]
    provider["parent"] = link["parent"] = parent
    provider["inputs"]["defaultTags"] = '{"tags": {"team": "vmc"}}'
    link["urn"] = f"urn:pulumi:dev::p::vmc-account-link:index:AccountLink${LINK_REQUEST}::link-request"
    link["outputs"] |= {"stack_name": "Lab-7", "template_body": TEMPLATE}
    (expected,) = pending_stacks(before)
    tagged = dataclasses.replace(found(), tags={"team": "vmc", "owner": "ann"})
    *_, recorded = repair(before, before, {expected.urn: tagged}).state["deployment"]["resources"]
    for side in ("inputs", "outputs"):
        assert recorded[side]["tags"] == {"owner": "ann"}
        assert recorded[side]["tagsAll"] == {"team": "vmc", "owner": "ann"}


def test_a_stack_that_is_yet_to_be_deleted_does_not_count_and_stays() -> None:
    """Of a replacement that creates first: both have one URN, and one of them the mark."""
    before = state(stack())
    leaving = {**stack(), "id": "arn:old", "outputs": {}, "delete": True}
    before["deployment"]["resources"].append(leaving)
    resources = repair(before, in_plaintext(before), {URN: found()}).state["deployment"]["resources"]
    assert [(r["id"], r.get("delete", False)) for r in resources if r["urn"] == URN] == [
        ("arn:old", True),
        (STACK_ID, False),
    ]


def test_a_link_that_is_yet_to_be_deleted_says_nothing_of_its_successors_stack() -> None:
    before = state(stack())
    link = before["deployment"]["resources"][1]
    leaving = {**link, "outputs": {"account_number": "999999999999"}, "delete": True}
    before["deployment"]["resources"].append(leaving)
    assert [one.account_number for one in pending_stacks(before)] == ["123456789012"]


def test_a_stack_that_was_deleted_to_be_made_anew_gives_its_place_to_the_one_that_was_made() -> None:
    before = state(stack())
    before["deployment"]["resources"].append(
        {**stack(), "id": "arn:old", "outputs": {}, "pendingReplacement": True}
    )
    resources = repair(before, in_plaintext(before), {URN: found()}).state["deployment"]["resources"]
    assert [r["id"] for r in resources if r["urn"] == URN] == [STACK_ID]


def test_no_state_gets_two_resources_of_one_urn() -> None:
    before = state(stack())
    before["deployment"]["resources"].append({**stack(), "id": "arn:there", "outputs": {}})
    repaired = repair(before, in_plaintext(before), {URN: found()})
    assert [r["id"] for r in repaired.state["deployment"]["resources"] if r["urn"] == URN] == ["arn:there"]
    assert repaired.lines == ("link-stack: the Pulumi state has it already",)
    begun_twice = state(stack(), stack())
    repaired = repair(begun_twice, in_plaintext(begun_twice), {URN: found()})
    assert [r["urn"] for r in repaired.state["deployment"]["resources"]].count(URN) == 1
    assert repaired.lines[1:] == ("link-stack: the Pulumi state has it already",)


def test_a_state_that_has_no_resources_gets_its_first() -> None:
    before = state(stack())
    del before["deployment"]["resources"]
    (resource,) = repair(before, in_plaintext(before), {URN: found()}).state["deployment"]["resources"]
    assert resource["id"] == STACK_ID


def test_a_state_with_nothing_under_way_stays_as_it_is() -> None:
    before = state()
    repaired = repair(before, before, {})
    assert repaired.lines == ()
    assert repaired.state == before


LINK_URN = f"urn:pulumi:dev::p::{LINK_REQUEST}::link-request"
PARENT = "urn:pulumi:dev::p::vmc-account-link:index:AccountLink::link"


def unrecorded(template_body: str, *providers: dict[str, Any]) -> dict[str, Any]:
    """A state with a link whose stack nobody heard of."""
    outputs = {
        "account_number": "123456789012", "stack_name": "SDDC-Account-Link", "template_url": "https://t",
        "template_body": template_body,
    }  # fmt: skip
    link = {
        "urn": LINK_URN, "type": LINK_REQUEST, "parent": PARENT, "outputs": outputs,
        "modified": "2026-01-10T12:00:00Z",
    }  # fmt: skip
    return {"version": 3, "deployment": {"resources": [*providers, link], "pending_operations": []}}


def provider(name: str, parent: str = "") -> dict[str, Any]:
    urn = f"urn:pulumi:dev::p::pulumi:providers:aws::{name}"
    inputs = {"region": f"region-of-{name}"}
    return {
        "urn": urn,
        "id": f"id-{name}",
        "type": "pulumi:providers:aws",
        "parent": parent,
        "inputs": inputs,
    }


@pytest.mark.parametrize(
    ("body", "source"),
    [(TEMPLATE, ("templateBody", TEMPLATE)), ("", ("templateUrl", "https://t"))],
    ids=["inline", "by URL"],
)
def test_an_unrecorded_stack_is_written_as_the_program_declares_it(
    body: str, source: tuple[str, str]
) -> None:
    """Whatever is missing or different would be a change to the next preview."""
    before, urn = (
        unrecorded(body, provider("link-aws", PARENT), provider("other")),
        LINK_URN.replace(LINK_REQUEST, STACK),
    )
    urn = urn.removesuffix("-request") + "-stack"
    repaired = repair(before, before, {urn: found()})
    assert repaired.lines == ("link-stack: the Pulumi state did not know it; taken into it, CREATE_COMPLETE",)
    *_, recorded = repaired.state["deployment"]["resources"]
    inputs = {
        "__defaults": [], "name": "SDDC-Account-Link", "region": "region-of-link-aws",
        "capabilities": ["CAPABILITY_IAM"], "onFailure": "DELETE", source[0]: source[1], "tagsAll": {},
    }  # fmt: skip
    assert recorded == {
        "urn": urn,
        "custom": True,
        "type": STACK,
        "id": STACK_ID,
        "inputs": inputs,
        "outputs": {
            "parameters": {}, "outputs": {}, "id": STACK_ID,
            **{key: value for key, value in inputs.items() if key != "__defaults"},
        },
        "parent": PARENT,
        "provider": "urn:pulumi:dev::p::pulumi:providers:aws::link-aws::id-link-aws",
        "dependencies": [LINK_URN],
        "propertyDependencies": {source[0]: [LINK_URN]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("providers", "region"),
    [
        ([provider("other"), provider("link-aws", PARENT)], "region-of-link-aws"),
        ([provider("only")], "region-of-only"),
        ([{key: value for key, value in provider("only").items() if key != "inputs"}], "us-west-2"),
        ([provider("one"), provider("two")], None),
        ([], None),
    ],
    ids=["its own", "the only one", "one without inputs", "neither of two", "none"],
)
def test_the_provider_of_an_unrecorded_stack_is_its_components_or_the_only_one(
    providers: list[dict[str, Any]], region: str | None
) -> None:
    regions = [one.access.region for one in pending_stacks(unrecorded(TEMPLATE, *providers))]
    assert regions == ([] if region is None else [region])


def test_of_several_links_each_stack_that_nobody_heard_of_is_taken_in() -> None:
    """Not one that is recorded or under way."""
    names = ("recorded", "under-way", "absent", "made")
    urns = {name: f"urn:pulumi:dev::p::{STACK}::{name}-stack" for name in names}
    before = unrecorded(TEMPLATE, provider("only"))
    deployment = before["deployment"]
    link = deployment["resources"].pop()
    deployment["resources"] += [
        {**link, "urn": LINK_URN.replace("::link-", f"::{name}-"), "parent": name} for name in names
    ]
    deployment["resources"].append({**stack(), "urn": urns["recorded"], "id": "arn:recorded"})
    deployment["pending_operations"] = [
        {"type": "creating", "resource": {**stack(), "urn": urns["under-way"]}}
    ]
    assert [one.urn for one in pending_stacks(before)] == [urns[name] for name in names[1:]]
    repaired = repair(before, before, {urns["made"]: found()})
    assert [one["urn"] for one in repaired.state["deployment"]["resources"][5:]] == [
        urns["recorded"],
        urns["made"],
    ]
    assert repaired.lines == (
        "under-way-stack: no such CloudFormation stack exists; the next `pulumi up` creates it",
        "made-stack: the Pulumi state did not know it; taken into it, CREATE_COMPLETE",
    )
