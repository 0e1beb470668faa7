"""The AWS side of the sandbox as one WSGI application."""

from wsgiref.types import WSGIApplication

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
from sandbox.vmc.organizations import LinkRegistry


def build_aws_app(
    *, clock: Clock, modes: ModeSwitch, journal: Journal, faults: Faults, links: LinkRegistry
) -> WSGIApplication:
    """Build AWS with nothing in it.

    moto keeps its state in the process: a second application built in the same process takes it over
    empty, so only the newest one is of use.
    """
    moto_api_backend.reset()
    resources.forget_model_list()
    moto_app = DomainDispatcherApplication(create_backend_app)
    stacks = Stacks(clock=clock, modes=modes, links=links)
    return FaultyApp(
        PermissionsApp(CloudFormationApp(moto_app, stacks=stacks, links=links), modes=modes),
        service="aws",
        name_of_call=query.call_name,
        account_of=query.account_of,
        faults=faults,
        journal=journal,
        clock=clock,
    )
