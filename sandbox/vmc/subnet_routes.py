"""Compatible subnets and SDDC connections over HTTP."""

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.vmc import wire
from sandbox.vmc.account_store import UnknownAccount
from sandbox.vmc.organizations import Organizations
from sandbox.vmc.state import LinkStore

_ORG = "/vmc/api/orgs/<org_id>"
_LINKING = f"{_ORG}/account-link"
SDDC_TYPES = ("1NODE", "SingleAZ", "MultiAZ")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class BadQuestion(ValueError):
    """A parameter that the service does not take; the text is its message."""


def add_subnet_routes(blueprint: Blueprint, organizations: Organizations) -> None:
    """The calls around a link that exists."""
    blueprint.register_error_handler(BadQuestion, lambda error: _rejection("skyscraper.bad.request", error))
    blueprint.register_error_handler(
        UnknownAccount, lambda error: _rejection("skyscraper.account.link.invalid.connected.account", error)
    )

    @blueprint.get(f"{_LINKING}/compatible-subnets", endpoint="list-compatible-subnets")
    def list_compatible_subnets(org_id: str) -> Response:
        forced = request.args.get("forceRefresh", "false").lower() == "true"
        return jsonify(_compatible_subnets(organizations[org_id].links, force_refresh=forced))

    @blueprint.get(f"{_LINKING}/sddc-connections", endpoint="list-sddc-connections")
    def list_sddc_connections(org_id: str) -> Response:
        requested = _parameters()
        sddcs = organizations[org_id].links.accounts.sddcs()
        return jsonify(
            [
                wire.connection_to_wire(sddc_id, account, org_id)
                for sddc_id, account in sddcs
                if requested.get("sddc") in {None, sddc_id}
            ]
        )


def _parameters() -> dict[str, str]:
    """The query; the service does not take an empty parameter for one that is absent (TF issue 191)."""
    given = request.args.to_dict()
    for key, value in given.items():
        if not value and key == "sddcType":
            raise BadQuestion("Invalid sddc type specified.")
        if not value:
            raise BadQuestion(f"Invalid {key} specified.")
    return given


def _compatible_subnets(store: LinkStore, *, force_refresh: bool) -> dict[str, Any]:
    given = _parameters()
    if "linkedAccountId" not in given:
        raise BadQuestion("linkedAccountId is required.")
    if given.get("sddcType", SDDC_TYPES[0]) not in SDDC_TYPES:
        raise BadQuestion("Invalid sddc type specified.")
    if not given.get("numOfHosts", "1").isdecimal():
        raise BadQuestion("Invalid numOfHosts specified.")
    region = given.get("region", "us-west-2").lower().replace("_", "-")
    if not _REGION.fullmatch(region):
        raise BadQuestion("Invalid region specified.")
    account_id = given["linkedAccountId"]
    subnets = store.subnets.of_account(account_id, region, force_refresh=force_refresh)
    return wire.subnets_to_wire(subnets, account_id, region)


def _rejection(code: str, error: Exception) -> Response:
    answer = jsonify(wire.error_to_wire(400, request.path, code, str(error)))
    answer.status_code = 400
    return answer
