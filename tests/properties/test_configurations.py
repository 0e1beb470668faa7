"""Whatever the configuration, the program declares the right resources or refuses by the key's name.

Real: `__main__.py`, the component, the SDK. Mocked: the engine. Generated: configuration and environment.
"""

import os
import runpy
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pulumi
import pytest
import yaml
from hypothesis import event, given, settings

from sandbox.environment import ambient_names
from tests.properties.configurations import (
    PROGRAM,
    RIGHT,
    SECRETS,
    Configuration,
    configurations,
    rejected_ones,
)
from tests.support.mocked_engine import (
    ACCOUNT,
    CONNECTED,
    EXISTING,
    LINK,
    REQUEST,
    STACK,
    SUBNETS,
    WAIT,
    Cloud,
    Recorder,
    mocked_engine,
    plain,
)
from tests.support.paths import REPOSITORY
from vmc_account_link import args
from vmc_account_link.errors import SettingsError
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import VmcSettings

FOUNDATION = {"pulumi:pulumi:Stack", "vmc-account-link:index:AccountLink", "pulumi:providers:aws"}
OUTPUTS = {
    *("account_number", "connected_account_id", "connected_account_state", "stack_id", "stack_name"),
    *("tracking_task", "link_expiration_date", "compatible_subnets", "rejected_subnets"),
}


def sees_no_organisation(_settings: VmcSettings, *, emit_progress: Callable[[str], object]) -> str:
    """What the look for the organisation comes to where nothing answers."""
    raise SettingsError("vmc:orgId", "it is not set, and the token sees no organisation", "Set it.")


def run_program(configuration: Configuration) -> tuple[Recorder, set[str]]:
    """Run `__main__.py`; what it declared, and the names of its outputs."""
    recorder, exported = Recorder(Cloud(LINK)), set()

    def program() -> None:
        runpy.run_path(str(REPOSITORY / "__main__.py"))

    foreign = ambient_names(os.environ)
    environment = {key: value for key, value in os.environ.items() if key not in foreign}
    with (
        mock.patch.dict(os.environ, {**environment, **configuration.environment}, clear=True),
        mock.patch.object(args, "find_organisation", sees_no_organisation),
        mock.patch.object(pulumi, "export", lambda name, _value: exported.add(name)),
        mocked_engine() as run,
    ):
        try:
            run(config=configuration.config, program=program, recorder=recorder)
        except pulumi.RunError as refusal:
            check_rejection(configuration, recorder, refusal)
            return recorder, set()
    return recorder, exported


def check_rejection(configuration: Configuration, recorder: Recorder, refusal: pulumi.RunError) -> None:
    said = str(refusal)
    assert configuration.wrong, f"nothing is wrong with it: {said}"
    assert any(key in said for key in configuration.wrong), said
    assert said.isprintable(), said
    assert len(said) < 1300
    assert not [secret for secret in SECRETS if secret in said]
    made = {request.type for request in recorder.requests}
    assert made <= FOUNDATION, "something was made all the same"


def check_resources(meant: Mapping[str, Any], recorder: Recorder) -> None:
    types = [request.type for request in recorder.requests]
    uses_existing, lists = meant.get("link") == "existing", "subnetRegion" in meant
    expected = [
        *FOUNDATION,
        *([EXISTING] if uses_existing else [REQUEST, STACK, CONNECTED, WAIT]),
        *([SUBNETS] * lists),
        # One more asks whose credentials these are, before the stack's own is bound to the account.
        *(["pulumi:providers:aws"] * ("awsAccountId" in meant and not uses_existing)),
    ]
    assert sorted(types) == sorted(expected)
    providers = [
        {key: plain(value) for key, value in request.object.fields.items()}
        for request in recorder.requests
        if request.type == "pulumi:providers:aws"
    ]
    assert {provider["region"] for provider in providers} == {meant.get("region", "us-west-2")}
    bound = [provider["allowedAccountIds"] for provider in providers if "allowedAccountIds" in provider]
    is_bound = "awsAccountId" in meant and not uses_existing
    assert bound == [f'["{ACCOUNT}"]'] * is_bound
    if lists:
        requested = recorder.inputs(SUBNETS)
        assert requested["region"] == meant["subnetRegion"]
        found = [requested.get(key) for key in ("sddc_type", "hosts", "chosen")]
        assert found == [meant.get("sddcType"), meant.get("sddcHosts"), meant.get("sddcSubnets") or None]
    if uses_existing:
        assert recorder.inputs(EXISTING)["account_number"] == ACCOUNT
        return
    request, stack, connected = (recorder.inputs(typ) for typ in (REQUEST, STACK, CONNECTED))
    name = meant.get("stackName", "SDDC-Account-Link")
    assert [request["stack_name"], stack["name"], connected["stack_name"]] == [name] * 3
    assert [request["account_number"], connected["account_number"]] == [ACCOUNT] * 2
    assert request["template_hosts"] == meant.get("templateHosts", [])
    assert request.get("relink") == meant.get("relink")
    assert request.get("relink_despite_sddcs") == meant.get("relinkDespiteSddcs")
    assert (request.get("template_policy") or None) == (meant.get("templatePolicy") or None)
    assert LinkRequestProvider().check({}, request).failures == []
    assert stack.get("tags", {}) == meant.get("tags", {})
    assert connected["link_timeout_minutes"] == meant.get("linkTimeoutMinutes", 30)
    assert connected["unlink_on_destroy"] is meant.get("unlinkOnDestroy", True)


@pytest.mark.timeout(3600)
def test_the_program_declares_what_its_configuration_means_or_names_what_is_wrong() -> None:
    @settings(max_examples=2 * settings().max_examples)
    @given(configuration=configurations())
    def run(configuration: Configuration) -> None:
        recorder, exported = run_program(configuration)
        event("rejected" if configuration.wrong else "declared")
        sent = "".join(str(request) for request in recorder.requests)
        assert not [secret for secret in SECRETS if secret in sent]
        if not configuration.wrong:
            check_resources(configuration.meant, recorder)
        assert exported == (set() if configuration.wrong else OUTPUTS)

    run()


def test_each_wrong_text_and_each_contradiction_is_refused_by_its_key() -> None:
    for configuration in rejected_ones():
        _, exported = run_program(configuration)
        assert exported == set(), f"nothing was refused: {configuration.config}"


def test_every_key_of_the_program_is_among_the_generated_ones() -> None:
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
    assert declared["name"] == PROGRAM
    assert set(declared["config"]) == set(RIGHT)
