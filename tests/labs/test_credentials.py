"""A lab's credentials: its organisation's token, and how AWS is asked for it. Pure."""

import dataclasses
import sys

import pytest

from tests.labs.specs import lab_spec
from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.errors import RequestError
from vmc_account_link.settings import ApiToken, OAuthApp
from vmc_labs.spec.credentials import aws_access, engine_environment, vmc_settings
from vmc_labs.spec.model import Credentials, Service

SERVICE = Service(org_id="org-1", vmc_url="https://vmc", csp_url="https://csp")
OTHER = dataclasses.replace(SERVICE, token_variable="OTHER_TOKEN")
OR_APP = "CLIENT_ID and CLIENT_SECRET of an OAuth app"
APP = {"CLIENT_ID": "id", "CLIENT_SECRET": "secret"}


def test_an_organisation_has_the_token_of_its_variable() -> None:
    environ = {"API_TOKEN": "a", "OTHER_TOKEN": " b\n", "ORG_ID": "x", "VMC_URL": "https://x", **APP}
    settings = vmc_settings(SERVICE, environ)
    assert (settings.org_id, settings.vmc_url, settings.csp_url) == ("org-1", "https://vmc", "https://csp")
    assert settings.credentials == ApiToken(value="a")
    assert vmc_settings(OTHER, environ).credentials == ApiToken(value="b")
    assert vmc_settings(SERVICE, APP).credentials == OAuthApp(client_id="id", client_secret="secret")


@pytest.mark.parametrize(
    ("service", "environ", "line"),
    [
        (
            OTHER,
            {"API_TOKEN": "a", "OTHER_TOKEN": " ", **APP},
            "vmc.tokenVariable: OTHER_TOKEN is not set: export the API token of organisation org-1 in it",
        ),
        (
            SERVICE,
            {"OTHER_TOKEN": "b"},
            f"organisation org-1: no VMC API token is set: export API_TOKEN (or {OR_APP})",
        ),
        (
            SERVICE,
            {"CLIENT_ID": "id"},
            "vmc:clientSecret: one half of the OAuth app is not set. Set it, or CLIENT_SECRET.",
        ),
    ],
    ids=["a variable that is not set", "no token", "half an app"],
)  # fmt: skip
def test_a_missing_token_names_its_variable(service: Service, environ: dict[str, str], line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        vmc_settings(service, environ)
    assert str(refusal.value) == line


def test_aws_is_asked_as_the_labs_provider_asks() -> None:
    lab = lab_spec("a")
    assert aws_access(lab) == AwsAccess(region="us-west-2")
    role = Credentials(profile="team", role_arn="arn:aws:iam::1:role/lab")
    other = dataclasses.replace(lab, credentials=role, settings={"region": "eu-west-1"})
    assert aws_access(other) == AwsAccess(
        region="eu-west-1",
        profile="team",
        assumed_roles=({"roleArn": "arn:aws:iam::1:role/lab", "sessionName": "vmc-account-link"},),
    )


def test_an_engine_asks_for_no_update_and_runs_this_python() -> None:
    made = engine_environment({"PATH": "/bin"}, token_variables=[])
    assert made == {
        "PATH": "/bin",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_PYTHON_CMD": sys.executable,
        "GOGC": "400",
    }
    assert engine_environment({"GOGC": "50"}, token_variables=())["GOGC"] == "50"
