"""The template's policy and the SDDC's subnets on the real engine; and the command line beside them."""

import json

import pytest

from tests.support.cli import Command
from tests.support.lab import Lab

pytestmark = pytest.mark.engine


def list_from_the_command_line(command: Command, lab: Lab) -> None:
    """Each command takes what it needs from the project's configuration and state."""
    project = ("--json", "--cwd", str(lab.folder), "--stack", "lab")
    status = command("status", *project)
    assert {line["verdict"] for line in status.lines().values()} == {"pass"}, status.out
    assert " expires " in status.lines()["request"]["found"]
    doctor = command("doctor", *project)
    assert doctor.code == 0, doctor.out
    found = {name: line["found"] for name, line in doctor.lines().items()}
    assert found["stack name"].startswith("SDDC-Account-Link is this Pulumi stack's own")
    assert found["linked"].endswith("as this Pulumi stack holds it")
    fits = command("inspect", *project)
    report = json.loads(fits.out)
    assert (fits.code, report["violations"]) == (0, [])
    assert report["policy"]["resource_types"] == ["AWS::IAM::*", "AWS::Lambda::Function", "Custom::*"]
    assert report["report"]["custom_resources"][0]["calls"] == "LinkFunction"
    rejected = command("inspect", *project, "--trust-account", "000000000101")
    assert (rejected.code, len(json.loads(rejected.out)["violations"])) == (1, 2)


def test_a_policy_is_held_to_and_subnets_are_listed_and_chosen(lab: Lab, command: Command) -> None:
    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[0]", "AWS::IAM::*")
    rejected = lab.fail_up()
    assert "AccountLink: type Custom::VmcAccountLink is not allowed" in rejected.output
    assert "cloudformation.CreateStack" not in lab.calls()

    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[1]", "AWS::Lambda::Function")
    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[2]", "Custom::*")
    lab.set({"subnetRegion": "us-west-2"})
    lab.control.set_modes(inventory_seconds=1000.0)
    output = lab.up().output
    assert "the template makes 4 AWS::IAM::Role" in output
    assert "runs LinkFunction" in output
    assert "3 subnets of us-west-2 can be used by an SDDC" in output
    outputs = lab.outputs()
    zones = outputs["compatible_subnets"]
    assert list(zones) == ["us-west-2a", "us-west-2b", "us-west-2c"]
    ((out, why),) = outputs["rejected_subnets"].items()
    assert "Not in a supported availability zone" in why
    assert lab.calls().count("list-compatible-subnets") == 2
    list_from_the_command_line(command, lab)

    lab.must("config", "set", "--path", "sddcSubnets[0]", out)
    misfit = lab.fail_up()
    assert f"use {out} for a SingleAZ SDDC: {out}: Not in a supported availability zone" in misfit.output
    lab.must("config", "set", "--path", "sddcSubnets[0]", zones["us-west-2b"][0])
    lab.up()
    lab.must("config", "set", "--path", "templatePolicy.resourceType", "AWS::IAM::*")
    misspelt = command("inspect", "--cwd", str(lab.folder), "--stack", "lab")
    assert (misspelt.code, "templatePolicy: it is not an object of lists" in misspelt.err) == (2, True)
    assert "cloudformation.UpdateStack" not in lab.calls()
