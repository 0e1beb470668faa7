"""What a template would make, and whether a policy agrees; a policy fails closed. Pure."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from sandbox.modes import TemplateKind
from sandbox.vmc.template import template_text
from vmc_account_link.errors import TemplateRejected
from vmc_account_link.template.report import TemplatePolicy, inspect_template, summary, violations

VMWARE = frozenset({"000000000101", "000000000102", "000000000103"})
TRUSTED_ONLY = TemplatePolicy(trusted_accounts=VMWARE)


def sandbox_template() -> str:
    """The template that the emulated service serves."""
    return template_text(TemplateKind.NORMAL, link_id="link", org_id="org")


def role(principal: Any, **statement: Any) -> str:
    """A template of one role that `principal` may assume."""
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **statement}
    properties = {"AssumeRolePolicyDocument": {"Statement": allow}}
    return template(Role={"Type": "AWS::IAM::Role", "Properties": properties})


def template(**resources: Any) -> str:
    """A JSON template of these resources."""
    return json.dumps({"Resources": resources})


def test_the_links_template_is_reported_whole() -> None:
    report = inspect_template(sandbox_template())
    assert report.resources == {
        "AWS::IAM::Role": ("BasicLambdaRole", "RemoteRole", "RemoteRolePayer", "RemoteRoleService"),
        "AWS::Lambda::Function": ("LinkFunction",),
        "Custom::VmcAccountLink": ("AccountLink",),
    }
    remote = report.roles[0]
    assert (remote.logical_id, remote.trusts[0].account, remote.trusts[0].external_ids) == (
        "RemoteRole",
        "000000000101",
        ("vmware-vmc",),
    )
    assert remote.managed_policies == (
        "arn:aws:iam::aws:policy/AmazonVPCCrossAccountNetworkInterfaceOperations",
    )
    (custom,) = report.custom_resources
    assert (custom.calls, custom.service_token) == ("LinkFunction", "${LinkFunction.Arn}")
    assert (report.opaque, report.conditional) == ((), {})


def test_a_summary_names_the_resources_the_trusted_and_what_runs() -> None:
    assert summary(inspect_template(sandbox_template())) == (
        "the template makes 4 AWS::IAM::Role, 1 AWS::Lambda::Function, 1 Custom::VmcAccountLink",
        "arn:aws:iam::000000000101:root (external id vmware-vmc) may use RemoteRole",
        "arn:aws:iam::000000000102:root (external id vmware-vmc) may use RemoteRolePayer",
        "arn:aws:iam::000000000103:root (external id vmware-vmc) may use RemoteRoleService",
        "AccountLink (Custom::VmcAccountLink) runs LinkFunction",
    )


def test_inline_permissions_and_those_of_attached_policies_are_the_roles() -> None:
    statement = {"Effect": "Allow", "Action": ["ec2:CreateRoute", "ec2:DeleteRoute"], "Resource": "*"}
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}
    attached = {
        "PolicyName": "q",
        "Roles": [{"Ref": "Role"}],
        "PolicyDocument": {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": ["a", "b"]}},
    }
    report = inspect_template(
        template(
            Role={"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}},
            Attached={"Type": "AWS::IAM::Policy", "Properties": attached},
        )
    )
    found = [(p.effect, p.actions, p.resources) for p in report.roles[0].permissions]
    assert found == [
        ("Allow", ("ec2:CreateRoute", "ec2:DeleteRoute"), ("*",)),
        ("Allow", ("not iam:*",), ("not a", "not b")),
    ]


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("AWS::IAM::Policy", {"Roles": [{"Ref": "Role"}]}),
        ("AWS::IAM::ManagedPolicy", {"Roles": [{"Ref": "Role"}]}),
        ("AWS::IAM::RolePolicy", {"RoleName": {"Ref": "Role"}}),
    ],
)
def test_a_policy_that_names_a_role_is_that_roles_alone(kind: str, named: dict[str, Any]) -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}}
    made = {"Type": "AWS::IAM::Role"}
    policy = {"Type": kind, "Properties": {**named, "PolicyDocument": document}}
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": policy["Properties"]}
    report = inspect_template(template(Role=made, Other=made, Policy=policy, Profile=profile))
    found = {one.logical_id: [permission.actions for permission in one.permissions] for one in report.roles}
    assert found == {"Role": [("iam:*",)], "Other": []}


@pytest.mark.parametrize(
    "policy",
    [
        {"Ref": "Elsewhere"},
        {"PolicyDocument": {"Ref": "Elsewhere"}},
        {"PolicyDocument": {"Statement": {"Ref": "Elsewhere"}}},
        {"PolicyDocument": {"Statement": [{"Ref": "Elsewhere"}]}},
    ],
    ids=["a policy", "a document", "statements", "a statement"],
)
def test_a_permission_that_is_not_known_is_shown_as_such(policy: Any) -> None:
    text = template(Role={"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}})
    (found,) = inspect_template(text).roles[0].permissions
    assert (found.effect, found.actions, found.resources) == ("Allow", ("${Elsewhere}",), ("${Elsewhere}",))


def test_a_policy_without_statements_permits_nothing() -> None:
    text = template(Role={"Type": "AWS::IAM::Role", "Properties": {"Policies": {"PolicyDocument": {}}}})
    assert inspect_template(text).roles[0].permissions == ()


def test_a_summary_names_a_principal_once_and_no_aws_services() -> None:
    ids = {"StringEquals": {"sts:ExternalId": ["a", "b"]}}
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": "000000000101"}, "Condition": ids},
        {"Effect": "Allow", "Principal": {"Federated": "accounts.example"}},
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}},
    ]
    made = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": statements}}}
    assert summary(inspect_template(template(A=made, B=made)))[1:] == (
        "000000000101 (external id a, b) may use A, B",
        "Federated accounts.example may use A, B",
    )


def test_code_from_elsewhere_is_reported() -> None:
    made = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"Ref": "Elsewhere"}}}
    (function,) = inspect_template(template(Call=made)).functions
    assert (function.code, function.urls) == ("from ${Elsewhere}", ())


def test_a_custom_resource_that_says_not_who_makes_it_is_shown_so() -> None:
    (custom,) = inspect_template(template(It={"Type": "Custom::It"})).custom_resources
    assert (custom.service_token, custom.calls) == ("${ServiceToken}", None)


def test_a_date_that_yaml_reads_out_of_a_text_is_no_obstacle() -> None:
    text = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, NotPrincipal: {AWS: 2012-10-17}}
  It:
    Type: Custom::It
    Properties: {Version: 2012-10-17, Url: "https://vmc.vmware.com/x"}
"""
    report = inspect_template(text)
    assert report.custom_resources[0].urls == ("https://vmc.vmware.com",)
    assert 'everybody but {"AWS": "2012-10-17"}' in {trust.principal for trust in report.trusts}


def test_urls_in_code_and_custom_resources_are_named_by_their_hosts() -> None:
    report = inspect_template(
        template(
            Call={
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {"ZipFile": 'post("https://vmc.vmware.com/report?sig=planted")'}},
            },
            Far={"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "k"}}},
            Link={
                "Type": "Custom::Link",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Call", "Arn"]},
                    "Url": "https://vmc.vmware.com/task?token=planted",
                },
            },
        )
    )
    assert {f.logical_id: (f.code, f.urls) for f in report.functions} == {
        "Call": ("inline", ("https://vmc.vmware.com",)),
        "Far": ("S3Bucket b, S3Key k", ()),
    }
    assert report.custom_resources[0].urls == ("https://vmc.vmware.com",)
    assert "planted" not in str(report)
    assert summary(report)[-1] == ("Link (Custom::Link) runs Call, which names https://vmc.vmware.com")


def test_no_policy_allows_all_and_the_right_one_the_template() -> None:
    report = inspect_template(sandbox_template())
    types = frozenset({"AWS::IAM::Role", "AWS::Lambda::Function", "Custom::*"})
    assert violations(report, TemplatePolicy()) == ()
    assert violations(report, TemplatePolicy(resource_types=types, trusted_accounts=VMWARE)) == ()


def test_other_types_and_other_trusted_accounts_are_violations() -> None:
    report = inspect_template(sandbox_template())
    policy = TemplatePolicy(
        resource_types=frozenset({"AWS::IAM::Role", "AWS::Lambda::Function"}),
        trusted_accounts=VMWARE - {"000000000103"},
    )
    assert violations(report, policy) == (
        "AccountLink: type Custom::VmcAccountLink is not allowed",
        (
            "RemoteRoleService: it may be assumed by arn:aws:iam::000000000103:root "
            "(external id vmware-vmc), "
            "which is not trusted"
        ),
    )


def test_opaque_parts_violate_every_limit_and_nothing_else() -> None:
    nested = {"Type": "AWS::CloudFormation::Stack"}
    report = inspect_template(template(A=nested, B=nested))
    opaque = tuple(f"{part}: what it adds can't be seen" for part in report.opaque)
    assert opaque
    assert violations(report, TemplatePolicy()) == ()
    assert violations(report, TRUSTED_ONLY) == opaque
    assert violations(report, TemplatePolicy(resource_types=frozenset({"AWS::IAM::Role"}))) == (
        *opaque,
        "A, B: type AWS::CloudFormation::Stack is not allowed",
    )


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [("AWS::S3::Bucket", True), ("AWS::S3::*", True), ("AWS::IAM::*", False), ("AWS::S3", False)],
)
def test_a_list_of_types_allows_a_type_or_all_of_its_beginning(entry: str, *, is_allowed: bool) -> None:
    report = inspect_template(template(It={"Type": "AWS::S3::Bucket"}))
    assert bool(violations(report, TemplatePolicy(resource_types=frozenset({entry})))) is not is_allowed


@pytest.mark.parametrize(
    ("principal", "reason"),
    [
        ({"AWS": "*"}, "it may be assumed by *, which is not trusted"),
        ({"AWS": {"Ref": "Unknown"}}, "whom it trusts is not known (${Unknown})"),
        (
            {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::666666666666:root"}},
            "it may be assumed by arn:${AWS::Partition}:iam::666666666666:root, which is not trusted",
        ),
        ({"Service": "evil.example"}, "it may be assumed by Service evil.example, which is not trusted"),
    ],
)
def test_a_violation_says_who_is_let_in_or_that_nobody_knows(principal: Any, reason: str) -> None:
    assert violations(inspect_template(role(principal)), TRUSTED_ONLY) == (f"Role: {reason}",)


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param({"AWS": "arn:aws:iam::000000000101:root"}, id="an ARN"),
        pytest.param({"AWS": "000000000101"}, id="a number"),
        pytest.param({"AWS": ["000000000101", "000000000102"]}, id="several"),
        pytest.param(
            {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::000000000101:role/x"}}, id="any partition"
        ),
        pytest.param({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}, id="the account itself"),
        pytest.param({"AWS": {"Ref": "AWS::AccountId"}}, id="the account itself as a number"),
        pytest.param({"Service": "lambda.amazonaws.com"}, id="a service of AWS"),
    ],
)
def test_trusted_principals_pass(principal: Any) -> None:
    assert violations(inspect_template(role(principal)), TRUSTED_ONLY) == ()


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param("*", id="everybody"),
        pytest.param({"AWS": "*"}, id="every account"),
        pytest.param({"AWS": ["000000000101", "666666666666"]}, id="one of several"),
        pytest.param({"AWS": "arn:aws:iam::666666666666:role/arn:aws:iam::000000000101:root"}, id="two ARNs"),
        pytest.param({"AWS": {"Ref": "Unknown"}}, id="a reference that leads nowhere"),
        pytest.param({"AWS": {"Fn::Sub": "arn:aws:iam::${Unknown}:root"}}, id="an unknown account"),
        pytest.param(
            {"AWS": {"Fn::Sub": "arn:aws:${Unknown}::000000000101:root"}}, id="an unknown part before"
        ),
        pytest.param({"AWS": {"Fn::ImportValue": "x"}}, id="another stack's value"),
        pytest.param({"AWS": "AIDAEXAMPLE"}, id="a unique id"),
        pytest.param({"Federated": "accounts.example"}, id="a federation"),
        pytest.param({"Service": "evil.example"}, id="no service of AWS"),
        pytest.param({"CanonicalUser": "79a59d"}, id="a canonical user"),
        pytest.param({"Fn::If": ["Missing", {"AWS": "000000000101"}, {"AWS": "*"}]}, id="an open choice"),
    ],
)
def test_everybody_else_is_a_violation(principal: Any) -> None:
    (line,) = violations(inspect_template(role(principal)), TRUSTED_ONLY)
    assert line.startswith("Role: ")


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param({"Type": "AWS::IAM::Role"}, id="a role that says nothing"),
        pytest.param(
            {"Type": "AWS::IAM::Role", "Properties": {"Fn::If": ["Missing", {}, {}]}}, id="unknown properties"
        ),
        pytest.param(
            {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Fn::If": ["Missing", {}, {}]}},
            },
            id="an unknown document",
        ),
        pytest.param(
            {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Statement": [{"Fn::If": ["Missing", {}, {}]}]}},
            },
            id="an unknown statement",
        ),
        pytest.param(
            {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"PolicyDocument": {"Statement": {"Effect": "Allow", "Principal": "*"}}},
            },
            id="another resource's policy",
        ),
        pytest.param(
            {
                "Type": "AWS::Logs::ResourcePolicy",
                "Properties": {
                    "PolicyDocument": json.dumps({"Statement": {"Effect": "Allow", "Principal": "*"}})
                },
            },
            id="a policy as JSON text",
        ),
        pytest.param(
            {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "666666666666"}},
            id="a function that another account may invoke",
        ),
        pytest.param(
            {
                "Type": "Custom::It",
                "Properties": {"ServiceToken": "arn:aws:lambda:us-west-2:666666666666:function:x"},
            },
            id="a custom resource that another account makes",
        ),
        pytest.param(
            {"Type": "Custom::It", "Properties": {}}, id="a custom resource that says not who makes it"
        ),
        pytest.param({"Type": "AWS::CloudFormation::Stack"}, id="a nested stack"),
    ],
)
def test_what_may_let_others_in_is_a_violation_wherever_it_stands(resource: Any) -> None:
    assert len(violations(inspect_template(template(It=resource)), TRUSTED_ONLY)) == 1


def test_everybody_but_somebody_is_a_violation() -> None:
    document = {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "000000000101"}}}
    text = template(R={"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}})
    assert violations(inspect_template(text), TRUSTED_ONLY) == (
        'R: it may be assumed by NotPrincipal everybody but {"AWS": "000000000101"}, which is not trusted',
    )


def test_a_policy_that_is_not_known_lets_in_one_knows_not_whom() -> None:
    properties = {"PolicyDocument": {"Fn::If": ["Missing", {}, {}]}, "Bucket": {"Ref": "Elsewhere"}}
    report = inspect_template(template(It={"Type": "AWS::S3::BucketPolicy", "Properties": properties}))
    assert [trust.kind for trust in report.trusts] == ["AWS"]
    assert violations(report, TRUSTED_ONLY) == ("It: whom it trusts is not known (${Fn::If Missing})",)


def test_a_text_that_is_no_policy_lets_nobody_in() -> None:
    document = json.dumps({"Effect": "Allow", "Principal": "*"})
    text = template(It={"Type": "AWS::SSM::Parameter", "Properties": {"Value": document, "Policies": "none"}})
    assert violations(inspect_template(text), TRUSTED_ONLY) == ()


def test_a_role_without_principals_is_opaque_and_a_deny_trusts_nobody() -> None:
    denial = {"Statement": {"Effect": "Deny", "Principal": "*"}}
    made = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": denial}}
    report = inspect_template(template(Silent={"Type": "AWS::IAM::Role"}, Closed=made))
    assert [(one.logical_id, one.kind, one.principal) for one in report.trusts] == [
        ("Silent", "AWS", "${AssumeRolePolicyDocument}"),
    ]


@pytest.mark.parametrize(
    ("properties", "kind", "principal"),
    [
        ({"Principal": "s3.amazonaws.com"}, "Service", "s3.amazonaws.com"),
        ({"Principal": "666666666666"}, "AWS", "666666666666"),
        ({}, "AWS", "${Principal}"),
    ],
)
def test_who_may_invoke_a_function_is_let_in(properties: Any, kind: str, principal: str) -> None:
    text = template(It={"Type": "AWS::Lambda::Permission", "Properties": properties})
    (trust,) = inspect_template(text).trusts
    assert (trust.logical_id, trust.kind, trust.principal) == ("It", kind, principal)


def test_the_other_name_of_a_custom_resource_is_one_too() -> None:
    (custom,) = inspect_template(
        template(It={"Type": "AWS::CloudFormation::CustomResource"})
    ).custom_resources
    assert custom.logical_id == "It"


def test_everybody_is_every_account() -> None:
    (trust,) = inspect_template(role("*")).trusts
    assert (trust.logical_id, trust.kind, trust.principal) == ("Role", "AWS", "*")


def test_a_denial_lets_nobody_in() -> None:
    both = [
        {"Effect": "Deny", "Principal": {"AWS": "666666666666"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": "000000000101"}, "Action": "sts:AssumeRole"},
    ]
    document = {"AssumeRolePolicyDocument": {"Statement": both}}
    report = inspect_template(template(R={"Type": "AWS::IAM::Role", "Properties": document}))
    assert violations(report, TRUSTED_ONLY) == ()


def test_an_unknown_type_fits_no_list_of_types() -> None:
    report = inspect_template(template(A={"Type": {"Ref": "X"}}, B="nothing", C={"Type": "Custom::${x}"}))
    policy = TemplatePolicy(resource_types=frozenset({"Custom::*"}))
    assert len(violations(report, policy)) == 3


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", '{"Resources": []}'])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateRejected):
        inspect_template(text)


def test_yaml_aliases_that_multiply_are_refused_in_one_line() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    text = "Resources:\n  It:\n    Type: Custom::It\n    Properties:\n" + "\n".join(
        f"      {x}" for x in lines
    )
    with pytest.raises(TemplateRejected, match="aliases"):
        inspect_template(text)


def test_conditions_that_multiply_are_refused_in_one_line() -> None:
    conditions: dict[str, object] = {"c0": {"Fn::And": []}}
    conditions |= {f"c{n}": {"Fn::And": [{"Condition": f"c{n - 1}"}] * 10} for n in range(1, 12)}
    resources = {"It": {"Type": "Custom::It", "Condition": "c11"}}
    with pytest.raises(TemplateRejected, match="to more than can be read"):
        inspect_template(json.dumps({"Conditions": conditions, "Resources": resources}))


def test_a_long_text_requested_again_and_again_is_refused_in_one_line() -> None:
    action = {"Fn::FindInMap": ["m", "a", "b"]}
    text = json.dumps(
        {
            "Mappings": {"m": {"a": {"b": "x" * 400_000}}},
            "Resources": {"It": {"Type": "Custom::It", "Properties": {"P": [action] * 12_000}}},
        }
    )
    with pytest.raises(TemplateRejected, match="to more than can be read"):
        inspect_template(text)


def test_the_report_is_plain_data() -> None:
    report = inspect_template(sandbox_template())
    assert (
        json.loads(json.dumps(dataclasses.asdict(report)))["custom_resources"][0]["calls"] == "LinkFunction"
    )


def test_importing_the_package_does_not_import_the_evaluator() -> None:
    code = "import sys, vmc_account_link.template.report; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
