"""What our processes load before they know whether there is anything to do (docs/performance.md)."""

import subprocess
import sys

import pytest

HEAVY = ("requests", "tenacity", "cfn_flip", "boto3", "jsonschema")


@pytest.mark.parametrize(
    "statement",
    [
        "import vmc_account_link; vmc_account_link.AccountLink",
        "import pulumi.dynamic, vmc_account_link.link_request, vmc_account_link.connected_account",
    ],
    ids=["the program", "the dynamic provider"],
)
def test_what_only_a_conversation_or_a_template_needs_is_not_loaded_at_the_start(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
