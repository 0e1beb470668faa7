"""The smallest program with a link's kinds of resources: one dynamic, one pinned provider, one Stack.

Copied into a project as its `__main__.py`.
"""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Nothing(ResourceProvider):
    """Makes nothing."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Give it an id."""
        return CreateResult("nothing", props)


class First(Resource):
    """A kind of its own, as the SDK wants."""


first = First(Nothing(), "first", {})
stack = aws.cloudformation.Stack(
    "stack",
    template_body=json.dumps({"Resources": {"It": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}),
    opts=pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2"), depends_on=[first]),
)
pulumi.export("stack_id", stack.id)
