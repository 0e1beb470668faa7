"""Settings: configuration wins over the environment, and a bad one is named. Pure, nothing is real here."""

from collections.abc import Mapping

import pytest

from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import (
    VMC_KEYS,
    ApiToken,
    OAuthApp,
    VmcSettings,
    is_account_number,
    read_settings,
    refuse_unknown_keys,
)

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


NO_TOKEN = (
    "vmc:refreshToken: no VMC API token is set. Run `pulumi config set --secret vmc:refreshToken` or set "
    "API_TOKEN (or an OAuth app's vmc:clientId and vmc:clientSecret)."
)
NO_ORGANISATION = (
    "vmc:orgId: the VMC organisation is not set. Run `pulumi config set vmc:orgId <organisation id>` or "
    "set ORG_ID."
)
TOKEN_AND_APP = (
    "vmc:refreshToken: it is set together with vmc:clientId or vmc:clientSecret. Keep either the API token "
    "or the OAuth app (`pulumi config rm <key>`)."
)
TWO_TOKENS = (
    "vmc:refreshToken: vmc:apiToken is set to another token. Keep one of the two (`pulumi config rm "
    "vmc:apiToken`)."
)
NO_SERVICE = ": this is not the URL of a service. Give it as https://host, without a query."
BAD: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "no organisation": ({"vmc:refreshToken": "t"}, {}, NO_ORGANISATION),
    "a blank organisation": ({"vmc:orgId": " "}, {"API_TOKEN": "t"}, NO_ORGANISATION),
    "no credentials": ({"vmc:orgId": "o"}, {}, NO_TOKEN),
    "an app without its secret": (
        {"vmc:orgId": "o", "vmc:clientId": "i"},
        {},
        "vmc:clientSecret: one half of the OAuth app is not set. Set it, or CLIENT_SECRET.",
    ),
    "an app of the environment without its secret": (
        {"vmc:orgId": "o"},
        {"CLIENT_ID": "i"},
        "vmc:clientSecret: one half of the OAuth app is not set. Set it, or CLIENT_SECRET.",
    ),
    "a secret without its app": (
        {"vmc:orgId": "o"},
        {"CLIENT_SECRET": "s"},
        "vmc:clientId: one half of the OAuth app is not set. Set it, or CLIENT_ID.",
    ),
    "a token and an app": ({**COMPLETE, "vmc:clientId": "i"}, {}, TOKEN_AND_APP),
    "a token and an app's secret": ({**COMPLETE, "vmc:clientSecret": "s"}, {}, TOKEN_AND_APP),
    "two tokens": (
        {**COMPLETE, "vmc:apiToken": "other"},
        {},
        TWO_TOKENS,
    ),
    "a host without https": ({**COMPLETE, "vmc:vmcUrl": "vmc.vmware.com"}, {}, f"vmc:vmcUrl{NO_SERVICE}"),
    "another scheme": ({**COMPLETE, "vmc:vmcUrl": "ftp://vmc"}, {}, f"vmc:vmcUrl{NO_SERVICE}"),
    "a URL with a query": ({**COMPLETE, "vmc:vmcUrl": "https://h?x=1"}, {}, f"vmc:vmcUrl{NO_SERVICE}"),
    "a URL with a fragment": ({**COMPLETE, "vmc:cspUrl": "https://h#x"}, {}, f"vmc:cspUrl{NO_SERVICE}"),
    "a URL with a user": ({**COMPLETE, "vmc:cspUrl": "https://u@h"}, {}, f"vmc:cspUrl{NO_SERVICE}"),
    "a URL with a password": ({**COMPLETE, "vmc:cspUrl": "https://:p@h"}, {}, f"vmc:cspUrl{NO_SERVICE}"),
    "no number as port": ({**COMPLETE, "vmc:cspUrl": "https://h:x"}, {}, f"vmc:cspUrl{NO_SERVICE}"),
    "plain http to elsewhere": (
        COMPLETE,
        {"VMC_URL": "http://vmc.vmware.com"},
        "vmc:vmcUrl: a token is not sent over plain http. Use https://vmc.vmware.com.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_setting_is_one_line_that_names_it_and_what_to_do(name: str) -> None:
    config, environ, line = BAD[name]
    with pytest.raises(SettingsError) as refusal:
        read(config, environ)
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        pytest.param("orgID", "Did you mean vmc:orgId? ", id="misspelt"),
        pytest.param("colour", "", id="near to none"),
        pytest.param("config:orgId", "", id="of two parts"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(name: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        refuse_unknown_keys("vmc", ["aws:region", "vmc:apiToken", f"vmc:{name}"], VMC_KEYS)
    assert str(refusal.value) == (
        f"vmc:{name}: there is no such setting. {nearest}`pulumi config rm vmc:{name}` removes it."
    )


def test_an_oauth_app_of_the_environment_is_enough() -> None:
    environ = {"ORG_ID": "o", "CLIENT_ID": "id", "CLIENT_SECRET": "s"}
    assert read({}, environ).credentials == OAuthApp(client_id="id", client_secret="s")


@pytest.mark.parametrize(
    ("text", "is_one"), [("123456789012", True), ("12345678901", False), ("\u0661" * 12, False)]
)
def test_an_aws_account_has_twelve_digits_of_ascii(text: str, *, is_one: bool) -> None:
    assert is_account_number(text) is is_one


def test_plain_http_is_for_this_machine_only() -> None:
    assert read({**COMPLETE, "vmc:vmcUrl": "http://127.0.0.1:8080/"}).vmc_url == "http://127.0.0.1:8080"


def test_no_secret_is_in_the_settings_repr() -> None:
    token = read({**COMPLETE, "vmc:refreshToken": "planted-secret"})
    app = read({"vmc:orgId": "o", "vmc:clientId": "id", "vmc:clientSecret": "planted-secret"})
    assert "planted" not in f"{token!r} {app!r}"
    assert token.secrets == app.secrets == ("planted-secret",)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://vmc.vmware.com/vmc/api", "https://vmc.vmware.com"),
        ("https://vmc.vmware.com/console/sddcs", "https://vmc.vmware.com"),
        ("https://console.cloud.vmware.com/csp/gateway/am/api/auth/api-tokens/authorize",
         "https://console.cloud.vmware.com"),
        ("https://proxy.example/vmware/vmc/api/orgs/", "https://proxy.example/vmware"),
        ("https://proxy.example/vmware/", "https://proxy.example/vmware"),
    ],
)  # fmt: skip
def test_what_other_tools_have_behind_the_host_is_cut(url: str, base: str) -> None:
    settings = read({**COMPLETE, "vmc:vmcUrl": url, "vmc:cspUrl": url})
    assert (settings.vmc_url, settings.csp_url) == (base, base)


def test_variables_of_other_tools_are_named_where_ours_are_missing() -> None:
    others = {"VMC_ORG_ID": "o", "VMC_API_TOKEN": "planted-1", "VMC_REFRESH_TOKEN": "planted-2"}
    with pytest.raises(SettingsError, match=r"VMC_ORG_ID in the environment is for other tools.*ORG_ID"):
        read({"vmc:refreshToken": "t"}, others)
    with pytest.raises(SettingsError, match="VMC_API_TOKEN and VMC_REFRESH_TOKEN in the") as refusal:
        read({"vmc:orgId": "o"}, others)
    assert "planted" not in str(refusal.value)
    with pytest.raises(SettingsError) as plain:
        read({})
    assert "other tools" not in str(plain.value)


def test_an_organisation_that_is_not_set_is_asked_for_with_the_other_settings() -> None:
    requests: list[VmcSettings] = []

    def find(known: VmcSettings) -> str:
        requests.append(known)
        return "found"

    assert read_settings({"vmc:refreshToken": "t"}.get, {}, find).org_id == "found"
    assert [(one.org_id, one.credentials) for one in requests] == [("", ApiToken(value="t"))]
    assert read_settings(COMPLETE.get, {}, find).org_id == "org-1"
    assert len(requests) == 1


def test_s3_is_where_the_environment_says() -> None:
    both = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2"}
    assert read(COMPLETE, both).s3_url == "http://127.0.0.1:2"
    assert read(COMPLETE, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).s3_url == "http://127.0.0.1:1"
    assert read(COMPLETE).s3_url is None
