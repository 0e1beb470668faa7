"""The access tokens of a process, without a service."""

import threading
from typing import Any

import pytest

from vmc_account_link.api.auth import AccessToken, AccessTokens
from vmc_account_link.errors import ResponseLost, SecretText, VmcError, WaitInterrupted
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


class Silent:
    """A transport whose requests run into their time-out, once the test lets them."""

    def __init__(self) -> None:
        self.requests = 0
        self.time_out = threading.Event()

    def send(self, _call: object, _read: object) -> AccessToken:
        self.requests += 1
        self.time_out.wait(PATIENCE_SECONDS)
        raise ResponseLost("exchange the token", "no answer", "Run the command again.")


def test_a_silent_token_service_holds_all_up_for_one_time_out() -> None:
    """Not each for one of its own, one after the other; and every lab has an error of its own."""
    tokens, service, labs = AccessTokens(), Silent(), 64
    transport: Any = service
    failures: list[VmcError] = []
    action = threading.Barrier(labs + 1)

    def lab() -> None:
        action.wait()
        with pytest.raises(ResponseLost) as failed:
            tokens.get(of("one"), transport)
        failures.append(failed.value)

    threads = [threading.Thread(target=lab) for _ in range(labs)]
    for thread in threads:
        thread.start()
    action.wait()
    for thread in threads:
        thread.join(0.02)
    service.time_out.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert (service.requests, len(failures), len(set(map(id, failures)))) == (1, labs, labs)
    with pytest.raises(ResponseLost):
        tokens.get(of("one"), transport)
    assert service.requests == 2, "whoever comes later asks again"


def test_ctrl_c_ends_the_wait_for_a_token() -> None:
    tokens, service, canceled = AccessTokens(), Silent(), threading.Event()
    transport: Any = service
    threading.Timer(0.3, canceled.set).start()
    with pytest.raises(WaitInterrupted, match="interrupted before"):
        tokens.get(of("one"), transport, canceled=canceled)
    service.time_out.set()
