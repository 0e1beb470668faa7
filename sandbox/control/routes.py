"""The control over HTTP: not journaled, no credentials, loopback only."""

import math
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control import wire
from sandbox.faults import InvalidFault, PlannedFault
from sandbox.modes import UnknownMode
from sandbox.vmc.account_store import AccountStore, UnknownAccount
from sandbox.vmc.accounts import AccountState
from sandbox.world import World


class _BadRequest(ValueError):
    """What was sent can't be done; the text is one line."""


def control_blueprint(world: World) -> Blueprint:
    """Everything that can be seen and changed behind a client's back."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")
    for error in (_BadRequest, InvalidFault, UnknownMode, UnknownAccount):
        blueprint.register_error_handler(error, _refuse)

    @blueprint.delete("")
    def reset() -> Response:
        world.reset()
        return jsonify(wire.modes_to_wire(world.modes.current))

    _journal_routes(blueprint, world)
    _modes_routes(blueprint, world)
    _clock_routes(blueprint, world)
    _faults_routes(blueprint, world)
    _accounts_routes(blueprint, world)
    return blueprint


def _journal_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/journal")
    def read_journal() -> Response:
        return jsonify([entry.to_wire() for entry in world.journal.entries()])

    @blueprint.delete("/journal")
    def clear_journal() -> Response:
        world.journal.clear()
        return jsonify([])

    @blueprint.get("/links")
    def links() -> Response:
        requested = [(link, one.links) for one in world.organizations for link in one.links.links()]
        tasks = ((link, store.task(link.id), store.org_id) for link, store in requested)
        ordered = sorted(tasks, key=lambda found: found[0].requested_at)
        return jsonify([wire.link_to_wire(link, task, org_id) for link, task, org_id in ordered if task])


def _modes_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/modes")
    def read_modes() -> Response:
        return jsonify(wire.modes_to_wire(world.modes.current))

    @blueprint.patch("/modes")
    def change_modes() -> Response:
        return jsonify(wire.modes_to_wire(world.modes.apply(_body())))

    @blueprint.delete("/modes")
    def reset_modes() -> Response:
        return jsonify(wire.modes_to_wire(world.modes.reset()))


def _clock_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/clock")
    def read_clock() -> Response:
        return jsonify(now=world.clock.now().isoformat())

    @blueprint.post("/clock")
    def advance_clock() -> Response:
        seconds = _body(allowed={"seconds"}).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise _BadRequest(f"seconds must be a number, not {seconds!r}")
        try:
            return jsonify(now=world.clock.advance(seconds).isoformat())
        except OverflowError:
            raise _BadRequest(f"{seconds:g} seconds lead out of the calendar") from None


def _faults_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/faults")
    def read_faults() -> Response:
        return jsonify([fault.to_wire() for fault in world.faults.planned()])

    @blueprint.post("/faults")
    def plan_fault() -> Response:
        fault = PlannedFault.from_wire(_body())
        world.faults.plan(fault)
        return jsonify(fault.to_wire())

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        world.faults.clear()
        return jsonify([])


def _accounts_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/organizations")
    def read_organizations() -> Response:
        return jsonify([organization.id for organization in world.organizations])

    @blueprint.post("/sddcs")
    def attach_sddc() -> Response:
        body = _body(allowed={"account_number", "org_id"})
        number = _account_number(body)
        return jsonify(id=_account_store(world, body).attach_sddc(number), account_number=number)

    @blueprint.delete("/sddcs")
    def detach_sddcs() -> Response:
        for organization in world.organizations:
            organization.links.accounts.detach_sddcs(request.args.get("account_number"))
        return jsonify([])

    @blueprint.get("/connected-accounts")
    def read_accounts() -> Response:
        return jsonify(
            [
                wire.account_to_wire(account, organization.id)
                for organization in world.organizations
                for account in organization.links.accounts.connected()
            ]
        )

    @blueprint.post("/connected-accounts")
    def seed_or_change_account() -> Response:
        body = _body(allowed={"account_number", "cf_stack_name", "state", "org_id"})
        number, accounts = _account_number(body), _account_store(world, body)
        state = _state(body.get("state", "ACTIVE"))
        stack_name = body.get("cf_stack_name")
        if stack_name is None:
            return jsonify(wire.account_to_wire(accounts.set_state(number, state), accounts.org_id))
        if not isinstance(stack_name, str) or not stack_name:
            raise _BadRequest(f"cf_stack_name must be a name, not {stack_name!r}")
        seeded = accounts.seed(number, stack_name=stack_name, state=state)
        return jsonify(wire.account_to_wire(seeded, accounts.org_id))

    @blueprint.delete("/connected-accounts")
    def remove_account() -> Response:
        given = dict(request.args)
        _account_store(world, given).remove(_account_number(given))
        return jsonify([])


def _account_store(world: World, given: dict[str, Any]) -> AccountStore:
    """The accounts of the organization that `org_id` names; without it, the first one's."""
    org_id = given.get("org_id")
    for organization in world.organizations:
        if org_id in {None, organization.id}:
            return organization.links.accounts
    known = ", ".join(organization.id for organization in world.organizations)
    raise _BadRequest(f"there is no organization {org_id!r}; there is {known}")


def _body(*, allowed: set[str] | None = None) -> dict[str, Any]:
    """The request's JSON object."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise _BadRequest("the body must be a JSON object")
    if allowed is not None and (unknown := sorted(set(body) - allowed)):
        raise _BadRequest(f"{unknown[0]!r} is none of {', '.join(sorted(allowed))}")
    return body


def _account_number(given: dict[str, Any]) -> str:
    number = given.get("account_number")
    if not isinstance(number, str) or len(number) != 12 or not number.isdecimal():
        raise _BadRequest(f"account_number must be a string of 12 digits, not {number!r}")
    return number


def _state(value: Any) -> AccountState:
    try:
        return AccountState(value)
    except ValueError:
        raise _BadRequest(f"state {value!r} is none of {', '.join(AccountState)}") from None


def _refuse(error: Exception) -> Response:
    answer = jsonify(error=str(error))
    answer.status_code = 400
    return answer
