"""The AWS side of the sandbox as one WSGI application."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.clock import Clock
from sandbox.cloudformation import query, resources
from sandbox.cloudformation.permissions import PermissionsApp
from sandbox.cloudformation.routes import CloudFormationApp
from sandbox.cloudformation.state import Stacks
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.middleware import FaultyApp
from sandbox.modes import ModeSwitch
from sandbox.vmc.organizations import LinkRegistry, Organizations
from sandbox.vmc.routes import template_blueprint
from sandbox.vmc.state import TEMPLATE_PATH


class AwsApp:
    """moto's AWS with our CloudFormation, and the bucket in which VMware's large templates lie."""

    def __init__(
        self,
        aws: WSGIApplication,
        bucket: WSGIApplication,
        stacks: Stacks,
        organizations: Organizations | None,
    ) -> None:
        self._aws = aws
        self._bucket = bucket
        self._organizations = organizations
        self.stacks = stacks

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        # Not a bucket of that name in moto's S3.
        is_template = (
            path.startswith(TEMPLATE_PATH)
            and self._organizations is not None
            and self._organizations.of_link(path.removeprefix(TEMPLATE_PATH)) is not None
        )
        return (self._bucket if is_template else self._aws)(environ, start_response)


def build_aws_app(
    *,
    clock: Clock,
    modes: ModeSwitch,
    journal: Journal,
    faults: Faults,
    links: LinkRegistry,
    organizations: Organizations | None = None,
) -> AwsApp:
    """Build AWS with nothing in it; `organizations` are those whose large templates lie in its S3.

    moto keeps its state in the process: a second application built in the same process takes it over
    empty, so only the newest one is of use.
    """
    moto_api_backend.reset()
    resources.forget_model_list()
    moto_app = DomainDispatcherApplication(create_backend_app)
    stacks = Stacks(clock=clock, modes=modes, links=links)
    aws = FaultyApp(
        PermissionsApp(CloudFormationApp(moto_app, stacks=stacks, links=links), modes=modes),
        service="aws",
        name_of_call=query.call_name,
        account_of=query.account_of,
        faults=faults,
        journal=journal,
        clock=clock,
    )
    flask = Flask("bucket")
    if organizations is not None:
        flask.register_blueprint(template_blueprint(organizations))
    bucket = FaultyApp(
        flask,
        service="template",
        name_of_call=lambda _: "download-template",
        faults=faults,
        journal=journal,
        clock=clock,
    )
    return AwsApp(aws, bucket, stacks, organizations)
