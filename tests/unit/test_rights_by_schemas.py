"""What CloudFormation asks in its caller's name: AWS's own lists, less what the link's template has not."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from sandbox.modes import TemplateKind
from sandbox.vmc.template import template_text
from tests.support.paths import REPOSITORY
from vmc_account_link.cli.rights import ON_BEHALF, RIGHTS, Scope, by_resource, iam_policy
from vmc_account_link.template.parse import load

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
OF_OTHER_PROPERTIES = {
    "AWS::IAM::Role": {
        "Description": {"iam:UpdateRole", "iam:UpdateRoleDescription"},
        "MaxSessionDuration": {"iam:UpdateRole"},
        "PermissionsBoundary": {"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"},
    },
    "AWS::Lambda::Function": {
        "CapacityProviderConfig": {"lambda:PassCapacityProvider"},
        "CodeSigningConfigArn": {
            "lambda:GetCodeSigningConfig",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:PutFunctionCodeSigningConfig",
            "lambda:DeleteFunctionCodeSigningConfig",
        },
        "FileSystemConfigs": {"elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"},
        "FunctionScalingConfig": {"lambda:PutFunctionScalingConfig", "lambda:GetFunctionScalingConfig"},
        "KmsKeyArn": {
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
        },
        "Layers": {"lambda:GetLayerVersion"},
        "PublishToLatestPublished": {"lambda:PublishVersion"},
        "RecursiveLoop": {"lambda:PutFunctionRecursionConfig", "lambda:GetFunctionRecursionConfig"},
        "ReservedConcurrentExecutions": {
            "lambda:PutFunctionConcurrency",
            "lambda:DeleteFunctionConcurrency",
        },
        "RuntimeManagementConfig": {
            "lambda:GetRuntimeManagementConfig",
            "lambda:PutRuntimeManagementConfig",
            "lambda:AssociateRuntimeAlias",
        },
        "S3Bucket": {"s3:GetObject", "s3:GetObjectVersion"},
        "VpcConfig": {
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "ec2:DescribeNetworkInterfaces",
        },
    },
}
"""Type -> property -> the rights that AWS lists for it alone."""


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    """Of the link's template."""
    text = template_text(TemplateKind.NORMAL, link_id="l", org_id="o")
    return list(load(text)["Resources"].values())


def schemas() -> Iterator[dict[str, Any]]:
    """AWS's descriptions of the template's types, as cfn-lint ships them."""
    for path in SCHEMAS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        if any(f'"{kind}"' in text for kind in OF_OTHER_PROPERTIES):
            schema = json.loads(text)
            if schema["typeName"] in OF_OTHER_PROPERTIES:
                yield schema


def rights_in(schema: Mapping[str, Any]) -> set[str]:
    """What AWS lists for the making, changing, reading and deleting of such a resource, and for its tags."""
    handlers = schema["handlers"]
    acts = ("create", "read", "update", "delete")
    rights = {right for act in acts for right in handlers[act]["permissions"]}
    return rights | set(schema["tagging"]["permissions"])


def properties_of(resources: list[dict[str, Any]], kind: str) -> set[str]:
    """What the template says of its resources of a type."""
    given = [resource["Properties"] for resource in resources if resource["Type"] == kind]
    assert given
    return {name for one in given for name in (*one, *one.get("Code", {}))}


def test_the_rights_for_the_template_are_those_that_aws_lists_for_its_properties(
    resources: list[dict[str, Any]],
) -> None:
    found = {schema["typeName"]: rights_in(schema) for schema in schemas()}
    assert set(found) == set(OF_OTHER_PROPERTIES)
    expected = {"lambda:InvokeFunction"}  # of the custom resource, which has no such list
    for kind, others in OF_OTHER_PROPERTIES.items():
        left_out = set().union(*others.values())
        assert set(others) & properties_of(resources, kind) == set(), "the template has such a property now"
        assert left_out <= found[kind], "AWS lists it no longer"
        expected |= found[kind] - left_out
    assert {right.action for right in RIGHTS if right.caller == ON_BEHALF} == expected


def test_the_policy_names_each_action_once_and_limits_what_can_be_limited() -> None:
    policy = iam_policy(Scope(account="123456789012", region="us-west-2", stack_name="SDDC-Account-Link"))
    actions = [
        action
        for one in policy["Statement"]
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]
    assert sorted(actions) == sorted({right.action for right in RIGHTS})
    writing = [one for one in policy["Statement"] if one["Resource"] != "*"]
    assert {one["Sid"] for one in writing} == {"Stack", "Roles", "Function", "PassRole"}
    reading = ("Describe", "Get", "Simulate")
    assert [one for one in by_resource()["*"] if not one.partition(":")[2].startswith(reading)] == []


def test_the_policy_in_the_documentation_is_the_one_of_the_code() -> None:
    page = (REPOSITORY / "docs" / "reference" / "rights.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    scope = Scope(account="123456789012", region="us-west-2", stack_name="SDDC-Account-Link")
    assert json.loads(shown) == iam_policy(scope)
