"""Settings: configuration wins over the environment, and a bad one is named. Pure, nothing is real here."""

from collections.abc import Mapping

import pytest

from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import ApiToken, OAuthApp, VmcSettings, read_settings

COMPLETE = {"vmc:orgId": "org-1", "vmc:refreshToken": "token-1"}


def read(config: Mapping[str, str], environ: Mapping[str, str] | None = None) -> VmcSettings:
    return read_settings(config.get, environ or {})


def test_the_hosts_default_to_vmwares() -> None:
    settings = read(COMPLETE)
    assert settings.vmc_url == "https://vmc.vmware.com"
    assert settings.csp_url == "https://console.cloud.vmware.com"


def test_the_environment_alone_is_enough() -> None:
    environ = {
        "ORG_ID": "o",
        "API_TOKEN": "t",
        "VMC_URL": "https://vmc.example/",
        "CSP_URL": "https://csp.example",
    }
    assert read({}, environ) == VmcSettings(
        org_id="o",
        credentials=ApiToken(value="t"),
        vmc_url="https://vmc.example",
        csp_url="https://csp.example",
    )


def test_configuration_wins_over_the_environment() -> None:
    environ = {"ORG_ID": "other", "API_TOKEN": "other", "VMC_URL": "https://other.example"}
    config = {**COMPLETE, "vmc:vmcUrl": "https://vmc.example"}
    settings = read(config, environ)
    assert (settings.org_id, settings.credentials, settings.vmc_url) == (
        "org-1",
        ApiToken(value="token-1"),
        "https://vmc.example",
    )


def test_a_configured_oauth_app_wins_over_the_environments_token() -> None:
    config = {"vmc:orgId": "o", "vmc:clientId": "id", "vmc:clientSecret": "secret"}
    assert read(config, {"API_TOKEN": "t"}).credentials == OAuthApp(client_id="id", client_secret="secret")


def test_an_oauth_app_may_have_its_secret_in_the_environment() -> None:
    config = {"vmc:orgId": "o", "vmc:clientId": "id"}
    assert read(config, {"CLIENT_SECRET": "s"}).credentials == OAuthApp(client_id="id", client_secret="s")


def test_white_space_around_a_pasted_token_is_no_part_of_it() -> None:
    assert read({**COMPLETE, "vmc:refreshToken": " token-1\n"}).credentials == ApiToken(value="token-1")


def test_the_api_token_is_read_under_its_other_key_too() -> None:
    """`vmc:refreshToken` is the registry's `vmc` provider's key; `vmc:apiToken` is VMware's own word."""
    settings = read({"vmc:orgId": "org-1", "vmc:apiToken": "token-1"})
    assert settings.credentials == ApiToken(value="token-1")
    assert read({**COMPLETE, "vmc:apiToken": "token-1"}).credentials == ApiToken(value="token-1")


@pytest.mark.parametrize(
    ("config", "environ", "named"),
    [
        pytest.param({"vmc:refreshToken": "t"}, {}, "vmc:orgId", id="no organisation"),
        pytest.param({"vmc:orgId": " "}, {"API_TOKEN": "t"}, "ORG_ID", id="a blank organisation"),
        pytest.param({"vmc:orgId": "o"}, {}, "vmc:refreshToken", id="no credentials"),
        pytest.param(
            {"vmc:orgId": "o", "vmc:clientId": "i"}, {}, "vmc:clientSecret", id="an app without its secret"
        ),
        pytest.param(
            {"vmc:orgId": "o"}, {"CLIENT_SECRET": "s"}, "vmc:clientId", id="a secret without its app"
        ),
        pytest.param({**COMPLETE, "vmc:clientId": "i"}, {}, "vmc:refreshToken", id="a token and an app"),
        pytest.param({**COMPLETE, "vmc:apiToken": "other"}, {}, "vmc:refreshToken", id="two tokens"),
        pytest.param(
            {**COMPLETE, "vmc:vmcUrl": "vmc.vmware.com"}, {}, "vmc:vmcUrl", id="a host without https"
        ),
        pytest.param({**COMPLETE, "vmc:vmcUrl": "https://h?x=1"}, {}, "vmc:vmcUrl", id="a URL with a query"),
        pytest.param(
            {**COMPLETE, "vmc:cspUrl": "https://u:p@h"}, {}, "vmc:cspUrl", id="a URL with a password"
        ),
        pytest.param(
            {**COMPLETE, "vmc:cspUrl": "https://h:x"}, {}, "vmc:cspUrl", id="a port that is no number"
        ),
        pytest.param(
            COMPLETE, {"VMC_URL": "http://vmc.vmware.com"}, "plain http", id="plain http to elsewhere"
        ),
    ],
)
def test_a_bad_setting_is_refused_in_one_line_that_names_it(
    config: dict[str, str], environ: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(config, environ)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_plain_http_is_for_this_machine_only() -> None:
    assert read({**COMPLETE, "vmc:vmcUrl": "http://127.0.0.1:8080/"}).vmc_url == "http://127.0.0.1:8080"


def test_no_secret_is_in_the_settings_repr() -> None:
    token = read({**COMPLETE, "vmc:refreshToken": "planted-secret"})
    app = read({"vmc:orgId": "o", "vmc:clientId": "id", "vmc:clientSecret": "planted-secret"})
    assert "planted" not in f"{token!r} {app!r}"
    assert token.secrets == app.secrets == ("planted-secret",)
