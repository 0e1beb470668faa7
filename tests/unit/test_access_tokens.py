"""The access tokens of a process, without a service."""

import threading
from typing import Any

from vmc_account_link.auth import AccessToken, AccessTokens
from vmc_account_link.secret_text import SecretText
from vmc_account_link.settings import ApiToken, VmcSettings

PATIENCE_SECONDS = 5.0


def of(organisation: str) -> VmcSettings:
    return VmcSettings(
        org_id=organisation, credentials=ApiToken(value=SecretText(f"token of {organisation}"))
    )


class Answering:
    """A transport that answers with a token, once what has to come before has come."""

    def __init__(self, value: str, after: threading.Event | None = None) -> None:
        self._value, self._after = value, after

    def send(self, _call: object, _read: object) -> AccessToken:
        assert self._after is None or self._after.wait(PATIENCE_SECONDS), "it was held up by another one's"
        return AccessToken(value=SecretText(self._value), lifetime_seconds=1799.0)


def test_an_exchange_that_waits_holds_up_no_other_credentials() -> None:
    tokens, other_is_done = AccessTokens(), threading.Event()
    got: list[str] = []
    slow: Any = Answering("slow", after=other_is_done)
    quick: Any = Answering("quick")
    waiting = threading.Thread(target=lambda: got.append(tokens.get(of("one"), slow)))
    waiting.start()
    other = threading.Thread(target=lambda: got.append(tokens.get(of("another"), quick)))
    other.start()
    other.join(PATIENCE_SECONDS / 2)
    is_alive = other.is_alive()
    other_is_done.set()
    waiting.join(PATIENCE_SECONDS)
    assert (is_alive, got) == (False, ["quick", "slow"])
