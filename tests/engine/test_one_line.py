"""Whatever fails on the real engine is one line: no traceback, no second line, no secret."""

import importlib.metadata
import json
import stat
from pathlib import Path

import pytest

from tests.support.lab import Lab, Run
from tests.support.planted import plant
from tests.sweep.verdict import complaints, error_lines
from vmc_labs.engine.events import error_line

pytestmark = pytest.mark.engine

UP = ("up", "--yes", "--skip-preview")
COMMANDS = (UP, ("preview",), ("refresh", "--yes", "--skip-preview"), ("destroy", "--yes", "--skip-preview"))
BUG = """\
import os
from vmc_account_link.api import client
def broken(*_):
    raise KeyError("planted " + os.environ["API_TOKEN"])
client.VmcClient.list_connected_accounts = broken
"""
QUICK_CLOCK = """\
import time
real = time.monotonic
start = real()
time.monotonic = lambda: start + 60 * (real() - start)
"""
CHECKS_ALWAYS = """\
from vmc_account_link import stack_hooks
stack_hooks.StackPrecheck.note_request = lambda self: None
"""
BUG_IN_THE_HOOK = f"""\
{CHECKS_ALWAYS}
import os
def broken(*_):
    raise KeyError("planted " + os.environ["API_TOKEN"])
stack_hooks.find_account = broken
"""


SLOW_TO_HEAR_OF_A_FAILURE = """\
import time
from pulumi.runtime import resource
real = resource.handle_grpc_error
def slow(error):
    time.sleep(3)
    real(error)
resource.handle_grpc_error = slow
"""


def one_line(done: Run) -> str:
    """The one error of a failed command."""
    assert done.code != 0, done.output
    assert complaints(done.output) == [], done.output
    (line,) = error_lines(done.output)
    return line


def report(line: str, folder: Path, token: str) -> str:
    """The file that a bug's line names, which the user alone can read and which holds no secret."""
    assert token not in line
    (file,) = folder.iterdir()
    assert line.endswith(f"please report it with the traceback in {file}.")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "KeyError: 'planted [secret]" in text
    assert token not in text
    return text


@pytest.fixture
def linked(lab: Lab) -> Lab:
    """A link that is there, and another one wanted: each command has something to ask the service."""
    lab.up()
    lab.set({"relink": "again"})
    return lab


def test_what_the_service_refuses_is_one_line_of_each_command(linked: Lab) -> None:
    linked.control.plan_fault("vmc", "list-connected-accounts", "status", status=403, count=99)
    for command in COMMANDS[:-1]:
        line = one_line(linked.run(*command))
        assert line.startswith("list the connected accounts of organisation")
        assert "403" in line
    linked.environment["API_TOKEN"] = "planted-wrong-token-0123456789"
    for command in COMMANDS:
        line = one_line(linked.run(*command))
        assert line.startswith("exchange the VMC API token for an access token")
        assert "400" in line


def test_a_bug_is_one_line_of_each_command_and_its_traceback_is_in_a_file(linked: Lab) -> None:
    folder = plant(linked, BUG)
    whats = ("diff LinkRequest", "diff LinkRequest", "read ConnectionWait", "delete ConnectedAccount")
    for command, what in zip(COMMANDS, whats, strict=True):
        line = one_line(linked.run(*command))
        assert line.startswith(f"{what}: KeyError: 'planted [secret]'. This is a bug in vmc-account-link")
        text = report(line, folder, linked.box.environment["API_TOKEN"])
        assert f"in {what.partition(' ')[0]}\n" in text
        next(folder.iterdir()).unlink()


def test_an_interrupted_program_shows_no_traceback(lab: Lab) -> None:
    """The engine does so when a provider can't be made; otherwise it depends on the load who is first."""
    program = lab.folder / "__main__.py"
    broken = 'aws.Provider("broken", region="us-west-2", profile="nowhere")'
    program.write_text(f"{program.read_text()}\nimport pulumi_aws as aws\n{broken}\n")
    plant(lab, SLOW_TO_HEAR_OF_A_FAILURE)
    failed = lab.fail_up()
    assert "failed to get shared config profile, nowhere" in failed.output
    assert "KeyboardInterrupt" not in failed.output


def test_a_wait_that_is_too_long_is_one_line(lab: Lab) -> None:
    lab.control.set_modes(task_seconds=600.0)
    lab.set({"linkTimeoutMinutes": "1"})
    plant(lab, QUICK_CLOCK)
    assert "1 min passed (linkTimeoutMinutes)" in one_line(lab.run(*UP))


def test_a_link_that_the_hook_refuses_is_one_line(lab: Lab) -> None:
    plant(lab, CHECKS_ALWAYS)
    lab.control.plan_fault("vmc", "list-connected-accounts", "status", status=403, nth=2, count=99)
    line = one_line(lab.run(*UP))
    assert "hook" in line
    assert "list the connected accounts of organisation" in line


def test_a_bug_in_the_hook_is_one_line_and_its_traceback_is_in_a_file(lab: Lab) -> None:
    folder = plant(lab, BUG_IN_THE_HOOK)
    line = one_line(lab.run(*UP))
    assert "look whether the link may be run: KeyError: 'planted [secret]'. This is a bug" in line
    report(line, folder, lab.box.environment["API_TOKEN"])


@pytest.mark.parametrize("fails", ["refused", "rolled back"])
def test_what_aws_refuses_is_plain_text_in_a_fleet_and_said_once(lab: Lab, fails: str) -> None:
    """The AWS provider logs each error before it answers with it; `TF_LOG=off` takes its log away."""
    if fails == "refused":
        lab.control.plan_fault(
            "aws", "cloudformation.CreateStack", "status", status=403, body="xml", error_code="AccessDenied"
        )
    else:
        lab.control.set_modes(stack_outcome="roll_back")
    twice = errors(lab.run(*UP, "--json"))
    lab.must("destroy", "--yes", "--skip-preview")
    if fails == "refused":
        lab.control.plan_fault(
            "aws", "cloudformation.CreateStack", "status", status=403, body="xml", error_code="AccessDenied"
        )
    lab.environment["TF_LOG"] = "off"
    once = errors(lab.run(*UP, "--json"))

    assert [".go:" in message for message in twice] == [True, False]
    assert [".go:" in message for message in once] == [False]
    lines = [error_line([message]) for message in (*twice, *once)]
    assert len({line.partition("arn:")[0] for line in lines}) == 1
    assert lines[0].startswith(("creating CloudFormation Stack (", "waiting for CloudFormation Stack ("))
    assert not [line for line in lines if "provider=aws" in line or "occurred" in line]


def errors(done: Run) -> list[str]:
    """The stack's error messages, as the engine sends them to a fleet's driver."""
    assert done.code != 0
    events = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    diagnostics = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
    return [
        str(one["message"])
        for one in diagnostics
        if one["severity"] == "error" and one.get("urn", "").endswith("::account-link-stack")
    ]


def test_the_engines_processes_have_the_sdk_of_these_tests(lab: Lab) -> None:
    """`make compat` runs these tests with another SDK: it must be the one that serves the resources."""
    recorded = lab.folder / "seen"
    plant(
        lab,
        "import importlib.metadata, pathlib\n"
        f"with pathlib.Path({str(recorded)!r}).open('a') as file:\n"
        "    file.write(importlib.metadata.version('pulumi') + ' ' + ' '.join(sys.orig_argv) + '\\n')\n",
    )
    lab.up()
    lines = recorded.read_text().splitlines()
    print(recorded.read_text())  # noqa: T201 - pytest shows it with -s, and when the test fails
    assert {line.partition(" ")[0] for line in lines} == {importlib.metadata.version("pulumi")}
    assert any("pulumi.dynamic" in line for line in lines)
    assert any("language-python-exec" in line for line in lines)
