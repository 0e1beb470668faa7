"""The subnets' provider, and the policy of the link request's, in front of the emulated service."""

from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from sandbox.control.client import SandboxControl
from tests.provider.conftest import Program
from tests.support.lab import ACCOUNT
from vmc_account_link.compatible_subnets import CompatibleSubnetsProvider
from vmc_account_link.errors import Refused, SettingsError, SubnetsDoNotFit, TemplateRejected, Unavailable
from vmc_account_link.settings import VmcSettings

CALL = "list-compatible-subnets"


@pytest.fixture
def provider(settings: VmcSettings) -> CompatibleSubnetsProvider:
    made = CompatibleSubnetsProvider()
    made.settings = settings
    return made


@pytest.fixture
def inputs(settings: VmcSettings, control: SandboxControl) -> dict[str, Any]:
    """As the engine sends them for a linked account with nothing but its default VPC."""
    record = control.seed_account(ACCOUNT)
    return {"org_id": settings.org_id, "connected_account_id": record.id, "region": "us-west-2"}


def calls(control: SandboxControl) -> list[str]:
    return [entry.call for entry in control.journal(service="vmc")]


def test_usable_subnets_are_listed_by_zone_and_the_rest_with_reasons(
    provider: CompatibleSubnetsProvider,
    inputs: dict[str, Any],
    control: SandboxControl,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outs = provider.create({**inputs, "sddc_type": "SingleAZ", "hosts": 2.0}).outs or {}
    assert list(outs["compatible_subnets"]) == ["us-west-2a", "us-west-2b", "us-west-2c"]
    (note,) = outs["rejected_subnets"].values()
    assert note.endswith("Not in a supported availability zone.")
    assert calls(control) == [CALL]
    assert "in us-west-2a, us-west-2b, us-west-2c" in capsys.readouterr().out


def test_right_after_linking_the_service_rescans_once(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    control.set_modes(inventory_seconds=1000)
    outs = provider.create(inputs).outs or {}
    assert len(outs["compatible_subnets"]) == 3
    assert calls(control) == [CALL, CALL]


def test_a_chosen_subnet_is_found_by_a_rescan_or_named_as_unknown(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    outs = provider.create(inputs).outs or {}
    network = ec2_backends[ACCOUNT]["us-west-2"]
    late = network.create_subnet(
        network.describe_vpcs()[0].id, "172.31.64.0/26", availability_zone="us-west-2a"
    ).id
    control.clear_journal()
    found = provider.update("id", outs, {**inputs, "chosen": [late]}).outs or {}
    assert late in found["compatible_subnets"]["us-west-2a"]
    assert calls(control) == [CALL, CALL]
    with pytest.raises(SubnetsDoNotFit, match="VMware knows no subnet-0 in the linked account"):
        provider.update("id", outs, {**inputs, "chosen": ["subnet-0"]})
    assert calls(control) == [CALL] * 4


def test_only_an_empty_list_is_read_again(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    full = {**inputs, "compatible_subnets": {"us-west-2a": ["subnet-1"]}}
    assert provider.diff("id", full, inputs).changes is False
    assert provider.diff("id", {**full, "compatible_subnets": {}}, inputs).changes is True
    for change in ({"sddc_type": "MultiAZ"}, {"hosts": 3}, {"chosen": ["s"]}, {"tracking_task": object()}):
        assert provider.diff("id", full, {**inputs, **change}).changes is True
    assert control.journal() == ()


@pytest.mark.parametrize("method", ["create", "update"])
def test_chosen_subnets_that_do_not_fit_are_an_error(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any], method: str
) -> None:
    outs = provider.create(inputs).outs or {}
    zones = outs["compatible_subnets"]
    pair = [zones["us-west-2a"][0], zones["us-west-2b"][0]]

    def list_subnets(**changes: Any) -> Any:
        news = {**inputs, **changes}
        return provider.create(news) if method == "create" else provider.update("id", outs, news)

    list_subnets(sddc_type="MultiAZ", chosen=pair)
    with pytest.raises(SubnetsDoNotFit, match="SingleAZ takes one subnet"):
        list_subnets(chosen=pair)


def test_refresh_reads_without_a_rescan_and_notices_a_gone_account(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any], control: SandboxControl
) -> None:
    outs = provider.create(inputs).outs or {}
    control.clear_journal()
    assert provider.read("id", {**outs, "compatible_subnets": {}}).outs == outs
    assert calls(control) == ["list-connected-accounts", CALL]
    control.plan_fault("vmc", "list-connected-accounts", "status", status=500, retryable=False)
    with pytest.raises(Unavailable):
        provider.read("id", outs)
    control.remove_account(ACCOUNT)
    assert provider.read("id", outs).id is None


def test_another_organisation_and_an_unknown_account_are_errors(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="vmc:orgId"):
        provider.create({**inputs, "org_id": "00000000-0000-4000-8000-000000000000"})
    with pytest.raises(Refused, match="no connected account"):
        provider.create({**inputs, "connected_account_id": "11111111-1111-1111-1111-111111111111"})


def test_inputs_that_can_not_be_are_refused_and_unknown_ones_wait(
    provider: CompatibleSubnetsProvider, inputs: dict[str, Any]
) -> None:
    wrong = provider.check({}, {**inputs, "sddc_type": "2AZ", "hosts": 1.5}).failures
    assert [failure.property for failure in wrong] == ["sddc_type", "hosts"]
    unknown = {**inputs, "sddc_type": object(), "hosts": object()}
    assert provider.check({}, unknown).failures == []


POLICY = {"trustedAccounts": ["000000000101"]}


def test_a_template_is_reported_and_checked_before_it_is_used(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = program.create()
    assert "RemoteRole" in capsys.readouterr().out
    with pytest.raises(TemplateRejected, match="000000000103"):
        program.create(template_policy=POLICY)
    # A policy that came later is held against the template that runs.
    assert program.changes(outs, template_policy=POLICY)
    with pytest.raises(TemplateRejected, match="000000000103"):
        program.update(outs, template_policy=POLICY)
    program.update(outs, template_policy={"resourceTypes": ["AWS::*", "Custom::*"]})
