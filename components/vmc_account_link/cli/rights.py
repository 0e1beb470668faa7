"""The AWS rights of who links: each action, which commands need it and why, and the IAM policy of them. Pure.

What the commands ask AWS themselves is measured: `tests/engine/test_rights.py` compares it with the journal
of the sandbox. What CloudFormation does on their behalf is AWS's own list of rights for each resource type,
less those of properties that the link's template does not have (`tests/unit/test_rights.py`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

DIRECT = "the command itself"
ON_BEHALF = "CloudFormation, for the template"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One action of IAM."""

    action: str
    """`service:Action`."""
    commands: tuple[str, ...]
    """The commands that need it."""
    why: str
    caller: str = DIRECT
    """`DIRECT` or `ON_BEHALF`."""
    resource: str = "*"
    """What it is needed for: `stack`, `role`, `function`, or everything (`*`)."""


_UP, _DESTROY, _RECOVER = "pulumi up", "pulumi destroy", "recover"
_UPDATE = "pulumi up (tags, relink)"
_DOCTOR, _STATUS, _INSPECT = "doctor", "status", "inspect"
_CHANGES = (_UP, _UPDATE, _DESTROY)


def _on_behalf(resource: str, *actions: tuple[str, tuple[str, ...], str]) -> tuple[Right, ...]:
    return tuple(
        Right(action=action, commands=commands, why=why, caller=ON_BEHALF, resource=resource)
        for action, commands, why in actions
    )


RIGHTS: tuple[Right, ...] = (
    Right(
        action="sts:GetCallerIdentity",
        commands=(*_CHANGES, _RECOVER, _DOCTOR, _STATUS),
        why="whose account this is; AWS allows it to everybody",
    ),
    Right(
        action="cloudformation:CreateStack", commands=(_UP,), why="run the link's template", resource="stack"
    ),
    Right(
        action="cloudformation:DescribeStacks",
        commands=(*_CHANGES, _RECOVER, _DOCTOR, _STATUS),
        why="wait for the CloudFormation stack; is its name free?",
        resource="stack",
    ),
    Right(
        action="cloudformation:DescribeStackEvents",
        commands=(_UP, _STATUS),
        why="the reasons of a failure",
        resource="stack",
    ),
    Right(
        action="cloudformation:GetTemplate",
        commands=(_UP, _UPDATE, _RECOVER, _INSPECT),
        why="compare what runs with what is declared",
        resource="stack",
    ),
    Right(
        action="cloudformation:UpdateStack",
        commands=(_UPDATE,),
        why="change tags, or run a new link's template in place",
        resource="stack",
    ),
    Right(
        action="cloudformation:DeleteStack",
        commands=(_UP, _DESTROY),
        why="delete the CloudFormation stack; `up` does so with one that failed, before it makes another",
        resource="stack",
    ),
    Right(action="ec2:DescribeRegions", commands=(_DOCTOR,), why="may the account use the region?"),
    Right(action="ec2:DescribeAvailabilityZones", commands=(_DOCTOR,), why="zones that should have a subnet"),
    Right(action="ec2:DescribeSubnets", commands=(_DOCTOR,), why="subnets that an SDDC could use"),
    Right(
        action="iam:SimulatePrincipalPolicy",
        commands=(_DOCTOR,),
        why="look whether these rights are there; without it doctor only warns",
    ),
    Right(
        action="iam:GetAccountSummary",
        commands=(_DOCTOR,),
        why="is there room for the link's roles? Without it doctor only warns",
    ),
    # For any role: the caller's own, and those that the service names.
    Right(
        action="iam:GetRole",
        commands=(_DOCTOR, _STATUS),
        why="the caller's role; are the link's roles there?",
    ),
    *_on_behalf(
        "role",
        ("iam:CreateRole", (_UP,), "the roles that VMware's accounts assume, and the function's"),
        ("iam:GetRole", (_UP, _UPDATE, _DESTROY), "read them back"),
        ("iam:AttachRolePolicy", (_UP, _UPDATE), "AWS's managed policies on them"),
        ("iam:PutRolePolicy", (_UP, _UPDATE), "VMware's policies in them"),
        ("iam:GetRolePolicy", (_UP,), "read these back"),
        ("iam:ListAttachedRolePolicies", (_UP, _DESTROY), "read them back; empty a role before it goes"),
        ("iam:ListRolePolicies", (_UP, _DESTROY), "the same"),
        ("iam:TagRole", (_UP, _UPDATE, _DESTROY), "the CloudFormation stack's tags go on its roles"),
        ("iam:UntagRole", (_UP, _UPDATE, _DESTROY), "a tag that is taken away"),
        ("iam:ListRoleTags", (_UPDATE,), "compare tags"),
        ("iam:UpdateAssumeRolePolicy", (_UPDATE,), "a new template that trusts other accounts"),
        ("iam:DetachRolePolicy", (_UPDATE, _DESTROY), "a policy that goes"),
        ("iam:DeleteRolePolicy", (_UPDATE, _DESTROY), "the same"),
        ("iam:DeleteRole", (_DESTROY,), "the roles go with the CloudFormation stack"),
        ("iam:PassRole", (_UP, _UPDATE), "give the function its role"),
    ),
    *_on_behalf(
        "function",
        ("lambda:CreateFunction", (_UP,), "the function that reports the account to VMware"),
        ("lambda:GetFunction", (_UP, _UPDATE, _DESTROY), "wait until it is ready, or gone"),
        ("lambda:InvokeFunction", _CHANGES, "the template's custom resource calls it"),
        ("lambda:TagResource", (_UP, _UPDATE), "the CloudFormation stack's tags go on it"),
        ("lambda:UntagResource", (_UPDATE,), "a tag that is taken away"),
        ("lambda:ListTags", (_UPDATE,), "compare tags"),
        ("lambda:UpdateFunctionCode", (_UPDATE,), "a new template's code"),
        ("lambda:UpdateFunctionConfiguration", (_UPDATE,), "a new template's settings of it"),
        ("lambda:DeleteFunction", (_DESTROY,), "it goes with the CloudFormation stack"),
    ),
)
"""All that `up`, update, relink, destroy, `recover`, `doctor`, `status` and `inspect` need."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where the link is to be."""

    account: str
    """12 digits."""
    region: str
    stack_name: str
    partition: str = "aws"

    def arn(self, resource: str, tail: str = "*") -> str:
        """The ARN of what a right is for; `tail`: of one such thing, or the pattern of all."""
        own, region = f"arn:{self.partition}", f"{self.region}:{self.account}"
        # CloudFormation cuts the generated name of a role to 64 characters, the stack's part of it too.
        start = self.stack_name[:24]
        return {
            "stack": f"{own}:cloudformation:{region}:stack/{self.stack_name}/{tail}",
            "role": f"{own}:iam::{self.account}:role/{start}{tail}",
            # A template may name its function, for which it needs no right to name roles.
            "function": f"{own}:lambda:{region}:function:{tail}",
        }.get(resource, "*")

    def example(self, resource: str) -> str:
        """The ARN of one such thing, for IAM's simulation."""
        return self.arn(resource, "example")


def by_resource() -> Mapping[str, tuple[str, ...]]:
    """What rights are for -> their actions; those that are for everything (`*`) stand there alone."""
    everything = {right.action for right in RIGHTS if right.resource == "*"}
    found: dict[str, dict[str, None]] = {"*": {}}
    for right in RIGHTS:
        resource = "*" if right.action in everything else right.resource
        found.setdefault(resource, {})[right.action] = None
    return {resource: tuple(actions) for resource, actions in found.items()}


PASS_ROLE = "iam:PassRole"  # noqa: S105 # nosec B105 - no password
PASSED_TO = ("iam:PassedToService", "lambda.amazonaws.com")
_SIDS = {"*": "Look", "stack": "Stack", "role": "Roles", "function": "Function"}


def iam_policy(scope: Scope) -> dict[str, Any]:
    """The policy that allows it all and nothing more, as IAM takes it."""
    statements = [
        {
            "Sid": _SIDS[resource],
            "Effect": "Allow",
            "Action": [action for action in actions if action != PASS_ROLE],
            "Resource": scope.arn(resource),
        }
        for resource, actions in by_resource().items()
    ]
    pass_role = {
        "Sid": "PassRole",
        "Effect": "Allow",
        "Action": PASS_ROLE,
        "Resource": scope.arn("role"),
        "Condition": {"StringEquals": dict([PASSED_TO])},
    }
    return {"Version": "2012-10-17", "Statement": [*statements, pass_role]}
