"""The client against the emulated service over real HTTP: what it repeats, what it says, what it hides.

Real: requests, sockets, the emulator. Not real: the pauses between repeats.
"""

import contextlib
import dataclasses
import traceback
from typing import Any

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox
from tests.provider.conftest import NewClient, Time
from tests.support.forms import REFUSED, Form
from tests.support.lab import ACCOUNT
from vmc_account_link.api.organisation import find_organisation
from vmc_account_link.api.transport import ATTEMPTS, LONGEST_PAUSE_SECONDS
from vmc_account_link.errors import (
    Forbidden,
    NotFound,
    Redirected,
    Refused,
    RequestNotSent,
    ResponseLost,
    SettingsError,
    TemplateRejected,
    Unauthenticated,
    Unavailable,
    VmcError,
)
from vmc_account_link.settings import ApiToken, OAuthApp, VmcSettings


def calls(control: SandboxControl, name: str) -> int:
    return len(control.journal(call=name))


def test_one_access_token_serves_all_calls_until_its_end(
    new_client: NewClient, control: SandboxControl, time: Time
) -> None:
    with new_client() as vmc:
        vmc.list_connected_accounts()
        vmc.request_link()
        assert calls(control, "exchange-token") == 1
        time.sleep(1780)
        vmc.list_connected_accounts()
    assert calls(control, "exchange-token") == 2
    assert all(entry.status == 200 for entry in control.journal())


def test_a_token_that_the_service_no_longer_takes_is_renewed_once(
    new_client: NewClient, control: SandboxControl
) -> None:
    with new_client() as vmc:
        vmc.list_connected_accounts()
        control.advance(3600)  # the service's clock alone: ours believes the token good
        link = vmc.request_link()
    assert link.tracking_task
    assert [e.status for e in control.journal(call="request-link")] == [401, 200]
    assert len(control.links()) == 1


def test_a_token_rejected_twice_ends_the_call(new_client: NewClient, control: SandboxControl) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=401, body="empty", count=10)
    with new_client() as vmc, pytest.raises(Unauthenticated, match="vmc:refreshToken"):
        vmc.list_connected_accounts()
    assert calls(control, "list-connected-accounts") == 2


def test_an_oauth_app_is_taken_instead_of_a_token(
    new_client: NewClient, settings: VmcSettings, box: Sandbox
) -> None:
    known = box.world.tokens.credentials
    app = OAuthApp(client_id=known.client_id, client_secret=known.client_secret)
    with new_client(dataclasses.replace(settings, credentials=app)) as vmc:
        assert vmc.list_connected_accounts() == ()


def test_what_a_library_says_of_a_failure_does_not_come_with_ours(new_client: NewClient) -> None:
    signature = f"planted-signature-{len(str(ATTEMPTS))}"  # a traceback shows this file's lines too
    with new_client() as vmc, pytest.raises(RequestNotSent) as caught:
        vmc.download_template(f"http://127.0.0.1:1/t?X-Amz-Signature={signature}")
    shown = "".join(traceback.format_exception(caught.value))
    assert signature not in shown
    assert "requests.exceptions" not in shown


@pytest.mark.parametrize("exceptions", ["", "example.com"], ids=["no exceptions", "others"])
def test_what_goes_to_this_machine_passes_no_proxy(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, exceptions)
    with new_client() as vmc:
        assert vmc.list_connected_accounts() == ()


@pytest.mark.parametrize(
    "credentials",
    [ApiToken(value="planted-token-123"), OAuthApp(client_id="planted-id", client_secret="planted-secret")],
    ids=["API token", "OAuth app"],
)
def test_wrong_credentials_are_named_by_their_setting_and_never_quoted(
    new_client: NewClient, settings: VmcSettings, credentials: ApiToken | OAuthApp
) -> None:
    with (
        new_client(dataclasses.replace(settings, credentials=credentials)) as vmc,
        pytest.raises(Refused) as refusal,
    ):
        vmc.list_connected_accounts()
    assert "vmc:" in str(refusal.value)
    assert "planted" not in str(refusal.value)


def test_another_organisation_is_forbidden_with_what_to_check(
    new_client: NewClient, settings: VmcSettings
) -> None:
    elsewhere = dataclasses.replace(settings, org_id="00000000-0000-4000-8000-000000000000")
    with new_client(elsewhere) as vmc, pytest.raises(Forbidden, match="vmc:orgId"):
        vmc.list_connected_accounts()


def test_an_unknown_task_is_not_found(new_client: NewClient) -> None:
    with new_client() as vmc, pytest.raises(NotFound, match="404"):
        vmc.get_task("00000000-0000-4000-8000-000000000000")


PASSING = [
    pytest.param({"kind": "status", "status": 503, "retryable": True}, id="503"),
    pytest.param(
        {"kind": "status", "status": 500, "retryable": True}, id="500 that the service calls retryable"
    ),
    pytest.param({"kind": "status", "status": 502, "body": "html"}, id="502 with a page"),
    pytest.param({"kind": "status", "status": 429, "retry_after": 3, "retryable": True}, id="429"),
    pytest.param({"kind": "reset_before"}, id="reset before the effect"),
    pytest.param({"kind": "reset_after"}, id="reset after the effect"),
    pytest.param({"kind": "ok_html"}, id="a page instead of JSON"),
    pytest.param({"kind": "ok_empty"}, id="an empty 200"),
    pytest.param({"kind": "ok_truncated"}, id="truncated JSON"),
]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("call", ["list-connected-accounts", "request-link"])
def test_a_read_and_a_link_request_are_repeated_until_a_passing_fault_is_over(
    new_client: NewClient, control: SandboxControl, call: str, fault: dict[str, Any]
) -> None:
    control.plan_fault("vmc", call, count=2, **fault)
    with new_client() as vmc:
        if call == "request-link":
            # Those whose answer was lost are links that nobody runs: they bind nothing, and expire.
            assert vmc.request_link().tracking_task == control.links()[-1].tracking_task
        else:
            assert vmc.list_connected_accounts() == ()
    assert calls(control, call) == 3


@pytest.mark.parametrize("fault", PASSING)
def test_an_unlinking_is_never_repeated_once_the_service_may_have_acted(
    new_client: NewClient, control: SandboxControl, fault: dict[str, Any]
) -> None:
    control.seed_account(ACCOUNT)
    turned_away = fault.get("status") == 429
    with new_client() as vmc:
        (record,) = vmc.list_connected_accounts()
        control.plan_fault("vmc", "unlink", **fault)
        with contextlib.suppress(VmcError):
            vmc.unlink(record)
    assert calls(control, "unlink") == (2 if turned_away else 1)


REDIRECTS = [
    pytest.param(
        "https://vmc.broadcom.com/vmc/api/orgs?x=planted-query",
        "a redirect to https://vmc.broadcom.com. It is not followed. If that is where the service is now: "
        "`pulumi config set vmc:vmcUrl https://vmc.broadcom.com` and `pulumi config set vmc:cspUrl "
        "https://console.cloud.broadcom.com`.",
        id="a known sibling",
    ),
    pytest.param(
        "https://console.cloud-us-gov.vmware.com/planted-path",
        "a redirect to https://console.cloud-us-gov.vmware.com. It is not followed. If that is where the "
        "service is now: `pulumi config set vmc:cspUrl https://console.cloud-us-gov.vmware.com`.",
        id="GovCloud",
    ),
    pytest.param(
        "https://elsewhere.example:8443/planted-path",
        "a redirect to https://elsewhere.example:8443. It is not followed. If that is where the service is "
        "now: `pulumi config set vmc:vmcUrl https://elsewhere.example:8443`.",
        id="somewhere",
    ),
    pytest.param(
        "/login/planted-path",
        "a redirect to another path of the same host. It is not followed; check the configured URLs.",
        id="the same host",
    ),
    pytest.param(
        "", "a redirect that names no address. It is not followed; check the configured URLs.", id="nowhere"
    ),
]


@pytest.mark.parametrize(("location", "said"), REDIRECTS)
def test_a_redirect_is_neither_followed_nor_repeated_and_its_target_is_named(
    new_client: NewClient, control: SandboxControl, location: str, said: str
) -> None:
    control.set_modes(redirect_to=location or "none")
    with new_client() as vmc, pytest.raises(Redirected) as refusal:
        vmc.request_link()
    assert str(refusal.value).endswith(f"308, {said}")
    assert "planted" not in str(refusal.value)
    assert calls(control, "request-link") == 1


@pytest.mark.parametrize(
    "form", [form for form in REFUSED if "token_refusal" in form.modes], ids=lambda form: form.name
)
def test_each_reason_to_refuse_a_token_has_its_own_words(
    new_client: NewClient, control: SandboxControl, form: Form
) -> None:
    control.set_modes(**form.modes)
    with new_client() as vmc, pytest.raises(Refused) as failure:
        vmc.list_connected_accounts()
    assert form.says in str(failure.value)
    assert "expired" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_access_token_of_a_minute_is_renewed_in_time(
    new_client: NewClient, control: SandboxControl, time: Time
) -> None:
    control.set_modes(access_token_seconds=60.0)
    with new_client() as vmc:
        for _ in range(20):
            vmc.list_connected_accounts()
            time.sleep(10)
    assert {entry.status for entry in control.journal()} == {200}
    assert calls(control, "exchange-token") == 4


def test_a_field_that_can_not_be_read_is_told_once_and_hides_nothing(
    new_client: NewClient, control: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    control.seed_account(ACCOUNT)
    control.set_modes(fields="other_types")
    with new_client() as vmc:
        for _ in range(2):
            (record,) = vmc.list_connected_accounts()
            assert record.account_number == ACCOUNT
    assert capsys.readouterr().out.splitlines() == [
        "the service's connected account: policy_payer_linked_arn is list, not text; treated as unknown"
    ]


def test_an_organisation_that_is_not_set_is_the_only_one_of_the_token(
    settings: VmcSettings, new_client: NewClient
) -> None:
    said: list[str] = []
    nameless = dataclasses.replace(settings, org_id="")
    found = find_organisation(nameless, emit_progress=said.append, new_client=new_client)
    assert found == settings.org_id
    assert said == [
        f"vmc:orgId is not set: organisation {found} (Sandbox) is used, the only one that the token sees"
    ]


@pytest.mark.parametrize("visible", [0, 2])
def test_a_token_that_sees_none_or_several_organisations_decides_nothing(
    settings: VmcSettings, new_client: NewClient, control: SandboxControl, visible: int
) -> None:
    control.set_modes(visible_organizations=visible)
    nameless = dataclasses.replace(settings, org_id="")
    with pytest.raises(
        SettingsError, match=r"the token sees (no organisation|organisation .*, .*)"
    ) as refusal:
        find_organisation(nameless, emit_progress=print, new_client=new_client)
    assert "vmc:orgId" in str(refusal.value)


def test_a_fault_that_the_service_calls_final_is_not_repeated(
    new_client: NewClient, control: SandboxControl
) -> None:
    control.plan_fault("vmc", "list-connected-accounts", "status", status=503, retryable=False)
    with new_client() as vmc, pytest.raises(Unavailable):
        vmc.list_connected_accounts()
    assert calls(control, "list-connected-accounts") == 1


def test_a_fault_that_stays_ends_after_some_attempts_in_one_line(
    new_client: NewClient, control: SandboxControl
) -> None:
    control.plan_fault(
        "vmc",
        "list-connected-accounts",
        "status",
        status=500,
        retryable=True,
        count=99,
        error_code="skyscraper.x",
    )
    with new_client() as vmc, pytest.raises(Unavailable, match=r"500 skyscraper\.x") as failure:
        vmc.list_connected_accounts()
    assert calls(control, "list-connected-accounts") == ATTEMPTS
    assert "\n" not in str(failure.value)


def test_the_services_retry_after_is_kept_within_bounds(
    new_client: NewClient, control: SandboxControl, time: Time
) -> None:
    for expected in (7, 86_400):
        control.plan_fault(
            "vmc", "list-connected-accounts", "status", status=429, retry_after=expected, retryable=True
        )
        with new_client() as vmc:
            vmc.list_connected_accounts()
    assert time.pauses[0] >= 7
    assert max(time.pauses) == LONGEST_PAUSE_SECONDS


def test_a_closed_port_got_no_request(new_client: NewClient, settings: VmcSettings) -> None:
    nowhere = dataclasses.replace(settings, csp_url="http://127.0.0.1:9")
    with new_client(nowhere) as vmc, pytest.raises(RequestNotSent, match=r"127\.0\.0\.1:9"):
        vmc.list_connected_accounts()


def test_a_cut_connection_may_have_had_an_effect(new_client: NewClient, control: SandboxControl) -> None:
    control.plan_fault("vmc", "unlink", "reset_after")
    record = control.seed_account(ACCOUNT)
    with new_client() as vmc, pytest.raises(ResponseLost):
        vmc.unlink(next(a for a in vmc.list_connected_accounts() if a.id == record.id))
    assert control.connected_accounts() == ()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("missing", "403"), ("redirect", "302")],
)
def test_a_template_that_does_not_come_is_refused_without_its_signature(
    new_client: NewClient, control: SandboxControl, kind: str, reason: str
) -> None:
    control.set_modes(template=kind)
    with new_client() as vmc:
        link = vmc.request_link()
        with pytest.raises(TemplateRejected, match=reason) as refusal:
            vmc.download_template(link.template_url)
    assert "X-Amz" not in str(refusal.value)


def test_the_access_token_does_not_go_to_the_templates_host(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    with new_client() as vmc:
        link = vmc.request_link()
        session = vmc._transport._session
        send = session.request

        def request(*arguments: object, **keywords: object) -> object:
            sent.append(dict(keywords["headers"]))  # type: ignore[call-overload]
            return send(*arguments, **keywords)  # type: ignore[arg-type]

        monkeypatch.setattr(session, "request", request)
        vmc.download_template(link.template_url)
        vmc.list_connected_accounts()
    assert [("csp-auth-token" in headers) for headers in sent] == [False, True]


def test_the_services_clock_is_known_after_its_first_answer(
    new_client: NewClient, control: SandboxControl
) -> None:
    control.advance(5 * 3600)
    with new_client() as vmc:
        vmc.list_connected_accounts()
        assert abs(vmc.clock_ahead_seconds() - 5 * 3600) < 5
