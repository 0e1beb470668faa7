"""A refused connection, as a client of the sandbox meets it: nothing listens, for a while."""

import time
from collections.abc import Iterator

import pytest
import requests
from waitress.parser import HTTPRequestParser

from sandbox.environment import Sandbox
from sandbox.faults import InvalidFault, PlannedFault

_TIMEOUT_SECONDS = 5


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.start() as box:
        yield box


def exchange(box: Sandbox, session: requests.Session) -> int:
    """Exchange the API token; the answer's status."""
    return session.post(
        f"{box.vmware_url}/csp/gateway/am/api/auth/api-tokens/authorize",
        data={"refresh_token": box.environment["API_TOKEN"]},
        timeout=_TIMEOUT_SECONDS,
    ).status_code


def test_the_call_after_the_planned_one_is_refused_on_any_connection(box: Sandbox) -> None:
    box.control.plan_fault("csp", "exchange-token", "refuse_next", nth=2, seconds=1.0, server="vmware")
    with requests.Session() as session:
        assert [exchange(box, session), exchange(box, session)] == [200, 200]
        with pytest.raises(requests.ConnectionError, match="refused"):
            exchange(box, session)
        assert box.wait_until_reachable(_TIMEOUT_SECONDS)
        assert exchange(box, session) == 200
    assert [entry.fault for entry in box.world.journal.entries()] == [None, "refuse_next", None]


def test_one_server_can_refuse_at_the_end_of_a_call_of_the_other(box: Sandbox) -> None:
    box.control.plan_fault("csp", "exchange-token", "refuse_next", seconds=60, server="aws")
    with requests.Session() as session:
        # A kept connection is no way in either.
        assert session.get(box.environment["AWS_ENDPOINT_URL"], timeout=_TIMEOUT_SECONDS).status_code
        assert [exchange(box, session), exchange(box, session)] == [200, 200]
        with pytest.raises(requests.ConnectionError, match="refused"):
            session.get(box.environment["AWS_ENDPOINT_URL"], timeout=_TIMEOUT_SECONDS)


def test_a_connection_in_use_is_refused_too(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    close = HTTPRequestParser.close

    def close_later(request: HTTPRequestParser) -> None:
        time.sleep(0.05)
        close(request)

    # The server takes its time between an answer and calling the request done.
    monkeypatch.setattr(HTTPRequestParser, "close", close_later)
    test_one_server_can_refuse_at_the_end_of_a_call_of_the_other(box)


def test_a_sandbox_that_refuses_can_be_stopped(box: Sandbox) -> None:
    box.world.faults.refuse["vmware"](60.0)
    started = time.monotonic()
    box.stop()
    assert time.monotonic() - started < _TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"seconds": 1.0}, "server None is none of vmware, aws"),
        ({"seconds": 1.0, "server": "csp"}, "server 'csp' is none of"),
        ({"server": "aws"}, "needs seconds above 0"),
    ],
)
def test_a_refusal_without_a_server_or_a_time_is_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidFault, match=reason):
        PlannedFault.from_wire({"service": "csp", "call": "*", "kind": "refuse_next", **fields})
