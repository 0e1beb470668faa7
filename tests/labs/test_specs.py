"""Specs: what is refused, where and why; and what a right one comes to. No engine, no network."""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.labs.bad_specs import BAD_SPECS, GOOD_SPEC
from tests.support.paths import REPOSITORY
from vmc_account_link.errors import RequestError
from vmc_labs.engine.program import OUTPUTS
from vmc_labs.spec.model import Credentials, FleetSpec, Service
from vmc_labs.spec.problems import SpecRefused
from vmc_labs.spec.reading import load_spec, read_spec
from vmc_labs.spec.schema import json_schema

ORGANISATION = "8120f1bc-8fa6-45fe-9ccd-70ce37730bb0"
SCHEMA = REPOSITORY / "components" / "vmc_labs" / "spec" / "schema.json"


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """Profiles team-01 and team-02, and nothing else."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text("[profile team-01]\nregion = us-west-2\n")
    credentials.write_text("[team-02]\naws_access_key_id = a\naws_secret_access_key = b\n")
    return {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}


@pytest.mark.parametrize("name", BAD_SPECS)
def test_a_spec_is_refused_with_file_line_and_key(
    name: str, environ: Mapping[str, str], tmp_path: Path
) -> None:
    text, expected = BAD_SPECS[name]
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(SpecRefused) as rejected:
        load_spec(file, environ)
    assert str(rejected.value).splitlines() == [f"{file}:{line}" for line in expected]


def read(text: str, environ: Mapping[str, str]) -> FleetSpec:
    return read_spec(text, file="spec.yaml", environ=environ)


def test_a_spec_is_read_with_its_patterns_and_defaults_worked_out(environ: Mapping[str, str]) -> None:
    spec = read(GOOD_SPEC, environ)
    assert [lab.name for lab in spec.labs] == ["team-01", "team-02", "spare"]
    assert (spec.event, spec.parallel) == ("reinvent-2026", 6)
    assert spec.backend == "s3://my-state-bucket?region=us-east-1"
    assert spec.secrets_provider == "awskms://alias/pulumi"
    assert spec.start_jitter == timedelta(seconds=2)
    second, spare = spec.labs[1:]
    assert (second.stack, second.stack_name) == ("reinvent-2026-team-02", "Link-team-02")
    assert second.credentials == Credentials(profile="team-02")
    assert second.aws_account_id == "200000000002"
    assert second.settings == {
        "link_timeout_minutes": 45,
        "stack_name": "Link-team-02",
        "tags": {"owner": "workshop", "room": "A"},
        "template_policy": {"trustedAccounts": ["111111111111"]},
    }
    assert (second.ttl, second.owner) == (timedelta(hours=8), "workshop")
    assert spare.credentials == Credentials(role_arn="arn:aws:iam::333333333333:role/lab")
    assert spare.ttl == timedelta(hours=36)
    assert spare.service == Service(
        org_id="11111111-2222-3333-4444-555555555555",
        vmc_url="https://vmc.vmware.com",
        csp_url="https://console.cloud.vmware.com",
        token_variable="SPARE_TOKEN",
    )


def test_what_a_spec_leaves_open_comes_from_the_environment(environ: Mapping[str, str]) -> None:
    known = {"VMC_URL": "http://127.0.0.1:1", "CSP_URL": "http://127.0.0.1:2"}
    event, name = "e" * 39, "a" * 60
    spec = read(f"event: {event}\nlabs: [{{name: {name}}}]\n", {**environ, **known, "ORG_ID": ORGANISATION})
    assert (spec.backend, spec.start_jitter) == ("", timedelta(seconds=1))
    (lab,) = spec.labs
    assert lab.stack == f"{event}-{name}", "both as long as they may be"
    assert lab.service == Service(org_id=ORGANISATION, vmc_url=known["VMC_URL"], csp_url=known["CSP_URL"])
    assert lab.credentials == Credentials()


def test_a_labs_organisation_differs_from_the_fleets_where_it_says_so(environ: Mapping[str, str]) -> None:
    """And two of them may have stacks of one name in one account, in other regions."""
    text = f"""\
event: e
vmc: {{orgId: {ORGANISATION}, vmcUrl: "https://vmc/a", cspUrl: "https://csp", tokenVariable: FLEET}}
labs:
  - {{name: a, awsAccountId: "111111111111"}}
  - name: b
    awsAccountId: "111111111111"
    region: eu-west-1
    vmc: {{orgId: 11111111-2222-3333-4444-555555555555, cspUrl: "http://csp.lab"}}
"""
    first, second = (lab.service for lab in read(text, {**environ, "CSP_URL": "https://other"}).labs)
    assert first == Service(
        org_id=ORGANISATION, vmc_url="https://vmc/a", csp_url="https://csp", token_variable="FLEET"
    )
    assert second == dataclasses.replace(
        first, org_id="11111111-2222-3333-4444-555555555555", csp_url="http://csp.lab"
    )


@pytest.mark.parametrize(
    ("config", "unknown"),
    [
        ("[profile team-01]\nregion = a\n[profile team-01]\nregion = b\n", ["team-03"]),
        ("no section\n", ["team-01", "team-03"]),
    ],
    ids=["a section twice", "a file that is none of AWS's"],
)
def test_a_profile_is_in_either_of_awss_files(
    config: str, unknown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(config)
    (tmp_path / ".aws" / "credentials").write_text("[team-02]\n")
    labs = ", ".join(f"{{name: {name}, awsProfile: {name}}}" for name in ("team-01", "team-02", "team-03"))
    with pytest.raises(SpecRefused) as refusal:
        read(f"event: e\nlabs: [{labs}]\n", {"ORG_ID": ORGANISATION})
    assert re.findall("no AWS profile '(.*?)'", str(refusal.value)) == unknown


def test_a_file_that_can_not_be_read_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    with pytest.raises(RequestError) as absent:
        load_spec(file, {})
    assert str(absent.value) == f"{file}: No such file or directory: name the spec's file"
    file.write_bytes(b"event: \xff\n")
    with pytest.raises(SpecRefused) as binary:
        load_spec(file, {})
    assert str(binary.value) == f"{file}:1: it is not text in UTF-8"


def test_a_lab_has_every_setting_and_output_of_the_program() -> None:
    program = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    assert set(program) <= set(json_schema()["$defs"]["Lab"]["properties"])
    exported = re.findall(r'pulumi\.export\("(\w+)"', (REPOSITORY / "__main__.py").read_text())
    assert list(OUTPUTS) == exported


def test_the_published_schema_is_that_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), (
        "vmc-labs schema > components/vmc_labs/spec/schema.json"
    )


def test_the_schema_takes_what_the_reader_takes() -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(GOOD_SPEC))


CAUGHT_BY_EDITORS = [
    "an unknown key of a lab", "a key of another notation", "a token", "no event", "no labs",
    "an empty list of labs", "an account number that YAML takes for a number", "a duration without a unit",
    "a duration that is none", "no labs at a time", "a word for yes",
    "a link that is neither created nor existing", "a region that is none", "a tag that is a number",
]  # fmt: skip


@pytest.mark.parametrize("name", CAUGHT_BY_EDITORS)
def test_an_editor_sees_by_the_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not validator.is_valid(yaml.safe_load(BAD_SPECS[name][0]))
