"""What our processes load before they know whether there is anything to do (docs/performance.md)."""

import subprocess
import sys

import pytest

HEAVY = ("requests", "tenacity", "pycfmodel", "boto3", "jsonschema")


@pytest.mark.parametrize(
    "statement",
    [
        "import vmc_account_link; vmc_account_link.AccountLink",
        "import pulumi.dynamic, vmc_account_link.link_request, vmc_account_link.connected_account",
    ],
    ids=["the program", "the dynamic provider"],
)
def test_libraries_for_requests_and_templates_load_late(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert printed(code) == "[]"


@pytest.mark.parametrize(
    ("value", "is_loaded"), [('{"Ref": "AWS::StackName"}', "False"), ('{"Fn::Sub": "x"}', "True")]
)
def test_what_works_out_functions_is_loaded_for_a_template_that_has_some(value: str, is_loaded: str) -> None:
    resources = f'{{"Topic": {{"Type": "AWS::SNS::Topic", "Properties": {{"DisplayName": {value}}}}}}}'
    code = (
        "import sys\nfrom vmc_account_link.template.intrinsics import resolve_resources\n"
        f'resolve_resources({{"Resources": {resources}}})\nprint("pycfmodel" in sys.modules)'
    )
    assert printed(code) == is_loaded


def printed(code: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_preview_of_an_unchanged_link_does_not_load_what_it_would_ask_with() -> None:
    code = """
import datetime, sys
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import read_settings
provider = LinkRequestProvider()
provider.settings = read_settings({"vmc:orgId": "o", "vmc:refreshToken": "t"}.get, {})
expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
link = {"org_id": "o", "account_number": "1" * 12, "stack_name": "s", "expiration_date": expires.isoformat()}
assert not provider.diff("id", link, link).changes
print("requests" in sys.modules)
"""
    assert printed(code) == "False"
