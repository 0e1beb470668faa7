"""Our program's four resources for the model of the engine, wired as AccountLink wires them.

`test_engine_model.py` holds the wiring against what the program declares under mocks.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.properties.cloud import Cloud
from tests.properties.engine_model import UNKNOWN, Declaration, Engine, Outcome, Provider, Values
from tests.properties.provider_model import DynamicProvider, StackProvider, failing
from tests.properties.recovery_model import recover
from vmc_account_link.aws import same_account
from vmc_account_link.call_context import CallContext, RunMemory
from vmc_account_link.connected_account import ConnectedAccountProvider
from vmc_account_link.connection_wait import ConnectionWaitProvider
from vmc_account_link.link.evidence import link_end, link_evidence
from vmc_account_link.link_request import LinkRequestProvider
from vmc_account_link.stack_hooks import StackPrecheck, what_to_do

_OF_THE_LINK = {
    "stack_name": "stack",
    "stack_id": "stack",
    "tracking_task": "request",
    "previous_revision": "request",
    "revision_at_request": "request",
    "role_ids": "request",
}
"""Input -> the resource whose outputs it comes from, of the resources that stand for the link."""


@dataclasses.dataclass(kw_only=True)
class Settings:
    """What the person configures; the names are `AccountLinkArgs`'."""

    stack_name: str = "SDDC-Account-Link"
    template_hosts: tuple[str, ...] = ()
    link_timeout_minutes: int = 30
    unlink_on_destroy: bool = True
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Lab:
    """The program in front of a cloud, driven by the model; what it tells is in `told`."""

    def __init__(self, cloud: Cloud) -> None:
        """Nothing is made yet."""
        self.cloud = cloud
        self.settings = Settings()
        self.engine = Engine(self._declarations, cloud.now)
        self.output = ""
        self._stack = StackProvider(cloud)
        self._memory = RunMemory()

    def preview(self) -> Outcome:
        """`pulumi preview`."""
        return self._run(self.engine.preview)

    def up(self, *, replace: Sequence[str] = ()) -> Outcome:
        """`pulumi up --skip-preview`."""
        return self._run(lambda: self.engine.up(replace=replace))

    def refresh(self) -> Outcome:
        """`pulumi refresh`."""
        return self._run(self.engine.refresh)

    def destroy(self) -> Outcome:
        """`pulumi destroy`."""
        return self._run(self.engine.destroy)

    def recover(self) -> Outcome:
        """`labs recover --stack lab`."""
        return self._run(
            lambda: recover(self.engine, sleep=self.cloud.sleep, emit_progress=self._emit_progress)
        )

    def _run(self, operation: Callable[[], Outcome]) -> Outcome:
        """One command, in processes of its own."""
        self.cloud.new_process()
        self._stack.restart()
        self._memory.declared.clear()
        self._memory.settled.clear()
        return operation()

    def _emit_progress(self, line: str) -> None:
        self.output += f"{line}\n"

    def _context(self) -> CallContext:
        return dataclasses.replace(
            self.cloud.context(), emit_progress=self._emit_progress, memory=self._memory
        )

    def _declarations(self) -> list[Declaration]:
        settings, org_id = self.settings, self.cloud.settings.org_id
        found = self._stack.caller_account()
        account_number = failing(lambda: same_account([found, None]))
        precheck = StackPrecheck(
            self.cloud.settings, context=self._context(), new_client=self.cloud.new_client
        )

        def note(olds: Values, news: Values) -> None:
            if olds.get("template_url") != news.get("template_url"):
                precheck.note_request()

        def verify(olds: Values, news: Values) -> None:
            if any(olds.get(key) != news.get(key) for key in ("templateBody", "templateUrl")):
                request = self.engine.state["request"].outputs
                failing(lambda: precheck.verify(link_evidence(request), link_end(request)))

        def of_the_link(known: Mapping[str, Values]) -> Values:
            """What the connected account and the wait have in common."""
            request, stack = known["request"], known["stack"]
            kept = ("tracking_task", "previous_revision", "revision_at_request", "role_ids")
            return {
                "stack_name": stack["name"],
                "stack_id": stack["id"],
                **{key: request[key] for key in kept},
                "link_timeout_minutes": settings.link_timeout_minutes,
            }

        return [
            Declaration(
                name="request",
                provider=self._dynamic(LinkRequestProvider()),
                inputs=lambda _: {
                    "org_id": org_id,
                    "account_number": account_number,
                    "stack_name": settings.stack_name,
                    "template_hosts": list(settings.template_hosts),
                    "unlink_on_destroy": settings.unlink_on_destroy,
                },
                reads={},
                after=note,
            ),
            Declaration(
                name="stack",
                provider=self._stack,
                inputs=lambda known: {
                    "name": settings.stack_name,
                    # Empty where it goes by URL.
                    "templateBody": known["request"]["template_body"] or None,
                    "templateUrl": _url_unless_inline(known["request"]),
                    "capabilities": ["CAPABILITY_IAM"],
                    "onFailure": "DELETE",
                    "tags": dict(settings.tags) or None,
                },
                reads={"templateBody": "request", "templateUrl": "request"},
                replaces_on_init_error=True,
                delete_before_replace=True,
                before=verify,
                on_error=lambda error: self._emit_progress(what_to_do(error, "lab") or ""),
            ),
            Declaration(
                name="connected",
                provider=self._dynamic(ConnectedAccountProvider()),
                inputs=lambda known: {
                    "org_id": org_id,
                    "account_number": known["request"]["account_number"],
                    **of_the_link(known),
                    "unlink_on_destroy": settings.unlink_on_destroy,
                },
                reads={"account_number": "request", **_OF_THE_LINK},
            ),
            Declaration(
                name="wait",
                provider=self._dynamic(ConnectionWaitProvider()),
                inputs=lambda known: {
                    "org_id": org_id,
                    "account_number": known["connected"]["account_number"],
                    **of_the_link(known),
                },
                reads={"account_number": "connected", **_OF_THE_LINK},
            ),
        ]

    def _dynamic(self, provider: Any) -> Provider:
        provider.settings, provider.context = self.cloud.settings, self._context()
        provider.new_client = self.cloud.new_client
        return DynamicProvider(provider)


def _url_unless_inline(request: Values) -> Any:
    body, url = request["template_body"], request["template_url"]
    if body is UNKNOWN:
        return UNKNOWN
    return None if body else url
