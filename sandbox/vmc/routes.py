"""The account-linking API over HTTP, and the bucket its templates lie in."""

import itertools
import uuid
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, jsonify, request

from sandbox.modes import TemplateKind, TokenRefusal
from sandbox.vmc import wire
from sandbox.vmc.account_store import SddcPresent, UnknownAccount
from sandbox.vmc.organizations import Organizations
from sandbox.vmc.state import CALLBACK_PATH, FOREIGN_BASE, TEMPLATE_PATH, LinkStore
from sandbox.vmc.subnet_routes import add_subnet_routes

_ORG = "/vmc/api/orgs/<org_id>"
_LINKING = f"{_ORG}/account-link"
_ACCOUNTS = f"{_LINKING}/connected-accounts"


def vmc_blueprint(organizations: Organizations, *, started_at: datetime) -> Blueprint:
    """The API; the endpoints' names are the calls'. A token opens its own organization alone."""
    blueprint = Blueprint("vmc", __name__)

    blueprint.before_request(lambda: _admit(organizations))
    _add_organization_routes(blueprint, organizations, started_at=started_at)

    @blueprint.get(_LINKING, endpoint="request-link")
    def request_link(org_id: str) -> Response:
        store = organizations[org_id].links
        return jsonify(wire.link_to_wire(store.request_link(request.host_url), store.current_modes))

    @blueprint.get(_ACCOUNTS, endpoint="list-connected-accounts")
    def list_connected_accounts(org_id: str) -> Response:
        store = organizations[org_id].links
        records = store.accounts.list_accounts()
        return jsonify([wire.account_to_wire(account, org_id, store.current_modes) for account in records])

    @blueprint.delete(f"{_ACCOUNTS}/<account_id>", endpoint="unlink")
    def unlink(org_id: str, account_id: str) -> Response:
        return _unlink(organizations[org_id].links, org_id, account_id)

    @blueprint.get(f"{_ORG}/tasks/<task_id>", endpoint="get-task")
    def get_task(org_id: str, task_id: str) -> Response:
        store = organizations[org_id].links
        task = store.task(task_id)
        if task is None:
            return _error(404, "skyscraper.task.not.found", "Cannot find the task with given identifier")
        return jsonify(wire.task_to_wire(task, org_id, store.current_modes))

    add_subnet_routes(blueprint, organizations)
    return blueprint


def _admit(organizations: Organizations) -> Response | None:
    caller = organizations.let_in_by(_access_token())
    if caller is None:
        error_response = Response(status=401)
        error_response.headers["WWW-Authenticate"] = 'Bearer realm="VMware Cloud"'
        return error_response
    if caller.links.current_modes.token_refusal is TokenRefusal.HOLD:
        return _error(403, "skyscraper.org.on.hold", "The organization is on hold.")
    requested = (request.view_args or {}).get("org_id")
    return None if requested in {None, caller.id} else Response(status=403)


def _add_organization_routes(
    blueprint: Blueprint, organizations: Organizations, *, started_at: datetime
) -> None:
    @blueprint.get("/vmc/api/orgs", endpoint="list-organizations")
    def list_organizations() -> Response:
        caller = organizations.let_in_by(_access_token())
        if caller is None:
            return Response(status=401)
        others = (str(uuid.uuid5(uuid.UUID(caller.id), str(number))) for number in itertools.count())
        visible = itertools.islice(
            itertools.chain([caller.id], others), caller.links.current_modes.visible_organizations
        )
        return jsonify([wire.organization_to_wire(org_id, started_at) for org_id in visible])

    @blueprint.get(_ORG, endpoint="get-organization")
    def get_organization(org_id: str) -> Response:
        return jsonify(wire.organization_to_wire(org_id, started_at))


def template_blueprint(organizations: Organizations) -> Blueprint:
    """What serves the templates: a bucket with signed URLs, and what may be wrong with one."""
    blueprint = Blueprint("template", __name__)

    @blueprint.get(f"{CALLBACK_PATH}/<_org_id>/<link_id>/<signature>", endpoint="download-template-by-path")
    def download_by_path(_org_id: str, link_id: str, signature: str) -> Response:
        return download(link_id, signature)

    @blueprint.get(f"{TEMPLATE_PATH}<link_id>", endpoint="download-template")
    def download_template(link_id: str) -> Response:
        return download(link_id, request.args.get("X-Amz-Signature", ""))

    def download(link_id: str, signature: str) -> Response:
        organization = organizations.of_link(link_id)
        link = organization.links.link(link_id) if organization else None
        if organization is None or link is None:
            return _denied(None)
        store = organization.links
        if not store.may_read(link, {"X-Amz-Signature": [signature]}):
            return _denied("Request has expired" if signature == link.signature else None)
        match link.template_kind:
            case TemplateKind.MISSING:
                return _denied("Request has expired")
            case TemplateKind.REDIRECT:
                return Response(status=302, headers={"Location": f"{FOREIGN_BASE}{TEMPLATE_PATH}{link_id}"})
            case TemplateKind.NOT_A_TEMPLATE:
                return Response(store.template_text(link_id), content_type="text/html")
        return Response(store.template_text(link_id), content_type="binary/octet-stream")

    return blueprint


def _unlink(store: LinkStore, org_id: str, account_id: str) -> Response:
    force = request.args.get("forceEvenWhenSddcPresent", "false").lower() == "true"
    try:
        removed = store.accounts.unlink(account_id, force=force)
    except UnknownAccount:
        code = "skyscraper.account.link.invalid.connected.account"
        return _error(400, code, f"Invalid connected account ID {account_id}.")
    except SddcPresent:
        code = "skyscraper.account.link.sddc.present"
        return _error(400, code, "The connected account still has active SDDCs.")
    return jsonify(wire.unlinked_to_wire(removed, org_id, store.current_modes))


def _access_token() -> str:
    """The token of the request: the API's own header or, as its samples show, a bearer's."""
    if token := request.headers.get("csp-auth-token"):
        return token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _error(status: int, code: str, message: str) -> Response:
    body: dict[str, Any] = wire.error_to_wire(status, request.path, code, message)
    answer = jsonify(body)
    answer.status_code = status
    return answer


def _denied(message: str | None) -> Response:
    """S3's refusal: an expired URL with `message`, a wrong signature without."""
    code = "AccessDenied" if message else "SignatureDoesNotMatch"
    text = message or "The request signature we calculated does not match the signature you provided."
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
    )
    return Response(body, status=403, content_type="application/xml")
