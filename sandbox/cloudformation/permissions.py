"""What the caller may do in AWS: everything, but for the mode `denied_actions`.

Denied calls of the query protocol are refused, and IAM's simulation says the same of every action. What a
stack does in its caller's name is not checked.
"""

import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from sandbox.cloudformation import query
from sandbox.modes import ModeSwitch

_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


class PermissionsApp:
    """A WSGI application in front of another that lets through what the caller may do."""

    def __init__(self, app: WSGIApplication, *, modes: ModeSwitch) -> None:
        self._app = app
        self._modes = modes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; `wsgi.input` is seekable and whole."""
        call = query.call_name(environ)
        environ["wsgi.input"].seek(0)
        denied = denied_actions(self._modes.current.denied_actions)
        if call.replace(".", ":", 1) in denied:
            status, body = 403, _access_denied(call)
        elif call == "iam.SimulatePrincipalPolicy":
            form = query.form_of(environ)
            status, body = 200, _simulation(form, denied)
        else:
            return self._app(environ, start_response)
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]


def denied_actions(mode: str) -> frozenset[str]:
    """The actions of the mode: `service:Action`, separated by commas."""
    return frozenset(action.strip() for action in mode.split(",") if action.strip())


def _simulation(form: Mapping[str, str], denied: frozenset[str]) -> bytes:
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        f"<EvalDecision>{'implicitDeny' if action in denied else 'allowed'}</EvalDecision></member>"
        for action in query.members(form, "ActionNames") or ()
    )
    return (
        f'<SimulatePrincipalPolicyResponse xmlns="{_IAM}"><SimulatePrincipalPolicyResult>'
        f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
        f"</SimulatePrincipalPolicyResult>{_metadata()}</SimulatePrincipalPolicyResponse>"
    ).encode()


def _access_denied(call: str) -> bytes:
    """The refusal in the shape of the service: EC2 has one of its own."""
    message = f"User is not authorized to perform: {call.replace('.', ':', 1)}"
    if call.startswith("ec2."):
        error = f"<Error><Code>UnauthorizedOperation</Code><Message>{escape(message)}</Message></Error>"
        return f"<Response><Errors>{error}</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>".encode()
    error = f"<Type>Sender</Type><Code>AccessDenied</Code><Message>{escape(message)}</Message>"
    return (
        f"<ErrorResponse><Error>{error}</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>".encode()
    )


def _metadata() -> str:
    return f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
