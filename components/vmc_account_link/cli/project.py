"""A Pulumi project's configuration and state, asked of the `pulumi` command; nothing is written."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vmc_account_link import resource_types
from vmc_account_link.errors import CommandFailed, RequestError, SettingsError, VmcError
from vmc_account_link.link.evidence import link_evidence
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.pulumi_cli import PulumiCli, find_project_file
from vmc_account_link.pulumi_state import PulumiState, Resource, read_deployment


class NoSuchLink(VmcError):
    """The Pulumi state holds no such link."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What a Pulumi stack's state knows of one link."""

    component: str
    """The name of the `AccountLink`."""
    org_id: str | None
    account_number: str | None
    """12 digits."""
    stack_name: str | None
    """The CloudFormation stack's."""
    stack_id: str | None
    """Its ARN."""
    known: LinkEvidence | None
    """By which the service's record is ours; None of an existing link."""
    expiration_date: str | None
    """ISO 8601, UTC."""
    requested_at: str | None
    """ISO 8601, UTC."""
    is_existing: bool
    """Whether the link was made elsewhere: it has no request and no stack here."""
    aws_provider: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """The inputs of the AWS provider of its stack, as far as they are text; secrets only where asked for."""
    template_body: str | None = dataclasses.field(default=None, repr=False)
    """Only where secrets were asked for."""
    template_url: str | None = dataclasses.field(default=None, repr=False)
    """Only where secrets were asked for."""

    @property
    def region(self) -> str | None:
        """The stack's region, out of its ARN."""
        parts = (self.stack_id or "").split(":")
        return parts[3] if len(parts) > 5 else None


class Project:
    """The Pulumi project of a folder, and one of its stacks."""

    def __init__(self, folder: Path, stack: str | None) -> None:
        """Find the project.

        Args:
            folder: of the project, or below it.
            stack: a stack's name; None for the one selected in the folder.

        Raises:
            SettingsError: there is no project in the folder, nor above it.
        """
        self.stack = stack
        self._cli = PulumiCli(folder, stack)
        try:
            file = find_project_file(folder)
            if file is None:
                raise FileNotFoundError
            # JSON is YAML too.
            self.name = str(yaml.safe_load(file.read_text(encoding="utf-8"))["name"])
        except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError):
            raise SettingsError(
                str(folder), "there is no Pulumi project here", "Name its folder with --cwd."
            ) from None

    def config(self) -> dict[str, str]:
        """The stack's configuration: full key -> value; objects as JSON. It holds secrets in plaintext.

        Raises:
            RequestError: the engine refused, in its own words.
        """
        with _with_a_hint():
            wire = json.loads(self._cli.ask("config", "--show-secrets", "--json") or "{}")
        return {key: str(entry.get("value", "")) for key, entry in wire.items()}

    def links(self, *, show_secrets: bool = False) -> tuple[LinkState, ...]:
        """The links in the stack's state.

        Args:
            show_secrets: whether their templates and URLs are wanted.

        Raises:
            RequestError: the engine refused, in its own words.
        """
        with _with_a_hint():
            export = self._cli.export(show_secrets=show_secrets)
        return links_of(read_deployment(export["deployment"]))

    def link(self, component: str | None = None, *, show_secrets: bool = False) -> LinkState:
        """The one link of the state, or the one named.

        Raises:
            NoSuchLink: there is none, or more than one and none was named.
            RequestError: the engine refused, in its own words.
        """
        links = self.links(show_secrets=show_secrets)
        named = [link for link in links if component in {None, link.component}]
        if len(named) == 1:
            return named[0]
        names = ", ".join(sorted(link.component for link in links))
        stack = self.stack or "(selected)"
        action = f"look for a link in the state of Pulumi stack {stack} of project {self.name}"
        if not links:
            raise NoSuchLink(action, "it holds none", "Run `pulumi up`, or name the link by its flags.")
        raise NoSuchLink(action, f"it holds {names}", "Choose one with --component.")


@contextlib.contextmanager
def _with_a_hint() -> Iterator[None]:
    """Whatever the engine refuses here, the request is to be changed."""
    try:
        yield
    except RequestError:
        raise
    except CommandFailed as error:
        raise RequestError(
            f"{error}. Select a Pulumi stack (`pulumi stack select`), name it with --stack, or log in "
            "(`pulumi login`)."
        ) from None


def links_of(state: PulumiState) -> tuple[LinkState, ...]:
    """The links in a state, by the component that holds them. Pure."""
    by_parent: dict[str, dict[str, Resource]] = {}
    for resource in state.resources:
        if resource.type in resource_types.OF_A_LINK:
            by_parent.setdefault(resource.parent, {})[resource.type] = resource
    return tuple(
        _link(parent, held, state) for parent, held in by_parent.items() if set(held) - {resource_types.STACK}
    )


def _known(request: Mapping[str, Any], connected: Mapping[str, Any]) -> LinkEvidence | None:
    if not (request.get("account_number") and request.get("stack_name")):
        return None
    return link_evidence({**request, "own_record": connected.get("own_record")})


def _link(parent: str, held: Mapping[str, Resource], state: PulumiState) -> LinkState:
    values = {kind: {**resource.inputs, **resource.outputs} for kind, resource in held.items()}
    request, stack = values.get(resource_types.LINK_REQUEST, {}), values.pop(resource_types.STACK, {})
    provider = state.aws_provider(parent)

    def first(key: str) -> str | None:
        return next((dynamic[key] for dynamic in values.values() if dynamic.get(key)), None)

    def requested(key: str) -> str | None:
        return request.get(key) or None

    return LinkState(
        component=parent.rpartition("::")[2],
        org_id=first("org_id"),
        account_number=first("account_number"),
        stack_name=stack.get("name") or first("stack_name") or first("cf_stack_name"),
        stack_id=held[resource_types.STACK].id or None if resource_types.STACK in held else None,
        known=_known(request, values.get(resource_types.CONNECTED_ACCOUNT, {})),
        expiration_date=requested("expiration_date"),
        requested_at=requested("requested_at"),
        is_existing=resource_types.LINK_REQUEST not in held,
        aws_provider=provider.inputs if provider else {},
        template_body=requested("template_body"),
        template_url=requested("template_url"),
    )
