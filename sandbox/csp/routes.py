"""The token endpoints over HTTP."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.csp.state import AccessToken, TokenService
from sandbox.modes import TokenRefusal

_AUTH = "/csp/gateway/am/api/auth"
_SCOPE = "ALL_PERMISSIONS openid"


REFUSALS = {
    TokenRefusal.MFA: "invalid_request: The API token requires MFA, the parameter passcode is missing",
    TokenRefusal.IP_POLICY: "access_denied: The IP address is not allowed by the organization's policy",
    TokenRefusal.DEACTIVATED: "invalid_grant: The API token has been deactivated",
    TokenRefusal.REGENERATED: "invalid_grant: The API token has been regenerated",
    TokenRefusal.UNKNOWN_REASON: "Bad Request",
}
"""Made up: no public source shows the platform's texts."""


def csp_blueprint(services: Sequence[TokenService]) -> Blueprint:
    """The endpoints that turn credentials into access tokens; the endpoints' names are the calls'.

    Args:
        services: one for each organization: credentials belong to one of them.
    """
    blueprint = Blueprint("csp", __name__)

    @blueprint.post(f"{_AUTH}/api-tokens/authorize", endpoint="exchange-token")
    def exchange_token() -> Response:
        given = [request.values[name] for name in ("refresh_token", "api_token") if name in request.values]
        if not given:
            return _rejection(400, "invalid_request: refresh_token is missing")
        service = next((service for service in services if service.accepts_api_token(given[0])), None)
        return _exchanged(service, given[0])

    @blueprint.post(f"{_AUTH}/api-tokens/details", endpoint="token-details")
    def token_details() -> Response:
        """As VMware's PowerCLI examples read it: moments in milliseconds; of a token without end, none."""
        given = request.get_json(silent=True) or {}
        token = str(given.get("tokenValue", ""))
        service = next((service for service in services if service.accepts_api_token(token)), None)
        if service is None:
            return _rejection(404, "The token was not found")
        ends_at = service.api_token_ends_at()
        return jsonify(
            orgId=service.org_id, expiresAt=int(ends_at.timestamp() * 1000) if ends_at is not None else 0
        )

    @blueprint.post(f"{_AUTH}/token", endpoint="client-credentials")
    @blueprint.post(f"{_AUTH}/authorize", endpoint="client-credentials")
    def client_credentials() -> Response:
        if request.form.get("grant_type") != "client_credentials":
            return _rejection(400, "invalid_request: grant_type must be client_credentials")
        basic = request.authorization
        client_id, secret = (basic.username, basic.password) if basic else (None, None)
        if client_id is None or secret is None:
            return _rejection(401, f"invalid_client: Invalid client credentials: {client_id}")
        service = next((service for service in services if service.accepts_client(client_id, secret)), None)
        if service is None:
            return _rejection(401, f"invalid_client: Invalid client credentials: {client_id}")
        return _issued(service.issue(), refresh_token=None)

    return blueprint


def _exchanged(service: TokenService | None, api_token: str) -> Response:
    if service is None:
        # The platform's message repeats the token's beginning: a client must not pass it on.
        return _rejection(400, f"invalid_grant: Invalid refresh token: {api_token[:24]}...")
    if reason := REFUSALS.get(service.current_modes.token_refusal):
        return _rejection(400, reason)
    return _issued(service.issue(), refresh_token=api_token)


def _issued(token: AccessToken, *, refresh_token: str | None) -> Response:
    answer: dict[str, Any] = {
        "access_token": token.text,
        "id_token": token.text,
        "refresh_token": refresh_token,
        "token_type": "bearer",
        "expires_in": token.expires_in,
        "scope": _SCOPE,
    }
    return jsonify(answer)


def _rejection(status: int, message: str) -> Response:
    answer = jsonify(
        metadata=None,
        traceId=uuid.uuid4().hex[:16],
        cspErrorCode="sandbox",
        message=message,
        statusCode=status,
        moduleCode=500,
        requestId=str(uuid.uuid4()),
    )
    answer.status_code = status
    return answer
