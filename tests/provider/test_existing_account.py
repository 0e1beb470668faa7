"""The existing account's provider as a plain object, in front of the emulated service."""

from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.vmc.accounts import made_up_role_arns
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import NotLinked, SettingsError, Unavailable
from vmc_account_link.existing_account import ExistingAccountProvider
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import VmcSettings


@pytest.fixture
def provider(settings: VmcSettings) -> ExistingAccountProvider:
    made = ExistingAccountProvider()
    made.settings = settings
    return made


@pytest.fixture
def inputs(settings: VmcSettings) -> dict[str, Any]:
    return {"org_id": settings.org_id, "account_number": ACCOUNT}


def existing(inputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    outputs = {"connected_account_id": "r", "connected_account_state": "ACTIVE", "cf_stack_name": "theirs"}
    return {**inputs, **outputs, **changes}


@pytest.mark.parametrize("method", ["create", "update"])
def test_an_active_record_is_taken_as_the_service_shows_it(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl, method: str
) -> None:
    record = control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    control.seed_account("999999999999", cf_stack_name="of another account")
    olds = existing(inputs, connected_account_state="BROKEN")
    result = provider.create(inputs) if method == "create" else provider.update("id", olds, inputs)
    assert result.outs == {
        **inputs,
        "connected_account_id": record.id,
        "connected_account_state": "ACTIVE",
        "cf_stack_name": "vmware-sddc-formation-1",
        "role_arns": list(made_up_role_arns(ACCOUNT, "vmware-sddc-formation-1").values()),
    }


@pytest.mark.parametrize("state", [None, "BROKEN", "DELETED"])
def test_what_is_not_active_is_not_used(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl, state: str | None
) -> None:
    control.set_modes(deleted_records_listed=True)
    if state:
        control.seed_account(ACCOUNT, cf_stack_name="theirs", state=state)
    with pytest.raises(NotLinked) as refusal:
        provider.create(inputs)
    named = '"theirs"' if state == "BROKEN" else "no connected account"
    assert named in str(refusal.value)
    assert "pulumi up" in str(refusal.value) or "Link it first" in str(refusal.value)


def test_a_list_that_can_not_be_read_is_not_taken_for_an_empty_one(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    for ask in (lambda: provider.create(inputs), lambda: provider.read("id", existing(inputs))):
        control.plan_fault("vmc", "list-connected-accounts", "status", status=500, retryable=False)
        with pytest.raises(Unavailable):
            ask()


def test_refresh_shows_drift_and_what_is_gone(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT, cf_stack_name="another's by now", state="BROKEN")
    outs = provider.read("id", existing(inputs)).outs or {}
    assert (outs["connected_account_state"], outs["cf_stack_name"]) == ("BROKEN", "another's by now")
    control.remove_account(ACCOUNT)
    assert provider.read("id", existing(inputs)).id is None


def test_deleting_it_asks_nothing_of_anybody(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.seed_account(ACCOUNT)
    provider.delete("id", existing(inputs))
    assert control.journal() == ()


def test_another_organisations_settings_are_refused(
    provider: ExistingAccountProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    elsewhere = existing(inputs, org_id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(SettingsError, match="vmc:orgId"):
        provider.read("id", elsewhere)


@pytest.mark.parametrize(
    ("olds", "news", "expected"),
    [
        pytest.param({}, {}, (False, []), id="nothing changed"),
        pytest.param({"connected_account_state": "BROKEN"}, {}, (True, []), id="it was seen BROKEN"),
        pytest.param(
            {}, {"account_number": "9" * 12}, (True, ["account_number"]), id="another account is another one"
        ),
        pytest.param({}, {"account_number": object()}, (True, []), id="an account not known yet"),
    ],
)
def test_what_is_looked_at_again(
    provider: ExistingAccountProvider,
    inputs: dict[str, Any],
    olds: dict[str, Any],
    news: dict[str, Any],
    expected: tuple[bool, list[str]],
) -> None:
    result = provider.diff("id", existing(inputs, **olds), {**inputs, **news})
    assert (result.changes, result.replaces or []) == expected


def test_a_link_of_ours_does_not_become_an_existing_one_nor_the_other_way_round(
    provider: ExistingAccountProvider, inputs: dict[str, Any]
) -> None:
    request = {**inputs, "stack_name": "ours", "template_hosts": []}
    (rejected,) = provider.check(request, inputs).failures
    assert 'would delete its CloudFormation stack "ours"' in rejected.reason
    assert provider.check(inputs, inputs).failures == provider.check({}, inputs).failures == []
    (rejected,) = LinkRequestProvider().check(inputs, request).failures
    assert "pulumi destroy" in rejected.reason
