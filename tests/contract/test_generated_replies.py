"""Whatever the API's model allows: no traceback, no secret, and no harm to another's record.

Real: our providers, the client, requests' reading of an answer. Generated: the answers, within the model
(`model.SHAPES`). Not real: sockets and time.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.replies import OURS, TEMPLATE_URL, role, within
from tests.properties.witness import LONGEST_LINE
from tests.properties.wsgi import Raw, RequestsAdapter
from tests.support.lab import ACCOUNT
from vmc_account_link.api.auth import AccessTokens
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountRecord
from vmc_account_link.api.transport import Transport
from vmc_account_link.call_context import CallContext
from vmc_account_link.connected_account import ConnectedAccountProvider
from vmc_account_link.connection_wait import ConnectionWaitProvider
from vmc_account_link.errors import VmcError
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.settings import ApiToken, VmcSettings

T = TypeVar("T")
TOKEN = "planted-api-token"
TEMPLATE = {
    "Resources": {
        "RemoteRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "Report": {"Type": "Custom::Report", "Properties": {"ServiceToken": "arn:aws:sns:us-west-2:1:t"}},
    }
}
SETTINGS = VmcSettings(org_id="org", credentials=ApiToken(value=TOKEN))


@dataclasses.dataclass
class Service:
    """What answers, and what it was lines to unlink."""

    accounts: list[dict[str, Any]]
    link: dict[str, Any]
    task: dict[str, Any]
    unlinked: list[str] = dataclasses.field(default_factory=list)
    now: float = 0.0
    lines: list[str] = dataclasses.field(default_factory=list)

    def answer(self, method: str, url: str, _headers: Mapping[str, str], _body: bytes) -> Raw:
        """One answer."""
        path = url.partition("?")[0]
        if "/auth/" in path:
            wire: Any = {"access_token": "planted-access-token", "expires_in": 1799}
        elif path == TEMPLATE_URL.partition("?")[0]:
            wire = TEMPLATE
        elif method == "DELETE":
            self.unlinked.append(path.rpartition("/")[2])
            wire = {}
        elif path.endswith("/connected-accounts"):
            wire = [one for one in self.accounts if one.get("id") not in self.unlinked]
        else:
            wire = self.link if path.endswith("/account-link") else self.task
        return 200, [("Content-Type", "application/json")], json.dumps(wire).encode()

    def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.now += seconds

    def configured(self, provider: T) -> T:
        """The provider, in front of this service."""
        made: Any = provider
        made.settings = SETTINGS
        made.context = CallContext(
            emit_progress=self.lines.append,
            monotonic=lambda: self.now,
            now=lambda: datetime(2026, 1, 10, 12, tzinfo=UTC),
            sleep=self.sleep,
        )
        made.new_client = self._client
        return provider

    def _client(self, settings: VmcSettings, *, context: CallContext) -> VmcClient:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", RequestsAdapter(self.answer))
        return VmcClient(
            settings,
            context=context,
            transport=Transport(session=session, sleep=self.sleep),
            tokens=AccessTokens(lambda: self.now),
        )


def attempt(service: Service, call: Callable[[], T]) -> T | None:
    """Call a provider: whatever goes wrong is one of our errors, in one line without a secret."""
    try:
        return call()
    except VmcError as error:
        service.lines.append(str(error))
        return None
    finally:
        for line in service.lines:
            assert "planted" not in line
            assert len(line) <= LONGEST_LINE
            assert "\n" not in line


def is_anothers(wire: Mapping[str, Any]) -> bool:
    """Whether a record is of another account, or another stack's by its roles, and nothing denies it."""
    (record,) = AccountRecord.list_from_wire([wire])
    named_ours = record.cf_stack_name is not None and OURS in record.cf_stack_name
    has_our_role = role(OURS) in record.role_arns
    return record.account_number != ACCOUNT or not (named_ours or has_our_role or not record.role_arns)


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    accounts=st.lists(within("AwsCustomerConnectedAccount"), max_size=3),
    later=st.lists(within("AwsCustomerConnectedAccount"), max_size=3),
    link=within("LinkRequest"),
    task=within("Task"),
)
def test_whatever_the_model_allows_ends_in_a_link_or_one_line_and_harms_no_other(
    accounts: list[dict[str, Any]], later: list[dict[str, Any]], link: dict[str, Any], task: dict[str, Any]
) -> None:
    service = Service(accounts=accounts, link=link, task=task)
    request, connected, wait = (
        service.configured(made)
        for made in (LinkRequestProvider(), ConnectedAccountProvider(), ConnectionWaitProvider())
    )
    inputs = {"org_id": "org", "account_number": ACCOUNT, "stack_name": OURS, "template_hosts": []}
    requested = attempt(service, lambda: request.create(inputs))
    outputs = (requested.outs or {}) if requested else {**inputs, "tracking_task": "task-1"}
    attempt(service, lambda: request.diff("id", outputs, inputs))

    service.accounts = later
    own = {**outputs, "stack_id": "arn:1", "link_timeout_minutes": 6.0, "unlink_on_destroy": True}
    linked = attempt(service, lambda: wait.create(own))
    if linked is not None:
        stored = linked.outs or {}
        assert stored["connected_account_state"] == "ACTIVE"
        assert stored["connected_account_id"]
        kept = json.loads(json.dumps(stored))
        attempt(service, lambda: wait.diff("id", kept, own))
        attempt(service, lambda: wait.read("id", kept))
    attempt(service, lambda: connected.delete("id", own))
    for one in later:
        if one.get("id") in service.unlinked:
            ids = [other for other in later if other.get("id") == one["id"]]
            assert not all(is_anothers(other) for other in ids)
