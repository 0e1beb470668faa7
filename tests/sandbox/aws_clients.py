"""AWS on a loopback port with VMware's links beside it, as the tests of this folder use them."""

import json
from collections.abc import Mapping
from typing import Any, Self

import boto3
from botocore.config import Config

from sandbox.clock import Clock
from sandbox.cloudformation import build_aws_app
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.modes import ModeSwitch
from sandbox.server import RunningServer
from sandbox.vmc.links import Link
from sandbox.vmc.state import LinkStore

IAM = ["CAPABILITY_IAM"]
TRUST = {"Version": "2012-10-17", "Statement": []}


def role_template(**properties: Any) -> str:
    """A template with one IAM role."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **properties}}
    return json.dumps({"Resources": {"Role": role}})


class AwsReader:
    """One sandboxed AWS; stacks take 100 s of a clock that only the test moves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.modes = ModeSwitch()
        self.modes.apply({"stack_seconds": 100})
        self.journal = Journal()
        self.faults = Faults()
        self.links = LinkStore(org_id="org", clock=self.clock, modes=self.modes)
        app = build_aws_app(
            clock=self.clock,
            modes=self.modes,
            journal=self.journal,
            faults=self.faults,
            links=self.links,
        )
        self._server = RunningServer(app, name="aws")
        self.url = self._server.url

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client that tries once."""
        make: Any = boto3.client
        keys: Mapping[str, str] = credentials or {
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "secret",
        }
        config = Config(retries={"total_max_attempts": 1})
        return make(service, endpoint_url=self.url, region_name="us-west-2", config=config, **keys)

    def request_link(self) -> Link:
        """A new link of VMware's."""
        return self.links.request_link("http://127.0.0.1:9")

    def calls(self, prefix: str = "cloudformation.") -> list[str]:
        """The names of the calls received."""
        return [entry.call for entry in self.journal.entries() if entry.call.startswith(prefix)]

    def status(self, name_or_id: str) -> str:
        """A stack's status."""
        stack = self.client("cloudformation").describe_stacks(StackName=name_or_id)["Stacks"][0]
        return str(stack["StackStatus"])

    def role_names(self) -> list[str]:
        """The names of all IAM roles of the account, sorted."""
        return sorted(role["RoleName"] for role in self.client("iam").list_roles()["Roles"])

    def attach_policy(self, role_name: str) -> str:
        """Attach a managed policy to a role, which keeps it from being deleted; returns the policy's ARN."""
        iam = self.client("iam")
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = str(iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"])
        iam.attach_role_policy(RoleName=role_name, PolicyArn=arn)
        return arn

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
