"""Is a template ours to run: its host, its text, its size. Pure."""

import json
from pathlib import Path
from typing import Any

import pytest

from vmc_account_link.errors import TemplateRejected
from vmc_account_link.template import source

SERVICE = "https://vmc.vmware.com"
S3 = "https://bucket.s3.us-west-2.amazonaws.com/key?X-Amz-Signature=planted"
ROLE = {"Type": "AWS::IAM::Role"}
MINIMAL = {"Resources": {"Role": ROLE, "Report": {"Type": "AWS::Lambda::Function"}}}


@pytest.mark.parametrize(
    "url",
    [
        S3,
        "https://s3.us-west-2.amazonaws.com/bucket/key",
        "https://s3-us-west-2.amazonaws.com/bucket/key",
        "https://s3.amazonaws.com/bucket/key",
        "https://bucket.s3.dualstack.us-west-2.amazonaws.com/key",
        "https://bucket.s3-fips.us-gov-west-1.amazonaws.com/key",
        "https://s3-fips.dualstack.us-gov-west-1.amazonaws.com/bucket/key",
        "https://vmc.broadcom.com/templates/1",
        "https://my.dotted.bucket.s3.cn-north-1.amazonaws.com.cn/key",
        "https://vmc.vmware.com/templates/1",
        "https://VMC.vmware.com:443/templates/1",
    ],
)
def test_s3_and_the_service_itself_may_give_the_template(url: str) -> None:
    source.check_source(url, service_url=SERVICE)


NO_URL = "it is not a URL. Nothing was created; tell VMware."
NOT_PLAIN = "it is not a plain web address. Nothing was created; tell VMware."
NOT_HTTPS = "it does not come over https. Nothing was created; tell VMware."
FOREIGN = (
    "is neither an S3 host nor an allowed one. Nothing was created; if you trust that host, add it to "
    "vmc-account-link:templateHosts."
)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("https://evil.example/t?X-Amz-Signature=planted", FOREIGN, id="a foreign host"),
        pytest.param(
            "https://s3.amazonaws.com.evil.example/t", FOREIGN, id="S3 as a prefix of another domain"
        ),
        pytest.param("https://evils3.us-west-2.amazonaws.com/t", FOREIGN, id="a name that ends like S3's"),
        pytest.param("https://x.execute-api.us-west-2.amazonaws.com/t", FOREIGN, id="another AWS service"),
        pytest.param("http://bucket.s3.us-west-2.amazonaws.com/t", NOT_HTTPS, id="S3 over plain http"),
        pytest.param("http://vmc.vmware.com/t", NOT_HTTPS, id="the service over plain http"),
        pytest.param("https://vmc.vmware.com:8443/t", FOREIGN, id="another port of the service"),
        pytest.param("https://vmc.broadcom.com:8443/t", FOREIGN, id="another port of a sibling"),
        pytest.param("https://console.cloud.vmware.com/t", FOREIGN, id="the token service"),
        pytest.param("https://s3-fips.evil.example/t", FOREIGN, id="FIPS as a prefix"),
        pytest.param("https://user@bucket.s3.amazonaws.com/t", NOT_PLAIN, id="user information"),
        pytest.param("file:///etc/passwd", NOT_PLAIN, id="a file"),
        pytest.param("ftp://allowed.example/t", NOT_PLAIN, id="another scheme on an allowed host"),
        pytest.param("https://[broken/t", NO_URL, id="no URL at all"),
        pytest.param("https://allowed.example:port/t", NO_URL, id="a port that is none"),
        pytest.param("", NOT_PLAIN, id="nothing"),
    ],
)
def test_any_other_source_is_refused_without_quoting_its_signature(url: str, reason: str) -> None:
    with pytest.raises(TemplateRejected) as refusal:
        source.check_source(url, service_url=SERVICE, further_hosts=["allowed.example"])
    assert str(refusal.value).startswith("use the link's template at ")
    assert str(refusal.value).endswith(reason)
    assert "planted" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_template_that_cloudformation_can_not_take_is_refused_before_a_stack_is_made() -> None:
    text = json.dumps({**MINIMAL, "Description": "x" * 60_000})
    with pytest.raises(
        TemplateRejected, match=r"has 60,\d\d\d bytes, and .* more than 51,200 from Amazon S3 alone"
    ):
        source.validate(text, url="https://vmc.vmware.com/t")
    source.validate(text, url=S3)
    source.validate(text, url="http://127.0.0.1:9/t", s3_endpoint="http://127.0.0.1:9")
    source.validate(json.dumps(MINIMAL), url="https://vmc.vmware.com/t")


def test_a_service_of_another_name_has_no_siblings() -> None:
    with pytest.raises(TemplateRejected, match="neither an S3 host"):
        source.check_source("https://vmc.broadcom.com/t", service_url="https://vmc.example")


def test_the_roles_of_a_template_are_known_by_their_logical_ids() -> None:
    assert source.role_ids(json.dumps(MINIMAL)) == ["Role"]


@pytest.mark.parametrize("allowed", ["Mirror.Example", "mirror.example:80", " mirror.example "])
def test_a_host_that_the_configuration_names_is_allowed_even_over_http(allowed: str) -> None:
    source.check_source("http://mirror.example/t", service_url=SERVICE, further_hosts=[allowed])


def test_an_allowed_port_does_not_allow_the_hosts_other_ports() -> None:
    with pytest.raises(TemplateRejected, match="https"):
        source.check_source(
            "http://mirror.example:81/t", service_url=SERVICE, further_hosts=["mirror.example:80"]
        )


YAML = """
Parameters: {Name: {Type: String, Default: x}}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {Path: !Sub "/${Name}/"}}
  Report: {Type: Custom::Report}
"""


@pytest.mark.parametrize("text", [json.dumps(MINIMAL), YAML], ids=["JSON", "YAML with short forms"])
def test_a_template_in_json_or_yaml_is_taken(text: str) -> None:
    source.validate(text, url=S3)


@pytest.mark.parametrize("kind", ["AWS::Lambda::Function", "Custom::It", "AWS::CloudFormation::Stack"])
def test_a_template_with_something_that_runs_could_report_the_account(kind: str) -> None:
    source.validate(json.dumps({"Resources": {"It": {"Type": kind}, "Odd": "text"}}), url=S3)


def test_what_a_transform_adds_could_report_the_account() -> None:
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Role": ROLE}}
    source.validate(json.dumps(template), url=S3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Resources": {}}, "it has no Resources. Nothing was created; run `pulumi up` again."),
        (
            {"Parameters": {"A": {"Type": "String"}, "B": "x", "C": {"Default": ""}}},
            (
                "it asks for parameters without a default (A, B). Nothing was created; run this template by "
                "hand in the AWS console."
            ),
        ),
        (
            {"Resources": {"Role": ROLE, "Untyped": {}}},
            (
                "nothing in it could report the account to VMware, so it may have been cut off. Nothing was "
                "created; run `pulumi up` again: it requests a new link."
            ),
        ),
    ],
)
def test_a_refused_template_says_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TemplateRejected) as refusal:
        source.validate(json.dumps({**MINIMAL, **changes}), url=S3)
    assert str(refusal.value) == (
        f"read the link's template from https://bucket.s3.us-west-2.amazonaws.com: {said}"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("<html><body>Sign in</body></html>", "neither", id="a page"),
        pytest.param("Resources: [unclosed", "neither", id="broken YAML"),
        pytest.param("just words", "neither", id="words"),
        pytest.param("", "neither", id="nothing"),
        pytest.param(
            "!!python/object/apply:os.system ['true']", "YAML tag", id="YAML that wants to run code"
        ),
        pytest.param('{"Resources": {}}', "no Resources", id="no resources"),
        pytest.param(json.dumps({"Resources": {"Role": ROLE}}), "cut off", id="roles that nothing reports"),
        pytest.param('{"Resources": ["Role"]}', "no Resources", id="resources that are a list"),
        pytest.param(
            json.dumps({**MINIMAL, "Parameters": {"Key": {"Type": "String"}}}), "Key", id="an open parameter"
        ),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(TemplateRejected, match=reason) as refusal:
        source.validate(text, url=S3)
    assert "planted" not in str(refusal.value)


def test_yaml_that_wants_to_run_code_runs_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    text = f"{YAML}Made: !!python/object/apply:os.mkdir ['{made}']\n"
    with pytest.raises(TemplateRejected, match="YAML tag"):
        source.validate(text, url=S3)
    assert not made.exists()


def test_the_inline_limit_counts_bytes_not_characters() -> None:
    assert source.fits_inline("x" * 51_200)
    assert not source.fits_inline("x" * 51_201)
    assert not source.fits_inline("é" * 25_601)
