"""Compatible subnets, SDDC connections, zone mapping and the task list over HTTP."""

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
_CONDITION = re.compile(r"\(?\s*(\w+)\s+(eq|ne)\s+'([^']*)'\s*\)?")


class BadQuestion(ValueError):
    """A parameter or a body that the service does not take; the text is its message."""


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

    @blueprint.post(f"{_LINKING}/compatible-subnets", endpoint="choose-subnet")
    def choose_subnet(org_id: str) -> Response:
        return jsonify(_chosen_subnet(organizations[org_id].links))

    @blueprint.get(f"{_LINKING}/compatible-subnets-async", endpoint="list-compatible-subnets-async")
    def list_compatible_subnets_async(org_id: str) -> Response:
        store = organizations[org_id].links
        found = _compatible_subnets(store, force_refresh=False)
        task = store.jobs.start("ACCOUNT-LINK-SUBNETS", {"subnet_list_result": found})
        return jsonify(wire.task_to_wire(task, org_id, store.current_modes))

    @blueprint.post(f"{_LINKING}/compatible-subnets-async", endpoint="choose-subnet-async")
    def choose_subnet_async(org_id: str) -> Response:
        store = organizations[org_id].links
        task = store.jobs.start("ACCOUNT-LINK-SUBNET", {"subnet_result": _chosen_subnet(store)})
        return jsonify(wire.task_to_wire(task, org_id, store.current_modes))

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

    @blueprint.post(f"{_LINKING}/map-customer-zones", endpoint="map-customer-zones")
    def map_customer_zones(org_id: str) -> Response:
        store, body = organizations[org_id].links, _body()
        regions = body.get("petronas_regions_to_map")
        if not isinstance(regions, list) or not all(isinstance(region, str) for region in regions):
            raise BadQuestion("petronas_regions_to_map must be a list of regions.")
        store.subnets.rescan(str(body.get("connected_account_id")))
        task = store.jobs.start("ACCOUNT-LINK-MAP-ZONES", {})
        return jsonify(wire.task_to_wire(task, org_id, store.current_modes))

    @blueprint.get(f"{_ORG}/tasks", endpoint="list-tasks")
    def list_tasks(org_id: str) -> Response:
        store = organizations[org_id].links
        tasks = [wire.task_to_wire(task, org_id, store.current_modes) for task in store.tasks()]
        expected = request.args.get("$filter", "")
        return jsonify([task for task in tasks if _fits(task, expected)])


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


def _chosen_subnet(store: LinkStore) -> dict[str, Any]:
    body = _body()
    account_id, region = str(body.get("connected_account_id")), str(body.get("region_name"))
    for subnet in store.subnets.of_account(account_id, region):
        if subnet.id == body.get("subnet_id") and subnet.note is None:
            return wire.chosen_subnet_to_wire(subnet, account_id, region)
    raise BadQuestion(f"The subnet {body.get('subnet_id')} is not compatible.")


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadQuestion("The request's body is not an object.")
    return body


def _fits(task: dict[str, Any], expected: str) -> bool:
    """Whether a task fits a filter: comparisons with `eq` and `ne`, joined by `and`."""
    for part in filter(None, re.split(r"\s+and\s+", expected.strip())):
        condition = _CONDITION.fullmatch(part)
        if condition is None or condition[1] not in task:
            raise BadQuestion(f"Invalid filter {part}.")
        if (task[condition[1]] == condition[3]) != (condition[2] == "eq"):
            return False
    return True


def _rejection(code: str, error: Exception) -> Response:
    answer = jsonify(wire.error_to_wire(400, request.path, code, str(error)))
    answer.status_code = 400
    return answer
