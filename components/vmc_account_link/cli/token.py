"""What the VMC token says of itself; its text never leaves this module."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vmc_account_link.api.auth import PROCESS_TOKENS
from vmc_account_link.api.models import BadPayload
from vmc_account_link.api.request import Request, Response, RetryPolicy
from vmc_account_link.api.transport import Transport
from vmc_account_link.settings import ApiToken, VmcSettings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an access token says."""

    org_id: str | None
    """The organisation it is for."""
    roles: tuple[str, ...]
    """`csp:org_member`, `external/<service>/vmc-user:full`, …"""
    ends: datetime | None


def access_token_claims(settings: VmcSettings, transport: Transport) -> Claims | None:
    """Exchange the credentials and read the access token's claims; None where it is no JWT.

    The signature is not verified: that is the service's business, which refuses a forged token. Here the
    claims only help a person; nothing is granted on them.

    Raises:
        VmcError: the token service refused or could not be heard.
    """
    import jwt  # noqa: PLC0415 - of the extra [cli]

    text = PROCESS_TOKENS.get(settings, transport)
    try:
        return claims_of(jwt.decode(text, options={"verify_signature": False, "verify_exp": False}))
    except jwt.PyJWTError:
        return None


def claims_of(wire: Mapping[str, Any]) -> Claims:
    """Read a token's claims, as far as they are of the kinds known. Pure.

    Source: what the identity service's tokens were seen to hold (williamlam.com, 2021): `context_name` is the
    organisation's id, `perms` its roles.
    """
    org_id, perms, end = wire.get("context_name"), wire.get("perms"), wire.get("exp")
    return Claims(
        org_id=org_id if isinstance(org_id, str) else None,
        roles=tuple(str(role) for role in perms) if isinstance(perms, list) else (),
        ends=datetime.fromtimestamp(end, UTC) if isinstance(end, int | float) else None,
    )


def api_token_end(settings: VmcSettings, transport: Transport) -> datetime | None:
    """When the API token itself ends; None where it never does, or for an OAuth app.

    Source: `api-tokens/details` of the identity service, as VMware's PowerCLI examples call it.

    Raises:
        VmcError: the token service did not say.
    """
    if not isinstance(settings.credentials, ApiToken):
        return None
    call = Request(
        method="POST",
        url=f"{settings.csp_url}/csp/gateway/am/api/auth/api-tokens/details",
        action="ask how long the API token is valid",
        repeat=RetryPolicy.IDEMPOTENT,
        headers={"Accept": "application/json"},
        body={"tokenValue": settings.credentials.value},
        secrets=settings.secrets,
    )
    return transport.send(call, _end_from_answer)


def _end_from_answer(answer: Response) -> datetime | None:
    wire = answer.json()
    milliseconds = wire.get("expiresAt") if isinstance(wire, dict) else None
    if not isinstance(milliseconds, int | float):
        raise BadPayload("expiresAt is missing")
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
