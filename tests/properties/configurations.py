"""Configurations of the program, right and wrong, each with what has to come of it."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.support.mocked_engine import ACCOUNT

SECRETS = ("planted-api-token-9c2e", "planted-client-secret-55aa")
"""An API token and a client secret."""
PROGRAM = "vmc-account-link"
_SDDC_TYPES = ("1NODE", "SingleAZ", "MultiAZ")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A configuration, the environment, and what is wrong with them."""

    config: Mapping[str, str]
    """Full key -> text, as the engine hands it to the program."""
    environment: Mapping[str, str]
    meant: Mapping[str, Any]
    """Key of the program -> the value that the text stands for; of right ones that are set."""
    wrong: frozenset[str]
    """Full keys one of which a refusal has to name; empty: there is nothing to refuse."""


def _json(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return values.map(lambda value: (json.dumps(value), value))


def _texts(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, Any]]:
    return values.map(lambda value: (value, value))


_TEXTS = st.text(min_size=1, max_size=12).filter(str.strip)
_BOOLEANS = st.sampled_from([("true", True), ("false", False)])
_NO_BOOLEANS = ("yes", "1", "null", "[]")
_REGIONS = st.sampled_from(["us-west-2", "eu-west-1", "us-gov-west-1", "ap-southeast-3"])
_NO_REGIONS = ("Oregon", "us-west", "us-west-2a", "us_west_2", "us-west 2", "*")
_HOSTS = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,2}(:[1-9][0-9]{0,4})?\Z")
_NO_LISTS = ('"subnet-1"', "subnet-1", '{"a": "b"}', "[1]", '[["a"]]', '[""]', "7")
_TYPE = "AWS::IAM::Role"
_TAG_SIGNS = "abcXYZ019é字 _.:/=+-@"

RIGHT: Mapping[str, st.SearchStrategy[tuple[str, Any]]] = {
    "link": st.sampled_from(["create", "existing"]).map(lambda way: (way, way)),
    "stackName": _texts(st.from_regex(r"\A[a-zA-Z][-a-zA-Z0-9]{0,127}\Z")),
    "region": _texts(_REGIONS),
    "awsAccountId": st.sampled_from([(ACCOUNT, ACCOUNT), (f" {ACCOUNT}\n", ACCOUNT)]),
    "templateHosts": _json(st.lists(_HOSTS, max_size=3)),
    "linkTimeoutMinutes": st.integers(1, 10**6).map(lambda minutes: (str(minutes), minutes)),
    "unlinkOnDestroy": _BOOLEANS,
    "relink": _TEXTS.map(lambda text: (text, text.strip())),
    "relinkDespiteSddcs": _TEXTS.map(lambda text: (text, text.strip())),
    "subnetRegion": _texts(_REGIONS),
    "sddcType": _texts(st.sampled_from(_SDDC_TYPES)),
    "sddcHosts": st.integers(1, 16).map(lambda hosts: (str(hosts), hosts)),
    "sddcSubnets": _json(st.lists(st.sampled_from(["subnet-1", "subnet-2", "subnet-3"]), max_size=3)),
    "templatePolicy": _json(
        st.fixed_dictionaries(
            {},
            optional={
                "resourceTypes": st.lists(st.sampled_from([_TYPE, "Custom::*"]), max_size=2),
                "trustedAccounts": st.lists(st.sampled_from([ACCOUNT, "000000000000"]), max_size=2),
            },
        )
    ),
    "tags": st.dictionaries(
        st.text(_TAG_SIGNS, min_size=1, max_size=12).filter(
            lambda key: key.strip() and not key.lower().startswith("aws:")
        ),
        st.text(_TAG_SIGNS, max_size=12),
        max_size=3,
    ).map(lambda tags: (json.dumps(tags), tags)),
}
WRONG: Mapping[str, tuple[str, ...]] = {
    "link": ("Create", "steal", "existing link", "true"),
    "stackName": ("1", "-a", "a b", "a_b", "Sta ck", "a" * 129, "é", "arn:aws:cloudformation:x", "a\nb"),
    "region": _NO_REGIONS,
    # The second and third are what YAML makes of 012345678901 and 012345670123 without quotes.
    "awsAccountId": ("999999999999", "12345678901", "1402433619", "1234-5678-9012", "mine"),
    "templateHosts": (*_NO_LISTS, '["https://mirror.example/"]', '["*.example"]', '["a b"]', '["a:b"]'),
    "linkTimeoutMinutes": ("0", "-5", "soon", "1.5", "[]"),
    "unlinkOnDestroy": _NO_BOOLEANS,
    "subnetRegion": _NO_REGIONS,
    "sddcType": ("2AZ", "singleaz", "1"),
    "sddcHosts": ("-1", "few", "2.5"),
    "sddcSubnets": (*_NO_LISTS, '["subnet-1", "subnet-1"]'),
    "templatePolicy": (
        *('"none"', "[]", "7", "{", '{"resource_types": []}', '{"resourceTypes": "AWS::IAM::Role"}'),
        *('{"trustedAccounts": ["1"]}', '{"trustedAccounts": {}}', '{"resourceTypes": [""]}'),
    ),
    "tags": (
        *("owner", '"owner"', '["owner"]', '{"a": {"b": "c"}}', '{"a": null}', '{"aws:a": "b"}'),
        *('{" ": "b"}', '{"a": 83}', '{"a": 1.1}', '{"a": 1.2345678901234569e+23}', '{"a": true}'),
        *(f'{{"a": "{"x" * 257}"}}', f'{{"{"x" * 129}": "b"}}', '{"a": "b\\nc"}', '{"a;": "b"}'),
        json.dumps({f"tag-{number}": "" for number in range(51)}),
    ),
}
"""Texts that no such key may have; `relink` and `relinkDespiteSddcs` may have any."""
MISSPELT = (f"{PROGRAM}:awsAccountID", f"{PROGRAM}:stackname", "vmc:orgID", "aws:allowedAccountIDs")
"""Keys that nobody would read: a guard that is not set."""
AT_ODDS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("relink", {"link": "existing", "relink": "2"}),
    ("sddcType", {"sddcType": "1NODE"}),
    ("sddcHosts", {"sddcHosts": "3"}),
    ("sddcSubnets", {"sddcSubnets": '["subnet-1"]'}),
    ("sddcSubnets", {"subnetRegion": "us-west-2", "sddcSubnets": '["subnet-1", "subnet-2"]'}),
    ("sddcSubnets", {"subnetRegion": "us-west-2", "sddcType": "MultiAZ", "sddcSubnets": '["subnet-1"]'}),
)
"""Keys, each right by itself, that go ill with the others."""


_WAYS: tuple[tuple[Mapping[str, str], Mapping[str, str], str | None], ...] = (
    ({"vmc:refreshToken": SECRETS[0]}, {}, None),
    ({}, {"API_TOKEN": SECRETS[0]}, None),
    ({"vmc:refreshToken": SECRETS[0]}, {"CLIENT_ID": "id", "CLIENT_SECRET": SECRETS[1]}, None),
    ({"vmc:clientId": "id", "vmc:clientSecret": SECRETS[1]}, {"API_TOKEN": SECRETS[0]}, None),
    ({}, {"CLIENT_ID": "id", "CLIENT_SECRET": SECRETS[1]}, None),
    ({"vmc:clientId": "id"}, {"CLIENT_SECRET": SECRETS[1]}, None),
    ({}, {}, "vmc:refreshToken"),
    ({"vmc:refreshToken": " "}, {}, "vmc:refreshToken"),
    ({"vmc:refreshToken": SECRETS[0], "vmc:clientId": "id"}, {}, "vmc:refreshToken"),
    ({"vmc:clientId": "id"}, {}, "vmc:clientSecret"),
    ({"vmc:clientSecret": SECRETS[1]}, {}, "vmc:clientId"),
)
"""Credentials in the configuration, in the environment, and the key that is missing or too many."""

_SOURCES = ("config", "config", "config", "environment", "both")
"""Where the organisation is set."""
_NO_SERVICES = (
    *("nonsense", "http://vmc.example", "https://", "https://[", "https://vmc.example:99999"),
    *("https://user:pw@vmc.example", "https://vmc.example/?q", "ftp://vmc.example"),
)
"""URLs that a token is not sent to."""


def rejected_ones() -> Iterator[Configuration]:
    """Each wrong text alone, and each contradiction."""
    base = {"vmc:orgId": "org-1", "vmc:refreshToken": SECRETS[0]}
    subnets = {"subnetRegion": "us-west-2"}
    each = [
        (key, {**(subnets if key.startswith("sddc") else {}), key: text})
        for key, texts in WRONG.items()
        for text in texts
    ]
    for key, config in (*each, *AT_ODDS):
        theirs = {f"{PROGRAM}:{name}": text for name, text in config.items()}
        yield _rejected(f"{PROGRAM}:{key}", {**base, **theirs})
    for key in MISSPELT:
        yield _rejected(key, {**base, key: ACCOUNT})
    for key in ("vmc:vmcUrl", "vmc:cspUrl"):
        yield from (_rejected(key, {**base, key: url}) for url in _NO_SERVICES)
    for config, environment, missing in _WAYS:
        if missing:
            yield _rejected(missing, {"vmc:orgId": "org-1", **config}, environment)
    yield _rejected("vmc:orgId", {"vmc:refreshToken": SECRETS[0]})


def _rejected(
    key: str, config: Mapping[str, str], environment: Mapping[str, str] | None = None
) -> Configuration:
    return Configuration(config=config, environment=environment or {}, meant={}, wrong=frozenset({key}))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Half of them with nothing wrong, the others with one or two keys that are, or that go ill together."""
    is_right = draw(st.booleans())
    wrong_keys = [] if is_right else draw(st.lists(st.sampled_from(sorted(WRONG)), max_size=2, unique=True))
    # Each in half of them: a list of keys leaves some out of a small sample altogether.
    right_keys = [key for key in sorted(set(RIGHT) - set(wrong_keys)) if draw(st.booleans())]
    config: dict[str, str] = {}
    meant: dict[str, Any] = {}
    for key in right_keys:
        config[f"{PROGRAM}:{key}"], meant[key] = draw(RIGHT[key])
    while is_right and (at_odds := _contradictions(meant, [])):
        del config[f"{PROGRAM}:{at_odds[0]}"], meant[at_odds[0]]
    for key in wrong_keys:
        config[f"{PROGRAM}:{key}"] = draw(st.sampled_from(WRONG[key]))
    of_the_service = draw(_services(is_right=is_right))
    wrong = {f"{PROGRAM}:{key}" for key in (*wrong_keys, *_contradictions(meant, wrong_keys))}
    return Configuration(
        config={**config, **of_the_service.config},
        environment=of_the_service.environment,
        meant=meant,
        wrong=frozenset(wrong | of_the_service.wrong),
    )


def _contradictions(meant: Mapping[str, Any], wrong_keys: list[str]) -> list[str]:
    """Keys that go ill with others."""
    found = []
    if meant.get("link") == "existing" and "relink" in meant:
        found.append("relink")
    chosen = meant.get("sddcSubnets")
    if "subnetRegion" not in {*meant, *wrong_keys}:
        found += [key for key in ("sddcType", "sddcHosts", "sddcSubnets") if meant.get(key)]
    elif chosen:
        expected = 2 if meant.get("sddcType") == "MultiAZ" else 1
        if len(chosen) != expected or len(set(chosen)) != expected:
            found.append("sddcSubnets")
    return found


@st.composite
def _services(draw: st.DrawFn, *, is_right: bool) -> Configuration:
    """The `vmc:` settings, of the configuration, the environment or both."""
    config: dict[str, str] = {}
    environment: dict[str, str] = {}
    wrong = set()
    organisation = draw(st.sampled_from([*_SOURCES, *([] if is_right else ["neither"])]))
    if organisation in {"config", "both"}:
        config["vmc:orgId"] = "org-1"
    if organisation in {"environment", "both"}:
        environment["ORG_ID"] = "org-1" if organisation == "environment" else "another"
    if organisation == "neither":
        config["vmc:orgId"] = draw(st.sampled_from(["", "  "]))
        wrong.add("vmc:orgId")
    in_config, in_environment, missing = draw(
        st.sampled_from([way for way in _WAYS if not (is_right and way[2])])
    )
    if missing:
        wrong.add(missing)
    for key in ("vmc:vmcUrl", "vmc:cspUrl"):
        match draw(st.integers(1 if is_right else 0, 11)):
            case 0:
                config[key] = draw(st.sampled_from(_NO_SERVICES))
                wrong.add(key)
            case 1 | 2 | 3:
                config[key] = draw(st.sampled_from(["https://vmc.example", "http://127.0.0.1:8001/"]))
    return Configuration(
        config={**config, **in_config},
        environment={**environment, **in_environment},
        meant={},
        wrong=frozenset(wrong),
    )
