"""Whatever a service replies, the client returns a value or raises one of our errors: one line, no secret.

Real: the client, the transport, requests' reading of an answer. Generated: the replies. Not real: sockets.
"""

import dataclasses
import gzip
import json
import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.replies import (
    GOOD,
    NESTED,
    NESTED_DEPTH,
    PLANTED,
    SIGNATURE,
    Reply,
    each_field_strange,
    replies,
)
from tests.properties.witness import LONGEST_LINE
from tests.properties.wsgi import Raw, RequestsAdapter
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.client import LARGEST_TEMPLATE_BYTES, VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.api.request import LARGEST_ANSWER_BYTES
from vmc_account_link.api.transport import Transport
from vmc_account_link.errors import VmcError
from vmc_account_link.settings import ApiToken, OAuthApp, VmcSettings
from vmc_account_link.template import source

URL = f"https://b.s3.us-west-2.amazonaws.com/t?X-Amz-Signature={SIGNATURE}"
PROSE = ("note", "phase", "error")
"""Texts for people, which whoever shows them cuts short."""
CREDENTIALS = (ApiToken(value=PLANTED[1]), OAuthApp(client_id="planted-id", client_secret=PLANTED[2]))


def download(vmc: VmcClient) -> str:
    text = vmc.download_template(URL)
    source.validate(text, url=URL)
    return text


CALLS: Mapping[str, Callable[[VmcClient], object]] = {
    "exchange-token": lambda vmc: vmc.list_connected_accounts(),
    "request-link": lambda vmc: vmc.request_link(),
    "list-connected-accounts": lambda vmc: vmc.list_connected_accounts(),
    "list-sddc-connections": lambda vmc: vmc.list_sddc_connections(),
    "list-compatible-subnets": lambda vmc: vmc.list_compatible_subnets("a", region="us-west-2"),
    "get-task": lambda vmc: vmc.get_task("5d1f7e0a"),
    "unlink": lambda vmc: vmc.unlink(AccountRecord.from_wire(GOOD["unlink"])),
    "download-template": download,
}


def answering(call: str, reply: Reply) -> Callable[[str, str, Mapping[str, str], bytes], Raw]:
    """A network in which `call` gets this reply, and a token exchange before it a good one."""

    def exchange(_method: str, url: str, _headers: Mapping[str, str], _body: bytes) -> Raw:
        if "/auth/" in url and call != "exchange-token":
            return 200, [("Content-Type", "application/json")], json.dumps(GOOD["exchange-token"]).encode()
        return reply.raw()

    return exchange


def open_client(exchange: Any, credentials: ApiToken | OAuthApp) -> VmcClient:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", RequestsAdapter(exchange))
    settings = VmcSettings(org_id="org", credentials=credentials)
    return VmcClient(
        settings,
        transport=Transport(session=session, sleep=lambda _: None),
        tokens=AccessTokens(lambda: 0.0),
    )


def check_value(value: object) -> None:
    """Whatever a value holds can be counted with, shown in a line and kept in the state."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in PROSE:
                check_value(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            check_value(item)
    elif isinstance(value, str):
        assert value.isprintable(), ascii(value)
        assert len(value) <= 10_000
    elif isinstance(value, int):
        assert abs(value) < 2**53


def evaluate_link(error: VmcError) -> None:
    text = str(error)
    assert text.isprintable(), ascii(text)
    assert len(text) <= LONGEST_LINE
    text.encode()
    assert not [secret for secret in (*PLANTED, SIGNATURE) if secret in text]
    shown = "".join(traceback.format_exception(error))
    assert not [secret for secret in (*PLANTED, SIGNATURE) if secret in shown]


def ask(call: str, reply: Reply, credentials: ApiToken | OAuthApp) -> None:
    with open_client(answering(call, reply), credentials) as vmc:
        try:
            value = CALLS[call](vmc)
        except VmcError as error:
            evaluate_link(error)
        else:
            if call != "download-template":
                assert SIGNATURE not in repr(value)
                check_value(value)
        assert all(math.isfinite(end) for _, end in vmc._tokens._held.values())


@pytest.mark.parametrize("call", CALLS)
def test_a_reply_becomes_a_value_or_one_of_our_errors(call: str) -> None:
    assert set(CALLS) == set(GOOD)

    @settings(max_examples=4 * settings().max_examples)
    @given(reply=replies(call), credentials=st.sampled_from(CREDENTIALS))
    def run(reply: Reply, credentials: ApiToken | OAuthApp) -> None:
        ask(call, reply, credentials)

    run()


@pytest.mark.parametrize("call", CALLS)
def test_every_field_may_be_missing_or_anything_else(call: str) -> None:
    headers = (("Content-Type", "application/json"),)
    for document in each_field_strange(GOOD[call]):
        ask(call, Reply(status=200, headers=headers, body=json.dumps(document).encode()), CREDENTIALS[0])


@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize("call", CALLS)
def test_what_nests_without_an_end_is_one_of_our_errors(call: str, nested: str) -> None:
    reply = Reply(status=200, headers=(), body=(nested * NESTED_DEPTH).encode())
    with open_client(answering(call, reply), CREDENTIALS[0]) as vmc:
        if call == "unlink":
            CALLS[call](vmc)  # whose answer is not read
            return
        with pytest.raises(VmcError) as refusal:
            CALLS[call](vmc)
    evaluate_link(refusal.value)


@pytest.mark.parametrize(
    ("call", "longest"),
    [("download-template", LARGEST_TEMPLATE_BYTES), ("list-connected-accounts", LARGEST_ANSWER_BYTES)],
)
def test_an_answer_without_an_end_is_not_read_to_it(call: str, longest: int) -> None:
    document = json.dumps(GOOD[call]).encode()
    for spaces, is_too_long in ((longest - len(document), False), (longest - len(document) + 1, True)):
        # Packed it is short: what counts is what would be held in memory.
        body = gzip.compress(document + b" " * spaces)
        reply = Reply(status=200, headers=(("Content-Encoding", "gzip"),), body=body)
        with open_client(answering(call, reply), CREDENTIALS[0]) as vmc:
            if is_too_long:
                with pytest.raises(VmcError, match=f"more than {longest:,} bytes"):
                    CALLS[call](vmc)
            else:
                CALLS[call](vmc)


@pytest.mark.parametrize("call", CALLS)
def test_the_good_reply_is_understood(call: str) -> None:
    headers = (("Content-Type", "application/json"),)
    reply = Reply(status=200, headers=headers, body=json.dumps(GOOD[call]).encode())
    exchange = answering(call, reply)

    def either(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Raw:
        if call == "exchange-token" and "/auth/" not in url:
            return 200, [], b"[]"
        return exchange(method, url, headers, body)

    with open_client(either, CREDENTIALS[0]) as vmc:
        CALLS[call](vmc)
