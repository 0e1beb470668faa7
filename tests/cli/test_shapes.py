"""`status --shapes`: keys, kinds, lengths and hosts of what the service answers, and no value. Real: HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.environment import Sandbox
from tests.support.cli import Command
from tests.support.lab import ACCOUNT
from vmc_account_link.cli.shapes import link_shape, shape_of, url_shape


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, "null"),
        (True, "bool"),
        (7, "int"),
        (1.5, "float"),
        ("planted", "text, 7 characters"),
        ("123456789012", "digits, 12 characters"),
        ("5d1f7e0a-0c2b-4c55-9b0a-3f6f0f5a1111", "a uuid, 36 characters"),
        ("2026-01-10T12:30:00.000000Z", "a moment, 27 characters"),
        ({"state": "ACTIVE", "note": "ACTIVE"}, {"state": "ACTIVE", "note": "text, 6 characters"}),
        ({"state": "planted words"}, {"state": "text, 13 characters"}),
        ({"vpc-0abc": {"a": 1}}, {"<a key of 8 characters>": {"a": "int"}}),
        (["a"] * 5, {"items": 5, "first": ["text, 1 characters"] * 3}),
    ],
)
def test_a_shape_says_what_a_value_is_and_not_what_it_says(value: Any, shape: Any) -> None:
    assert shape_of(value) == shape


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        (
            "https://planted-bucket.s3.us-west-2.amazonaws.com/planted/key?X-Amz-Signature=planted&X-Amz-Date=1",
            "https://<14>.s3.us-west-2.amazonaws.com/<7>/<3>?X-Amz-Date&X-Amz-Signature",
        ),
        ("https://vmc.vmware.com/callbacks/planted-token", "https://vmc.vmware.com/<9>/<13>"),
    ],
)
def test_of_a_url_host_lengths_and_the_names_in_its_query_are_kept(url: str, shape: str) -> None:
    assert url_shape(url) == shape
    link = {"template_url": url, "requested_at": "2026-01-10T12:00:00+00:00", "expiration_date": "soon"}
    assert link_shape(link) == {"template_url": shape}
    dated = {**link, "expiration_date": "2026-01-10T12:30:00+00:00"}
    assert link_shape(dated)["lifetime_seconds"] == 1800


def test_a_report_holds_no_value_and_asks_nothing_that_acts(
    command: Command, box: Sandbox, tmp_path: Path
) -> None:
    record = box.control.seed_account(ACCOUNT, cf_stack_name="vmware-sddc-formation-1")
    file = tmp_path / "shapes.json"
    arguments = ("--aws-account-id", ACCOUNT, "--task", "no-such-task", "--shapes", str(file))
    said = command("status", *arguments)
    assert said.code == 0, said.err
    text = file.read_text()
    report = json.loads(text)
    (account,) = report["answers"]["connected accounts"]["first"]
    assert (account["state"], account["account_number"]) == ("ACTIVE", "digits, 12 characters")
    assert report["answers"]["task of the link"] == "status 404"
    assert report["answers"]["cf_stack_name"] == ["vmware-sddc-formation-<uuid>, 23 characters"]
    assert report["known hosts"] == {}
    for value in (record.id, ACCOUNT, box.world.links.org_id, "vmware-sddc-formation-1", "127.0.0.1"):
        assert value not in text
    assert {entry.method for entry in box.control.journal() if entry.service == "vmc"} == {"GET"}
    assert box.control.links() == ()
    said = command("status", *arguments[:-1], str(tmp_path / "no-such-folder" / "file"))
    assert (said.code, said.err.count("\n")) == (2, 1)
