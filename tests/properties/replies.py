"""Replies that no service should give: statuses, headers and bodies, made for each call of the client."""

import dataclasses
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.properties.wsgi import Raw

PLANTED = ("planted-access-token-7f3a", "planted-api-token-9c2e", "planted-client-secret-55aa")
"""An access token, an API token and a client secret that replies may quote."""
SIGNATURE = "planted-signature-e1d4"

MOMENT = "2026-01-10T12:30:00.000000Z"
TEMPLATE: Mapping[str, Any] = {
    "Parameters": {"Bucket": {"Type": "String", "Default": "b"}},
    "Resources": {"Link": {"Type": "Custom::Link", "Properties": {"Token": {"Ref": "Bucket"}}}},
}
LINK: Mapping[str, Any] = {
    "tracking_task": "5d1f7e0a-0c2b-4c55-9b0a-3f6f0f5a1111",
    "expiration_date": MOMENT,
    "template_url": f"https://b.s3.us-west-2.amazonaws.com/t?X-Amz-Signature={SIGNATURE}",
    "template_execution_url": f"https://console.aws.amazon.com/x#templateURL=y?X-Amz-Signature={SIGNATURE}",
}
ACCOUNT: Mapping[str, Any] = {
    "id": "aaaaaaaa-bbbb-3ccc-8ddd-eeeeeeeeeeee",
    "created": MOMENT,
    "updated": MOMENT,
    "version": 3,
    "state": "ACTIVE",
    "account_number": "123456789012",
    "cf_stack_name": "SDDC-Account-Link",
    "policy_payer_arn": "arn:aws:iam::123456789012:role/r",
}
TASK: Mapping[str, Any] = {
    "id": "5d1f7e0a-0c2b-4c55-9b0a-3f6f0f5a1111",
    "status": "FINISHED",
    "progress_percent": 100,
    "estimated_remaining_minutes": 0,
    "phase_in_progress": "1",
    "task_progress_phases": [{"id": "1", "name": "Linking", "progress_percent": 10}],
    "error_message": None,
    "service_errors": [{"localized_message": "no", "default_message": "no"}],
}
CONNECTION: Mapping[str, Any] = {
    "id": "c",
    "sddc_id": "s",
    "connected_account_id": ACCOUNT["id"],
    "state": "ACTIVE",
}
SUBNETS: Mapping[str, Any] = {
    "vpc_map": {
        "vpc-1": {
            "subnets": [
                {
                    "subnet_id": "subnet-1",
                    "availability_zone": "us-west-2a",
                    "subnet_cidr_block": "10.0.0.0/24",
                    "vpc_id": "vpc-1",
                    "compatible": True,
                    "note": "too few\naddresses",
                    "connected_account_id": ACCOUNT["id"],
                }
            ]
        }
    }
}
TOKEN: Mapping[str, Any] = {
    "id_token": "x",
    "token_type": "bearer",
    "expires_in": 1799,
    "access_token": PLANTED[0],
    "refresh_token": PLANTED[1],
}
ERROR: Mapping[str, Any] = {
    "status": 400,
    "path": "/vmc/api/orgs/x",
    "retryable": True,
    "error_code": "skyscraper.x",
    "error_messages": [f"The token {PLANTED[0]} is of no use; {LINK['template_url']} neither."],
    "message": f"invalid refresh_token: {PLANTED[1]}",
}
GOOD: Mapping[str, Any] = {
    "exchange-token": TOKEN,
    "request-link": LINK,
    "list-connected-accounts": [ACCOUNT],
    "list-sddc-connections": [CONNECTION],
    "list-compatible-subnets": SUBNETS,
    "get-task": TASK,
    "unlink": ACCOUNT,
    "download-template": TEMPLATE,
}
"""What the service should have said, by call."""

STRANGE: tuple[Any, ...] = (
    *(None, True, [], {}, [[1]], {"a": {}}),
    *(0, -1, 10**30, 10**400, 1.5, float("nan"), float("inf"), -float("inf")),
    *("", " ", "\x00", "\ud800", "\x1b[2J\u202e", "two\nlines", "é" * 300, "x" * 300_000),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "٣", "http://[", "//"),
    *("https://u:p@b.s3.amazonaws.com/t?q", "https://b.s3.amazonaws.com:x/", "https://é.example/"),
    *PLANTED,
    f"http://{'http://' * 40_000}",
    f"{PLANTED[0]} and {PLANTED[1]} and {PLANTED[2]}",
)
"""Values that no field of any answer has."""
NESTED = ('{"a":', "[", "{a: ", "- ")
"""How JSON and YAML begin that nest; `NESTED_DEPTH` times is more than any reader's stack."""
NESTED_DEPTH = 100_000
_STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(STRANGE),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
_CHARSETS = st.sampled_from(
    [
        "utf-8",
        "utf-16",
        "utf-7",
        "latin-1",
        "idna",
        "punycode",
        "hex",
        "undefined",
        "rot13",
        "mbcs",
        "cp037",
        "utf-8\x00",
        "no-such",
        "",
        '"',
        "x" * 5000,
    ]
)
_DATES = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "Sat, 10 Jan 2026 12:00:00 GMT",
            "Sat, 10 Jan 2026 12:00:00 -0000",
            "Mon, 01 Jan 0001 00:00:00 -0000",
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Sat, 99 Jan 2026 99:99:99 GMT",
            "x, 1 Jan 99999999999999999999 00:00:00 GMT",
        ]
    ),
)


@st.composite
def documents(draw: st.DrawFn, good: Any) -> Any:
    """`good` with some of its values missing, extra, null or of another kind."""
    if not isinstance(good, dict | list) or draw(st.integers(0, 9)) == 0:
        return draw(_STRANGE)
    if isinstance(good, list):
        items = [draw(documents(item)) if draw(st.booleans()) else item for item in good]
        return items * draw(st.sampled_from([0, 1, 2, 500]))
    changed = dict(good)
    for key in draw(st.lists(st.sampled_from(sorted(good)), max_size=3)):
        if draw(st.booleans()):
            changed.pop(key, None)
        else:
            changed[key] = draw(documents(good[key]))
    changed |= draw(st.dictionaries(st.text(max_size=8), _STRANGE, max_size=2))
    return changed


def each_field_strange(good: Any) -> Iterator[Any]:
    """`good` once for each of its values, at any depth, and each strange value in its place."""
    yield from STRANGE
    if isinstance(good, list):
        yield from ([inner] for item in good for inner in each_field_strange(item))
    elif isinstance(good, dict):
        for key in good:
            yield {name: value for name, value in good.items() if name != key}
            yield from (good | {key: inner} for inner in each_field_strange(good[key]))


@st.composite
def bodies(draw: st.DrawFn, call: str, good: Any) -> bytes:
    """A body: JSON in some encoding, or something else altogether."""
    text = json.dumps(draw(documents(good)))
    # Only the template's host was shown the signature.
    quoted = SIGNATURE if call == "download-template" else PLANTED[0]
    kind = draw(st.integers(0, 11))
    if kind <= 5:
        return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "ascii"])))
    if kind == 6:
        return text.encode()[: draw(st.integers(0, len(text)))]
    if kind == 7:
        # Twice the same key, the second time with something else.
        return f'{text.rstrip("}]")}, "id": 1, "template_url": {{}}, "access_token": []}}'.encode()
    if kind == 8:
        return (draw(st.sampled_from(NESTED)) * NESTED_DEPTH).encode()
    return draw(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([b"", b" ", b"<html><body>Sign in</body></html>", b"NaN", b"null", b"\xff\xfe"]),
            st.just(f"<Error><Code>AccessDenied</Code><Message>{quoted}</Message></Error>".encode()),
            st.just(b"1" * 6000),
        )
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, made for one call."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = dataclasses.field(repr=False)

    def raw(self) -> Raw:
        """As the network hands it over."""
        return self.status, list(self.headers), self.body


@st.composite
def replies(draw: st.DrawFn, call: str) -> Reply:
    """A reply to `call` (a key of `GOOD`)."""
    status = draw(
        st.sampled_from([200] * 8 + [201, 204, 206, 301, 307, 400, 401, 403, 404, 418, 429, 500, 503])
    )
    good = GOOD[call] if status < 400 else ERROR
    body = draw(bodies(call, good))
    headers = [("Content-Type", f"{draw(_MEDIA)}; charset={draw(_CHARSETS)}")]
    if (date := draw(_DATES)) is not None:
        headers.append(("Date", date))
    if draw(st.integers(0, 5)) == 0:
        headers.append(("Retry-After", draw(st.one_of(_DATES.map(str), st.sampled_from(["-1", "1e9", "٣"])))))
    match draw(st.integers(0, 9)):
        case 0:
            headers.append(("Content-Encoding", draw(st.sampled_from(["gzip", "deflate", "br", "x"]))))
        case 1:
            headers.append(("Content-Encoding", "gzip"))
            body = gzip.compress(body)
        case 2:
            headers.append(("Location", draw(st.sampled_from(["https://evil.example/", "http://[", ""]))))
    return Reply(status=status, headers=tuple(headers), body=body)


_MEDIA = st.sampled_from(["application/json", "text/html", "image/png", "", "/;;=", "multipart/form-data"])
