"""The template's policy and the SDDC's subnets, on the real engine."""

import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.engine


def test_a_policy_is_held_to_and_subnets_are_listed_and_chosen(lab: Lab) -> None:
    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[0]", "AWS::IAM::*")
    refused = lab.fail_up()
    assert "AccountLink: type Custom::VmcAccountLink is not allowed" in refused.output
    assert "cloudformation.CreateStack" not in lab.calls()

    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[1]", "AWS::Lambda::Function")
    lab.must("config", "set", "--path", "templatePolicy.resourceTypes[2]", "Custom::*")
    lab.set({"subnetRegion": "us-west-2"})
    lab.control.set_modes(inventory_seconds=1000.0)
    told = lab.up().output
    assert "the template makes 4 AWS::IAM::Role" in told
    assert "runs LinkFunction" in told
    assert "3 subnets of us-west-2 can be used by an SDDC" in told
    outputs = lab.outputs()
    zones = outputs["compatible_subnets"]
    assert list(zones) == ["us-west-2a", "us-west-2b", "us-west-2c"]
    ((out, why),) = outputs["rejected_subnets"].items()
    assert "Not in a supported availability zone" in why
    assert lab.calls().count("list-compatible-subnets") == 2

    lab.must("config", "set", "--path", "sddcSubnets[0]", out)
    misfit = lab.fail_up()
    assert f"use {out} for a SingleAZ SDDC: {out}: Not in a supported availability zone" in misfit.output
    lab.must("config", "set", "--path", "sddcSubnets[0]", zones["us-west-2b"][0])
    lab.up()
    assert "cloudformation.UpdateStack" not in lab.calls()
