"""Several organizations beside one another: which one a token, a link or an id belongs to. No HTTP here."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Protocol

from sandbox.csp.state import TokenService
from sandbox.vmc.links import Link
from sandbox.vmc.state import LinkRefused, LinkStore


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One organization: its links and connected accounts, and who may ask for them."""

    links: LinkStore
    tokens: TokenService

    @property
    def id(self) -> str:
        """The organization's long id."""
        return self.links.org_id


class LinkRegistry(Protocol):
    """What AWS asks of VMware: one organization's `LinkStore` or all of them."""

    def link(self, link_id: str) -> Link | None:
        """One link, or None if it was never requested."""

    def template_for_url(self, url: str) -> str | None:
        """What CloudFormation would read from a TemplateURL: None where it would get no 200."""

    def complete_link(
        self, *, link_id: str, account_number: str, stack_name: str, role_arns: Mapping[str, str]
    ) -> None:
        """Take the report of the template's custom resource."""


class Organizations:
    """All organizations of a sandbox; the first is the one that `ORG_ID` names."""

    def __init__(self, members: tuple[Organization, ...]) -> None:
        """Take them in their order."""
        self._members = {member.id: member for member in members}

    def __iter__(self) -> Iterator[Organization]:
        """Go through them, the first one first."""
        return iter(self._members.values())

    def __getitem__(self, org_id: str) -> Organization:
        """The organization of that id.

        Raises:
            KeyError: there is none.
        """
        return self._members[org_id]

    @property
    def first(self) -> Organization:
        """The one that `ORG_ID` names."""
        return next(iter(self))

    def let_in_by(self, access_token: str) -> Organization | None:
        """Whose access token this is; None: nobody's, or it has expired."""
        return next((member for member in self if member.tokens.is_valid(access_token)), None)

    def of_link(self, link_id: str) -> Organization | None:
        """Who requested a link; None: nobody."""
        return next((member for member in self if member.links.link(link_id)), None)

    def link(self, link_id: str) -> Link | None:
        """One link, or None if it was never requested."""
        member = self.of_link(link_id)
        return member.links.link(link_id) if member else None

    def template_for_url(self, url: str) -> str | None:
        """What CloudFormation would read from a TemplateURL: None where it would get no 200."""
        found = (member.links.template_for_url(url) for member in self)
        return next((text for text in found if text is not None), None)

    def complete_link(
        self, *, link_id: str, account_number: str, stack_name: str, role_arns: Mapping[str, str]
    ) -> None:
        """Take the report of the template's custom resource to the organization that requested the link.

        Raises:
            LinkRefused: the link is unknown or has expired.
        """
        member = self.of_link(link_id)
        if member is None:
            raise LinkRefused(f"the link request {link_id} is unknown")
        member.links.complete_link(
            link_id=link_id, account_number=account_number, stack_name=stack_name, role_arns=role_arns
        )
