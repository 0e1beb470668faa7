"""Who may call: the credentials of one sandbox and the access tokens made from them. No HTTP here."""

import base64
import dataclasses
import json
import secrets
import threading
from datetime import datetime, timedelta
from typing import Self

from sandbox.clock import Clock
from sandbox.modes import Modes, ModeSwitch


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the sandbox accepts: random, and easy to find in a log or a state that should not hold it."""

    api_token: str = dataclasses.field(repr=False)
    client_id: str
    client_secret: str = dataclasses.field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Make a set that no other sandbox has."""
        return cls(
            # 65 characters, as long as a real one.
            api_token=f"sandbox-api-token-{secrets.token_hex(24)}"[:65],
            client_id=f"sandbox-client-{secrets.token_hex(8)}",
            client_secret=f"sandbox-client-secret-{secrets.token_hex(16)}",
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One issued access token."""

    text: str = dataclasses.field(repr=False)
    expires_in: int
    """Whole seconds, from the issue."""


class TokenService:
    """Issues and checks the access tokens of one organization; safe across server threads."""

    def __init__(self, credentials: Credentials, *, org_id: str, clock: Clock, modes: ModeSwitch) -> None:
        self.credentials = credentials
        self.org_id = org_id
        self._clock = clock
        self._modes = modes
        self._created_at = clock.now()
        self._expiries: dict[str, datetime] = {}
        self._lock = threading.Lock()

    @property
    def current_modes(self) -> Modes:
        """The modes in force."""
        return self._modes.current

    def accepts_api_token(self, api_token: str) -> bool:
        """Whether this is the API token, and it has not ended."""
        ends_at = self.api_token_ends_at()
        if ends_at is not None and ends_at <= self._clock.now():
            return False
        return secrets.compare_digest(api_token.encode(), self.credentials.api_token.encode())

    def api_token_ends_at(self) -> datetime | None:
        """When the API token ends; None: never."""
        seconds = self._modes.current.api_token_seconds
        return self._created_at + timedelta(seconds=seconds) if seconds else None

    def accepts_client(self, client_id: str, client_secret: str) -> bool:
        """Whether this is the OAuth app with its secret."""
        given, right = f"{client_id}:{client_secret}", self.credentials
        return secrets.compare_digest(given.encode(), f"{right.client_id}:{right.client_secret}".encode())

    def issue(self) -> AccessToken:
        """Make an access token that lives as long as the modes of this moment say."""
        lifetime = timedelta(seconds=self._modes.current.access_token_seconds)
        expires_at = self._clock.now() + lifetime
        text = self._jwt(expires_at)
        with self._lock:
            self._expiries[text] = expires_at
        return AccessToken(text=text, expires_in=int(lifetime.total_seconds()))

    def issued(self) -> tuple[str, ...]:
        """Every access token so far: what a test searches for where none may be."""
        with self._lock:
            return tuple(self._expiries)

    def is_valid(self, access_token: str) -> bool:
        """Whether a call with this token is let in now."""
        with self._lock:
            expires_at = self._expiries.get(access_token)
        return expires_at is not None and self._clock.now() < expires_at

    def _jwt(self, expires_at: datetime) -> str:
        """A token in the form of a JWT, with readable claims and a random signature."""
        claims = {
            "iss": "https://gaz.example.net",
            "context_name": self.org_id,
            "perms": [role for role in self._modes.current.token_roles.split(",") if role],
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_hex(8),
        }
        parts = (json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(claims).encode())
        encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
        return ".".join([*encoded, secrets.token_urlsafe(48)])
