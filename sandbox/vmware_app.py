"""VMware on one port: VMC, CSP and the templates, each journaled, and the control, which is not."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox.control.routes import control_blueprint
from sandbox.csp.routes import csp_blueprint
from sandbox.middleware import FaultyApp
from sandbox.vmc.routes import template_blueprint, vmc_blueprint
from sandbox.world import World

UNKNOWN_CALL = "unknown"
_SERVICES = {"/vmc/": "vmc", "/csp/": "csp", "/templates/": "template"}


def build_vmware_app(world: World) -> WSGIApplication:
    """One WSGI application for everything that is VMware's, and for the tests' control of it."""
    flask, organizations = Flask("sandbox"), world.organizations
    flask.register_blueprint(vmc_blueprint(organizations, started_at=world.clock.now()))
    flask.register_blueprint(template_blueprint(organizations))
    flask.register_blueprint(csp_blueprint([organization.tokens for organization in organizations]))
    flask.register_blueprint(control_blueprint(world))

    @flask.before_request
    def redirect() -> Response | None:
        target = world.modes.current.redirect_to
        if not target or not request.path.startswith("/vmc/"):
            return None
        return Response(status=308, headers={} if target == "none" else {"Location": target})

    services = {
        prefix: FaultyApp(
            flask,
            service=service,
            name_of_call=lambda environ: _name_of_call(flask, environ),
            faults=world.faults,
            journal=world.journal,
            clock=world.clock,
        )
        for prefix, service in _SERVICES.items()
    }

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        answering = next((app for prefix, app in services.items() if path.startswith(prefix)), flask)
        return answering(environ, start_response)

    return app


def _name_of_call(flask: Flask, environ: WSGIEnvironment) -> str:
    """The name of the endpoint that will answer."""
    try:
        endpoint, _ = flask.url_map.bind_to_environ(environ).match()
    except HTTPException:
        return UNKNOWN_CALL
    return str(endpoint).rpartition(".")[2]
