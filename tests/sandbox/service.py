"""A running VMware side of the sandbox, seen from a client: a real server, asked with `requests`."""

from typing import Any, Self

import requests

from sandbox.control.client import SandboxControl
from sandbox.server import RunningServer
from sandbox.vmware_app import build_vmware_app
from sandbox.world import World

ACCOUNT = "123456789012"
ROLE_ARNS = {
    name: f"arn:aws:iam::{ACCOUNT}:role/lab-{name}-X"
    for name in ("RemoteRole", "RemoteRolePayer", "RemoteRoleService")
}
TIMEOUT_SECONDS = 10.0


class Vmware:
    """One server with its state in reach, and a client that is logged in."""

    def __init__(self) -> None:
        self.world = World.new()
        self.server = RunningServer(build_vmware_app(self.world), name="vmware")
        self.url = self.server.url
        self.org_id = self.world.links.org_id
        self.control = SandboxControl(self.url)
        self.http = requests.Session()
        self.http.trust_env = False
        self.log_in()
        self.world.journal.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.control.close()
        self.world.faults.release()
        self.server.stop()

    def exchange(self, **form: str) -> requests.Response:
        url = f"{self.url}/csp/gateway/am/api/auth/api-tokens/authorize"
        return self.http.post(url, data=form, timeout=TIMEOUT_SECONDS)

    def log_in(self) -> None:
        answer = self.exchange(refresh_token=self.world.tokens.credentials.api_token).json()
        self.http.headers["csp-auth-token"] = answer["access_token"]

    def pass_time(self, seconds: float) -> None:
        """Move the clock, past the access token's end if need be."""
        self.control.advance(seconds)
        self.log_in()

    def ask(self, path: str, *, method: str = "GET", **options: Any) -> requests.Response:
        """Call the API below the organization."""
        url = f"{self.url}/vmc/api/orgs/{self.org_id}{path}"
        return self.http.request(method, url, timeout=TIMEOUT_SECONDS, **options)

    def request_link(self) -> dict[str, Any]:
        link: dict[str, Any] = self.ask("/account-link").json()
        return link

    def run_template(self, link: dict[str, Any], *, account: str = ACCOUNT, stack: str = "lab") -> None:
        """Do what the template's custom resource does."""
        self.world.links.complete_link(
            link_id=link["tracking_task"], account_number=account, stack_name=stack, role_arns=ROLE_ARNS
        )

    def link_account(self) -> dict[str, Any]:
        """Mint a link, run it, and wait until it is through."""
        link = self.request_link()
        self.run_template(link)
        self.control.advance(self.control.modes().task_seconds)
        return link

    def task(self, link: dict[str, Any]) -> dict[str, Any]:
        task: dict[str, Any] = self.ask(f"/tasks/{link['tracking_task']}").json()
        return task

    def accounts(self) -> list[dict[str, Any]]:
        accounts: list[dict[str, Any]] = self.ask("/account-link/connected-accounts").json()
        return accounts

    def unlink(self, account_id: str, **query: str) -> requests.Response:
        path = f"/account-link/connected-accounts/{account_id}"
        return self.ask(path, method="DELETE", params=query)
