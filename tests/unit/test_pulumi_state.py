"""The one reader of a Pulumi state: plaintext and encrypted exports, checkpoints, what a kill left."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.support.mocked_engine import SIGNATURE
from vmc_account_link import resource_types
from vmc_account_link.pulumi_state import parse_export, read_deployment

URN = "urn:pulumi:dev::p::aws:cloudformation/stack:Stack::link-stack"


def secret(**values: str) -> dict[str, str]:
    return {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", **values}


def stack(**values: Any) -> dict[str, Any]:
    return {"urn": URN, "type": resource_types.STACK, "id": "arn:1", **values}


def test_a_secret_is_read_from_plaintext_and_not_when_encrypted() -> None:
    inputs = {
        "name": "Lab-7",
        "templateBody": secret(plaintext=json.dumps("body")),
        "tags": secret(plaintext='{"a": "b"}'),
        "templateUrl": secret(ciphertext="v1:x"),
        "region": None,
    }
    (read,) = read_deployment({"resources": [stack(inputs=inputs, outputs=None)]}).resources
    assert read.inputs == {"name": "Lab-7", "templateBody": "body", "tags": {"a": "b"}, "region": None}
    assert read.outputs == {}
    assert "body" not in repr(read.inputs), "what is secret is not shown in a log either"
    assert "Lab-7" not in repr(read)


def test_what_is_marked_for_deletion_is_no_resource_and_its_successor_is() -> None:
    leaving, successor = stack(id="arn:old", delete=True), stack(id="arn:new", pendingReplacement=True)
    state = read_deployment({"resources": [leaving, successor]})
    assert [(one.id, one.awaits_replacement) for one in state.resources] == [("arn:new", True)]
    assert state.first(resource_types.STACK) == state.resources[0]
    assert state.first(resource_types.AWS_PROVIDER) is None


def test_a_pending_operation_is_read_with_its_resource() -> None:
    operations = [
        {"type": "creating", "resource": stack()},
        {"type": "deleting", "resource": stack(id="arn:2")},
    ]
    state = read_deployment({"pending_operations": operations})
    assert [(one.kind, one.resource.id) for one in state.pending] == [
        ("creating", "arn:1"),
        ("deleting", "arn:2"),
    ]
    assert [one.id for one in state.creations(resource_types.STACK)] == ["arn:1"]
    assert state.resources == ()


def test_the_engines_moments_are_read_with_their_nanoseconds_cut() -> None:
    written = {"manifest": {"time": "2026-01-10T12:00:00.123456789Z"}}
    state = read_deployment({**written, "resources": [stack(created="no moment", modified=7)]})
    assert state.written == datetime(2026, 1, 10, 12, 0, 0, 123456, tzinfo=UTC)
    assert (state.resources[0].created, state.resources[0].modified) == (None, None)


def test_the_export_of_a_stack_to_which_nothing_was_done_is_an_empty_state() -> None:
    state = read_deployment(parse_export('{"version": 3, "deployment": null}')["deployment"])
    assert (state.resources, state.pending, state.written) == ((), (), None)
