"""AWS on this machine: moto's services, with a CloudFormation whose stacks take time and roll back."""

from sandbox.cloudformation.app import build_aws_app

__all__ = ["build_aws_app"]
