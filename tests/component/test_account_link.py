"""The component under mocks: the resources it declares, how they hang together, and what it refuses."""

import asyncio
import json
import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks

from sandbox.environment import ambient_names
from tests.support.mocked_engine import (
    ACCOUNT,
    CONFIG,
    CONNECTED,
    EXISTING,
    LINK,
    REQUEST,
    SECRET,
    SIGNATURE,
    STACK,
    SUBNETS,
    WAIT,
    Cloud,
    Recorder,
    Run,
    mocked_engine,
    plain,
)
from tests.support.paths import REPOSITORY
from vmc_account_link import AccountLink, AccountLinkArgs, VmcError
from vmc_account_link.args import validate_args
from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import ApiToken, VmcSettings


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a program under mocks and return what it declared."""
    for name in ambient_names(os.environ):
        monkeypatch.delenv(name)
    with mocked_engine() as go:
        yield go


def test_it_declares_request_stack_account_and_wait_under_one_component(run: Run) -> None:
    recorder = run()
    component = recorder.of_type("vmc-account-link:index:AccountLink")
    children = [r for r in recorder.requests if r.parent.endswith("vmc-account-link:index:AccountLink::link")]
    assert component.name == "link"
    assert sorted(r.type for r in children) == sorted([REQUEST, STACK, CONNECTED, WAIT])


def test_the_stack_is_pinned_to_us_west_2_by_an_explicit_provider(run: Run) -> None:
    recorder = run()
    assert recorder.inputs("pulumi:providers:aws")["region"] == "us-west-2"
    assert "::link-aws::" in recorder.of_type(STACK).provider


def test_the_stack_takes_the_template_inline_with_the_capability_it_needs(run: Run) -> None:
    inputs = run().inputs(STACK)
    assert inputs["templateBody"] == LINK["template_body"]
    assert "templateUrl" not in inputs
    assert inputs["capabilities"] == ["CAPABILITY_IAM"]
    assert inputs["name"] == "SDDC-Account-Link"


def test_the_stack_takes_the_templates_url_where_there_is_no_inline_body(run: Run) -> None:
    inputs = run(link={**LINK, "template_body": None}).inputs(STACK)
    assert inputs["templateUrl"] == LINK["template_url"]
    assert "templateBody" not in inputs


def test_a_stack_that_failed_to_create_is_deleted_and_made_anew(run: Run) -> None:
    stack = run().of_type(STACK)
    assert list(stack.replaceOnChanges) == ["#initerror"]
    assert stack.deleteBeforeReplace


def test_what_may_hold_a_signature_is_secret(run: Run) -> None:
    request = run().of_type(REQUEST)
    assert {"template_url", "template_execution_url", "template_body"} <= set(request.additionalSecretOutputs)


def test_the_wait_follows_the_account_that_the_stack_and_the_stack_the_request(run: Run) -> None:
    recorder = run()
    stack, connected, wait = (recorder.of_type(typ) for typ in (STACK, CONNECTED, WAIT))
    assert any("LinkRequest" in urn for urn in stack.propertyDependencies["templateBody"].urns)
    assert any("stack:Stack" in urn for urn in connected.propertyDependencies["stack_id"].urns)
    assert any("ConnectedAccount" in urn for urn in wait.propertyDependencies["account_number"].urns)


def test_no_credential_is_an_input_of_any_resource(run: Run) -> None:
    recorder = run(config={**CONFIG, "vmc:clientSecret": ""})
    assert "planted-token" not in "".join(str(request) for request in recorder.requests)


def test_the_users_other_aws_configuration_reaches_the_pinned_provider(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile labs]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    configured = {
        "aws:profile": "labs",
        "aws:region": "eu-west-1",
        "aws:insecure": "true",
        "aws:maxRetries": "7",
        "aws:defaultTags": '{"tags":{"owner":"workshop"}}',
        "aws:assumeRoles": '[{"roleArn":"arn:aws:iam::123456789012:role/lab"}]',
        "aws:allowedAccountIds": '["123456789012"]',
    }
    inputs = run(config={**CONFIG, **configured}).inputs("pulumi:providers:aws")
    assert inputs["profile"] == "labs"
    assert inputs["region"] == "us-west-2"
    assert json.loads(inputs["insecure"]) is True
    assert json.loads(inputs["maxRetries"]) == 7
    assert json.loads(inputs["defaultTags"]) == {"tags": {"owner": "workshop"}}
    assert json.loads(inputs["assumeRoles"]) == [{"roleArn": "arn:aws:iam::123456789012:role/lab"}]
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012"]


def test_a_secret_of_the_aws_configuration_stays_one(run: Run) -> None:
    recorder = run(config={**CONFIG, "aws:httpProxy": "http://u:p@proxy"}, secret_keys=["aws:httpProxy"])
    sent = recorder.of_type("pulumi:providers:aws").object.fields["httpProxy"]
    assert sent.struct_value.fields[SIGNATURE].string_value == SECRET


def test_an_aws_provider_of_the_caller_is_used_and_no_other_declared(run: Run) -> None:
    def program() -> AccountLink:
        own = aws.Provider("mine", region="us-west-2", profile="theirs")
        return AccountLink("link", {}, pulumi.ResourceOptions(providers=[own]))

    recorder = run(program=program)
    assert recorder.of_type("pulumi:providers:aws").name == "mine"
    assert "::mine::" in recorder.of_type(STACK).provider


@pytest.mark.parametrize("link", ["create", "existing"])
def test_subnets_are_listed_of_the_connected_account_where_a_region_is_given(
    run: Run, link: Literal["create", "existing"]
) -> None:
    given: AccountLinkArgs = {
        "link": link,
        "subnet_region": "us-west-2",
        "sddc_type": "MultiAZ",
        "sddc_hosts": 6,
        "sddc_subnets": ["subnet-1", "subnet-2"],
    }
    inputs = run(given).inputs(SUBNETS)
    assert inputs["connected_account_id"] == "record-1"
    action = [inputs[key] for key in ("region", "sddc_type", "hosts", "chosen")]
    assert action == ["us-west-2", "MultiAZ", 6, ["subnet-1", "subnet-2"]]
    assert SUBNETS not in {request.type for request in run({"sddc_hosts": 0}).requests}


def test_an_existing_link_declares_neither_a_request_nor_a_stack(run: Run) -> None:
    recorder = run({"link": "existing", "aws_account_id": ACCOUNT})
    declared = {request.type for request in recorder.requests}
    assert declared == {
        "vmc-account-link:index:AccountLink",
        "pulumi:providers:aws",
        EXISTING,
        "pulumi:pulumi:Stack",
    }
    assert recorder.inputs(EXISTING)["account_number"] == ACCOUNT
    (alias,) = recorder.of_type(EXISTING).aliases
    assert (alias.spec.name, alias.spec.type) == ("link-request", REQUEST)


def test_making_looks_for_an_existing_account_under_the_requests_name(run: Run) -> None:
    (alias,) = run().of_type(REQUEST).aliases
    assert (alias.spec.name, alias.spec.type) == ("link-existing-account", EXISTING)


def test_on_preview_what_the_service_will_say_is_unknown_and_nothing_fails(run: Run) -> None:
    recorder = run(link={}, preview=True)
    assert {REQUEST, STACK, CONNECTED, WAIT} <= {r.type for r in recorder.requests}


@pytest.mark.parametrize(
    ("args", "config", "named"),
    [
        pytest.param(
            {},
            {"vmc:refreshToken": "t", "vmc:cspUrl": "http://127.0.0.1:1"},
            "http://127.0.0.1:1 can't be reached",
            id="no organisation, and nobody to ask for it",
        ),
        pytest.param({}, {"vmc:orgId": "o"}, "vmc:refreshToken", id="no token"),
        pytest.param({}, {**CONFIG, "vmc:vmcUrl": "nonsense"}, "vmc:vmcUrl", id="a malformed URL"),
        pytest.param(
            {}, {**CONFIG, "aws:insecure": "perhaps"}, "aws:insecure", id="an aws setting of the wrong type"
        ),
        pytest.param(
            {"link": "existing", "relink": "1"}, CONFIG, "vmc-account-link:relink", id="relink of another's"
        ),
        pytest.param({"subnet_region": "Oregon"}, CONFIG, "subnetRegion", id="no region"),
        pytest.param({"sddc_hosts": 2}, CONFIG, "sddcHosts", id="hosts of an SDDC, and no subnets"),
        pytest.param(
            {"template_policy": {"resource_types": []}}, CONFIG, "templatePolicy", id="a misspelt policy"
        ),
        pytest.param(
            {"template_policy": {"trustedAccounts": ["1"]}}, CONFIG, "trustedAccounts", id="no account"
        ),
        pytest.param({"stackname": "x"}, CONFIG, "stackname", id="a misspelt argument"),
        pytest.param(
            {}, {**CONFIG, "vmc:orgID": "o"}, "Did you mean vmc:orgId?", id="a misspelt key of the service"
        ),
        pytest.param(
            {},
            {**CONFIG, "aws:allowedAccountIDs": "[]"},
            "Did you mean aws:allowedAccountIds?",
            id="a misspelt key of AWS",
        ),
        pytest.param(
            {"aws_account_id": "12345678901"}, CONFIG, "put the 12 digits in quotes", id="a number for YAML"
        ),
        pytest.param({"tags": {"a": "x" * 300}}, CONFIG, "at most 256", id="a tag that AWS refuses"),
        pytest.param({"aws_account_id": "999999999999"}, CONFIG, "awsAccountId", id="another AWS account"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name_and_nothing_is_declared_that_makes_something(
    run: Run, args: Any, config: dict[str, str], named: str
) -> None:
    recorded: list[Recorder] = []

    def program() -> AccountLink:
        return AccountLink("link", args)

    with pytest.raises(VmcError) as refusal:
        recorded.append(run(config=config, program=program))
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_blanks_around_a_text_are_nobodys_intention(run: Run) -> None:
    recorder = run({"aws_account_id": f" {ACCOUNT} ", "stack_name": "Lab\n", "template_hosts": [" host "]})
    assert recorder.inputs(STACK)["name"] == "Lab"
    assert recorder.inputs(REQUEST)["template_hosts"] == ["host"]


def test_settings_that_are_marked_secret_are_secret_in_the_state(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    config = {
        **CONFIG,
        "vmc-account-link:tags": '{"cost":"a-secret-cost-center"}',
        "vmc-account-link:templateHosts": '["secret.example"]',
        "vmc-account-link:stackName": "Lab-7",
    }
    recorder = run(
        config={**config, "vmc-account-link:link": "create"},
        secret_keys=[key for key in config if key.startswith("vmc-account-link:")],
        program=lambda: runpy.run_path(str(REPOSITORY / "__main__.py")) and None,
    )
    tags = recorder.of_type(STACK).object.fields["tags"].struct_value.fields
    assert tags[SIGNATURE].string_value == SECRET
    assert "a-secret-cost-center" in str(tags["value"])
    assert list(recorder.of_type(STACK).additionalSecretOutputs) == ["tagsAll"]
    hosts = recorder.of_type(REQUEST).object.fields["template_hosts"].struct_value.fields
    assert hosts[SIGNATURE].string_value == SECRET
    for argument in ("stackName", "tags"):
        assert (
            f"vmc-account-link:{argument} is a secret of the configuration, and in plaintext" in caplog.text
        )
    assert "vmc-account-link:templateHosts is a secret" not in caplog.text


def test_a_credential_in_plaintext_is_warned_of_once(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run()
    assert caplog.text.count("vmc:refreshToken is in plaintext in the configuration's file") == 1
    caplog.clear()
    run(secret_keys=["vmc:refreshToken"])
    assert "plaintext" not in caplog.text


def test_a_misspelt_key_of_the_program_is_refused_with_the_nearest_one(run: Run) -> None:
    config = {**CONFIG, "vmc-account-link:awsAccountID": "999999999999"}
    with pytest.raises(SettingsError, match="Did you mean vmc-account-link:awsAccountId"):
        run(config=config, program=lambda: runpy.run_path(str(REPOSITORY / "__main__.py")) and None)


@pytest.mark.parametrize(
    ("args", "argument"),
    [
        ({"link_timeout_minutes": "ten"}, "linkTimeoutMinutes"),
        ({"link_timeout_minutes": True}, "linkTimeoutMinutes"),
        ({"link_timeout_minutes": 2.5}, "linkTimeoutMinutes"),
        ({"unlink_on_destroy": "no"}, "unlinkOnDestroy"),
        ({"stack_name": 7}, "stackName"),
        ({"aws_account_id": 123456789012}, "awsAccountId"),
        ({"subnet_region": "us-west-2", "sddc_hosts": "6"}, "sddcHosts"),
    ],
)
def test_a_value_of_a_wrong_type_is_refused_before_anything_is_registered(
    run: Run, args: dict[str, Any], argument: str
) -> None:
    recorder = Recorder(Cloud(LINK))
    with pytest.raises(SettingsError, match=f"vmc-account-link:{argument}: .* is not "):
        run(args, recorder=recorder)
    assert [one.type for one in recorder.requests] in ([], ["pulumi:pulumi:Stack"])


def test_a_message_names_the_argument_to_a_program_of_another_project() -> None:
    with pytest.raises(SettingsError, match=r"^link_timeout_minutes: "):
        validate_args({"link_timeout_minutes": "ten"})
    with pytest.raises(SettingsError, match=r"^template_policy: "):
        validate_args({"template_policy": {"types": []}})


def test_another_region_is_allowed_with_a_warning(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run({"region": "eu-west-1"})
    assert "region is eu-west-1" in caplog.text


EVERY_SETTING: dict[str, tuple[str, Any]] = {
    "link": ("create", "create"),
    "stackName": ("Lab-7", "Lab-7"),
    "region": ("eu-west-1", "eu-west-1"),
    "awsAccountId": (ACCOUNT, ACCOUNT),
    "templateHosts": ('["mirror.example"]', ["mirror.example"]),
    "linkTimeoutMinutes": ("5", 5),
    "unlinkOnDestroy": ("false", False),
    "relink": ("2", "2"),
    "relinkDespiteSddcs": ("2", "2"),
    "subnetRegion": ("us-west-2", "us-west-2"),
    "sddcType": ("MultiAZ", "MultiAZ"),
    "sddcHosts": ("6", 6),
    "sddcSubnets": ('["subnet-1","subnet-2"]', ["subnet-1", "subnet-2"]),
    "templatePolicy": (f'{{"trustedAccounts":["{ACCOUNT}"]}}', {"trustedAccounts": [ACCOUNT]}),
    "tags": ('{"owner":"workshop"}', {"owner": "workshop"}),
}
"""Key -> how the configuration has it, and the argument that it is."""


def declared(recorder: Recorder) -> list[dict[str, Any]]:
    """All that was said of each resource, but for where in a program, and the transforms of one run."""
    said = [MessageToDict(one) for one in recorder.requests if one.type != "pulumi:pulumi:Stack"]
    for one in said:
        for key in ("transforms", "sourcePosition", "stackTrace"):
            one.pop(key, None)
    return sorted(said, key=lambda one: (one["type"], one["name"]))


@pytest.mark.parametrize("link", ["create", "existing"])
def test_the_program_declares_what_the_component_does_that_is_told_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    described = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    assert set(EVERY_SETTING) == set(described)
    settings = {**EVERY_SETTING, "link": (link, link)}
    if link == "existing":
        del settings["relink"]
    monkeypatch.setattr(pulumi, "export", lambda *_: None)
    config = {**CONFIG, **{f"vmc-account-link:{key}": text for key, (text, _) in settings.items()}}
    program = run(config=config, program=lambda: runpy.run_path(str(REPOSITORY / "__main__.py")) and None)
    args: Any = {
        re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", key): one for key, (_, one) in settings.items()
    }
    assert declared(run(program=lambda: AccountLink("account-link", args))) == declared(program)
    if link == "create":
        assert {*args, "vmc"} == set(AccountLinkArgs.__annotations__), "the last is a value, not a setting"
        request, subnets = program.inputs(REQUEST), program.inputs(SUBNETS)
        assert (request["relink"], request["template_policy"]) == ("2", {"trustedAccounts": [ACCOUNT]})
        assert (subnets["hosts"], subnets["chosen"]) == (6, ["subnet-1", "subnet-2"])


def test_arguments_by_keyword_are_those_of_an_object(run: Run) -> None:
    by_keyword = run(program=lambda: AccountLink("account-link", stack_name="Lab-7", tags={"a": "b"}))
    as_object = run(program=lambda: AccountLink("account-link", {"stack_name": "Lab-7", "tags": {"a": "b"}}))
    assert declared(by_keyword) == declared(as_object)
    with pytest.raises(SettingsError, match="stack_name is given twice"):
        run(program=lambda: AccountLink("account-link", {"stack_name": "Lab-7"}, stack_name="Lab-8"))
    with pytest.raises(SettingsError, match="it has no argument stack_nam"):
        run(program=lambda: AccountLink("account-link", stack_nam="Lab-8"))  # type: ignore[call-arg]


def test_the_state_does_not_say_whether_a_default_was_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine sets those of Pulumi.yaml; a YAML program that leaves them out takes the link over."""
    described = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    defaults = {
        f"vmc-account-link:{key}": one["default"]
        if isinstance(one["default"], str)
        else json.dumps(one["default"])
        for key, one in described.items()
    }
    monkeypatch.setattr(pulumi, "export", lambda *_: None)
    program = run(
        config={**CONFIG, **defaults, "vmc-account-link:stackName": "Lab-7"},
        program=lambda: runpy.run_path(str(REPOSITORY / "__main__.py")) and None,
    )
    assert program.inputs("vmc-account-link:index:AccountLink") == {"stack_name": "Lab-7"}
    written = run(program=lambda: AccountLink("account-link", {"stack_name": "Lab-7", "link": "create"}))
    assert declared(written) == declared(program)


def test_the_services_settings_may_be_a_value_and_none_of_it_is_told_to_the_engine(run: Run) -> None:
    """Without any configuration or environment; the organisation alone is an input of the resources."""
    vmc = VmcSettings(org_id="org-of-the-value", credentials=ApiToken(value="planted-token"))
    recorder = run({"vmc": vmc}, config={})
    assert recorder.inputs(REQUEST)["org_id"] == "org-of-the-value"
    assert "vmc" not in recorder.inputs("vmc-account-link:index:AccountLink")
    assert "planted-token" not in str(recorder.requests)


def test_the_pinned_provider_works_in_the_wanted_account_alone(run: Run) -> None:
    recorder = run({"aws_account_id": ACCOUNT})
    providers = {one.name: one for one in recorder.requests if one.type == "pulumi:providers:aws"}
    assert set(providers) == {"link-aws", "link-aws-identity"}
    bound = {key: plain(value) for key, value in providers["link-aws"].object.fields.items()}
    assert json.loads(bound["allowedAccountIds"]) == [ACCOUNT]
    assert json.loads(bound["skipCredentialsValidation"]) is False
    assert "::link-aws::" in recorder.of_type(STACK).provider
    assert "allowedAccountIds" not in run().inputs("pulumi:providers:aws")


def test_a_limit_of_accounts_in_the_aws_configuration_needs_one_provider(run: Run) -> None:
    inputs = run(
        {"aws_account_id": ACCOUNT}, config={**CONFIG, "aws:allowedAccountIds": f'["{ACCOUNT}"]'}
    ).inputs("pulumi:providers:aws")
    assert json.loads(inputs["allowedAccountIds"]) == [ACCOUNT]


def test_a_call_to_aws_is_tried_five_times_unless_the_configuration_says_otherwise(run: Run) -> None:
    assert json.loads(run().inputs("pulumi:providers:aws")["maxRetries"]) == 5


@pytest.mark.parametrize("detail", ["", "12345678901", "1234567890123", "accountId"])
def test_an_answer_that_is_no_account_number_requests_no_link(
    run: Run, monkeypatch: pytest.MonkeyPatch, detail: str
) -> None:
    monkeypatch.setattr(Cloud, "call", lambda _self, _args: {"accountId": detail})
    recorder = Recorder(Cloud(LINK))
    with pytest.raises(VmcError, match="which is not an account number"):
        run(recorder=recorder)
    assert REQUEST not in {request.type for request in recorder.requests}


def test_credentials_that_aws_does_not_take_are_said_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Cloud, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, [("", "ExpiredToken: the token has expired")]

    awaited: list[asyncio.Future[Any]] = []
    track = pulumi.Output._track

    def remembered(output: pulumi.Output[Any]) -> None:
        awaited.append(output._data)
        track(output)

    monkeypatch.setattr(Cloud, "call", refuse)
    monkeypatch.setattr(pulumi.Output, "_track", remembered)
    with pytest.raises(VmcError, match="ExpiredToken") as refusal:
        run({"aws_account_id": ACCOUNT})
    # The SDK reports the failure of whichever Output it comes to first, and of any other error a traceback.
    failures = [one.exception() for one in awaited if one.done() and not one.cancelled()]
    assert {type(failure) for failure in failures if failure} == {type(refusal.value)}
    assert f"awsAccountId is {ACCOUNT}" in str(refusal.value)
