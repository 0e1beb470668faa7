"""The client against the emulated service over real HTTP: what it repeats, what it says, what it hides.

Real: requests, sockets, the emulator. Not real: the pauses between repeats.
"""

import dataclasses
import traceback

import pytest

from sandbox.control.client import SandboxControl
from sandbox.environment import Sandbox
from tests.provider.conftest import NewClient, Time
from tests.support.lab import ACCOUNT
from vmc_account_link.api.transport import ATTEMPTS, LONGEST_PAUSE_SECONDS
from vmc_account_link.errors import (
    Forbidden,
    NotFound,
    Refused,
    RequestNotSent,
    ResponseLost,
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
def test_a_call_without_effect_is_repeated_until_the_fault_is_over(
    new_client: NewClient, control: SandboxControl, fault: dict[str, object]
) -> None:
    control.plan_fault("vmc", "list-connected-accounts", count=2, **fault)  # type: ignore[arg-type]
    with new_client() as vmc:
        assert vmc.list_connected_accounts() == ()
    assert calls(control, "list-connected-accounts") == 3


@pytest.mark.parametrize("fault", PASSING)
def test_minting_is_never_repeated_once_the_service_may_have_acted(
    new_client: NewClient, control: SandboxControl, fault: dict[str, object]
) -> None:
    control.plan_fault("vmc", "request-link", **fault)  # type: ignore[arg-type]
    turned_away = fault.get("status") == 429
    with new_client() as vmc:
        if turned_away:
            vmc.request_link()
        else:
            with pytest.raises(VmcError):
                vmc.request_link()
    assert calls(control, "request-link") == (2 if turned_away else 1)
    assert len(control.links()) <= 1


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
