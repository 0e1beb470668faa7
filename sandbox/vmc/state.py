"""What the emulated VMware Cloud knows of an organization's linking. No HTTP here."""

import dataclasses
import secrets
import threading
import urllib.parse
import uuid
from collections.abc import Mapping
from datetime import timedelta

from sandbox.clock import Clock
from sandbox.modes import Modes, ModeSwitch, TaskOutcome, TemplateKind
from sandbox.vmc import template
from sandbox.vmc.account_store import AccountStore
from sandbox.vmc.links import Link, Run, Task, task_of
from sandbox.vmc.subnets import SubnetStore

TEMPLATE_PATH = "/templates/"
FOREIGN_BASE = "https://templates.example.net"
"""A host that is neither S3's nor the service's; example.net belongs to nobody."""
SIBLING_BASE = "https://vmc.broadcom.com"
"""Another name of VMware's own service."""
_OTHER_BASES = {TemplateKind.FOREIGN_HOST: FOREIGN_BASE, TemplateKind.SIBLING_HOST: SIBLING_BASE}
CALLBACK_PATH = "/vmc/api/callbacks/publics/account-link/template"
"""Source: VMware's own generated client of 2018; `/{org}/{tokenId}/{tokenContent}` follows."""


_NOT_SERVED = frozenset(
    {
        TemplateKind.FOREIGN_HOST,
        TemplateKind.SIBLING_HOST,
        TemplateKind.REDIRECT,
        TemplateKind.MISSING,
        TemplateKind.PATH_TOKEN,
        TemplateKind.LARGE_ON_SERVICE,
    }
)
"""What CloudFormation does not get, or does not take: a TemplateURL has to be one of S3."""


class LinkRefused(Exception):
    """A template's run is not accepted; the text is one line, fit for a stack event."""


class LinkStore:
    """All of one organization's linking; safe across server threads.

    Nothing runs in the background: a state follows from stored moments and the clock.
    """

    def __init__(self, *, org_id: str, clock: Clock, modes: ModeSwitch) -> None:
        self.org_id = org_id
        self._clock = clock
        self._modes = modes
        self._links: dict[str, Link] = {}
        self.s3_url = ""
        """Where S3 serves the templates that are too large to be passed inline; empty: the service does."""
        self.accounts = AccountStore(org_id=org_id, clock=clock, modes=modes)
        self.subnets = SubnetStore(self.accounts, clock=clock, modes=modes)
        self._lock = threading.Lock()

    @property
    def current_modes(self) -> Modes:
        """The modes in force."""
        return self._modes.current

    def request_link(self, base_url: str) -> Link:
        """Make a link whose template is served under `base_url`."""
        modes = self._modes.current
        link_id = str(uuid.uuid4())
        now = self._clock.now()
        signature = secrets.token_hex(32)
        query = urllib.parse.urlencode(
            {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
                "X-Amz-Expires": int(modes.link_lifetime_seconds),
                "X-Amz-Signature": signature,
            }
        )
        link = Link(
            id=link_id,
            requested_at=now,
            expires_at=now + timedelta(seconds=modes.link_lifetime_seconds),
            template_kind=modes.template,
            signature=signature,
            template_url=self._template_url(base_url.rstrip("/"), link_id, signature, query, modes.template),
        )
        with self._lock:
            self._links[link_id] = link
        return link

    def _template_url(self, base: str, link_id: str, signature: str, query: str, kind: TemplateKind) -> str:
        if kind is TemplateKind.PATH_TOKEN:
            return f"{base}{CALLBACK_PATH}/{self.org_id}/{link_id}/{signature}"
        if kind in _OTHER_BASES:
            base = _OTHER_BASES[kind]
        elif kind is TemplateKind.LARGE and self.s3_url:
            base = self.s3_url
        return f"{base}{TEMPLATE_PATH}{link_id}?{query}"

    def complete_link(
        self, *, link_id: str, account_number: str, stack_name: str, role_arns: Mapping[str, str]
    ) -> None:
        """Take the report of the template's custom resource, as VMware does from its Lambda.

        The account is connected, or the task fails, later: as the modes of this moment say. A link that
        was run already may be run again until it expires.

        Raises:
            LinkRefused: the link is unknown or has expired.
        """
        with self._lock:
            link = self._links.get(link_id)
            now = self._clock.now()
            if link is None:
                raise LinkRefused(f"the link request {link_id} is unknown")
            if link.is_expired(now):
                expired_at = f"{link.expires_at:%Y-%m-%dT%H:%M:%SZ}"
                raise LinkRefused(f"the link request {link_id} expired at {expired_at}")
            run = Run(
                at=now,
                account_number=account_number,
                stack_name=stack_name,
                role_arns=dict(role_arns),
                modes=self._modes.current,
            )
            self._links[link_id] = dataclasses.replace(link, runs=(*link.runs, run))
            if run.modes.task_outcome is TaskOutcome.FINISH:
                self.accounts.connect(run)

    def links(self) -> tuple[Link, ...]:
        """All links, the oldest first."""
        with self._lock:
            return tuple(self._links.values())

    def link(self, link_id: str) -> Link | None:
        """One link, or None if it was never requested."""
        with self._lock:
            return self._links.get(link_id)

    def task(self, task_id: str) -> Task | None:
        """A link's task as it shows now, or None for an id that tracks nothing."""
        link = self.link(task_id)
        return task_of(link, self._clock.now(), self._modes.current) if link else None

    def template_text(self, link_id: str) -> str:
        """What the link's URL holds, whatever its signature and age.

        Raises:
            LinkRefused: the link is unknown.
        """
        link = self.link(link_id)
        if link is None:
            raise LinkRefused(f"the link request {link_id} is unknown")
        return template.template_text(link.template_kind, link_id=link.id, org_id=self.org_id)

    def template_for_url(self, url: str) -> str | None:
        """What CloudFormation would read from a TemplateURL: None where it would get no 200.

        That is a URL that is not exactly one requested here (host, path and signature), an expired one, or
        one that leads to a redirect, an error or another host.
        """
        requested = urllib.parse.urlsplit(url)
        link = self.link(requested.path.removeprefix(TEMPLATE_PATH))
        if link is None or not self.may_read(link, urllib.parse.parse_qs(requested.query)):
            return None
        own = urllib.parse.urlsplit(link.template_url)
        served = set(TemplateKind) - _NOT_SERVED
        is_own = (requested.scheme, requested.netloc) == (own.scheme, own.netloc)
        if not is_own or link.template_kind not in served:
            return None
        return self.template_text(link.id)

    def may_read(self, link: Link, query: Mapping[str, list[str]]) -> bool:
        """Whether a URL's query holds the link's signature, and in time."""
        signature = query.get("X-Amz-Signature", [""])[0]
        right = secrets.compare_digest(signature.encode(), link.signature.encode())
        return right and not link.is_expired(self._clock.now())
