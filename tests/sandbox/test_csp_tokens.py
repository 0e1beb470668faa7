"""Who is let in, and for how long: tokens over a real HTTP server, clock moved by the test."""

import pytest
import requests

from tests.sandbox.service import TIMEOUT_SECONDS, Vmware

OTHER_ORG = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("field", ["refresh_token", "api_token"])
def test_api_token_is_exchanged_under_both_names(vmware: Vmware, field: str) -> None:
    answer = vmware.exchange(**{field: vmware.world.tokens.credentials.api_token}).json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 1799)
    assert vmware.world.tokens.is_valid(answer["access_token"])


def test_two_exchanges_give_two_tokens(vmware: Vmware) -> None:
    token = vmware.world.tokens.credentials.api_token
    first, second = (vmware.exchange(refresh_token=token).json()["access_token"] for _ in range(2))
    assert first != second
    assert token not in first


def test_wrong_api_token_is_refused_with_a_message_that_echoes_it(vmware: Vmware) -> None:
    answer = vmware.exchange(refresh_token="a-wrong-token-that-is-quite-long")
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400
    assert answer.json()["message"].startswith("invalid_grant: Invalid refresh token: a-wrong-token-that")


def test_missing_api_token_is_refused(vmware: Vmware) -> None:
    assert vmware.exchange().status_code == 400


@pytest.mark.parametrize("path", ["token", "authorize"])
def test_oauth_app_gets_a_token_with_its_secret_only(vmware: Vmware, path: str) -> None:
    url = f"{vmware.url}/csp/gateway/am/api/auth/{path}"
    right = vmware.world.tokens.credentials
    form = {"grant_type": "client_credentials"}

    def ask(secret: str, form: dict[str, str]) -> requests.Response:
        return requests.post(url, data=form, auth=(right.client_id, secret), timeout=TIMEOUT_SECONDS)

    accepted = ask(right.client_secret, form)
    assert vmware.world.tokens.is_valid(accepted.json()["access_token"])
    assert ask("wrong", form).status_code == 401
    assert ask(right.client_secret, {"grant_type": "password"}).status_code == 400


def test_token_stops_working_when_it_expires(vmware: Vmware) -> None:
    assert vmware.ask("").status_code == 200
    vmware.control.advance(1799)
    answer = vmware.ask("")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"]
    vmware.log_in()
    assert vmware.ask("").status_code == 200


def test_lifetime_of_tokens_is_a_mode(vmware: Vmware) -> None:
    vmware.control.set_modes(access_token_seconds=10)
    assert vmware.exchange(refresh_token=vmware.world.tokens.credentials.api_token).json()["expires_in"] == 10
    vmware.log_in()
    vmware.control.advance(11)
    assert vmware.ask("").status_code == 401


def test_calls_need_a_known_token(vmware: Vmware) -> None:
    del vmware.http.headers["csp-auth-token"]
    assert vmware.ask("").status_code == 401
    assert vmware.ask("", headers={"csp-auth-token": "made-up"}).status_code == 401


def test_bearer_header_is_accepted_too(vmware: Vmware) -> None:
    token = vmware.http.headers.pop("csp-auth-token")
    assert vmware.ask("", headers={"Authorization": f"Bearer {token!s}"}).status_code == 200
    assert vmware.ask("", headers={"Authorization": f"Basic {token!s}"}).status_code == 401


def test_another_organization_is_forbidden_without_a_body(vmware: Vmware) -> None:
    vmware.org_id = OTHER_ORG
    answer = vmware.ask("/account-link")
    assert (answer.status_code, answer.content) == (403, b"")
    assert vmware.control.links() == ()


def test_organization_is_described(vmware: Vmware) -> None:
    organization = vmware.ask("").json()
    assert (organization["id"], organization["project_state"]) == (vmware.org_id, "CREATED")


def test_dates_of_answers_are_the_sandboxs(vmware: Vmware) -> None:
    vmware.control.advance(10 * 366 * 86400)
    year = vmware.control.now().year
    answer = vmware.exchange(refresh_token=vmware.world.tokens.credentials.api_token)
    assert f" {year} " in answer.headers["Date"]
