"""A lab and this process's environment -> the environment of the lab's own processes. Pure."""

import sys
from collections.abc import Mapping

from labs.errors import RequestError
from labs.spec import LabSpec, Service
from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import VmcSettings, read_settings

_VMC_SECRETS = ("API_TOKEN", "CLIENT_ID", "CLIENT_SECRET")


def vmc_settings(service: Service, environ: Mapping[str, str]) -> VmcSettings:
    """The organisation's settings with the real credentials, which stay in this process.

    Args:
        service: of the spec.
        environ: the process's environment: the variable that the spec names, else the OAuth app's.

    Raises:
        RequestError: there are no credentials; the message names the variable.
    """
    known = {"vmc:orgId": service.org_id, "vmc:vmcUrl": service.vmc_url, "vmc:cspUrl": service.csp_url}
    token = environ.get(service.token_variable, "").strip()
    if not token and service.token_variable != "API_TOKEN":  # noqa: S105 # nosec B105 - a name
        raise RequestError(
            f"vmc.tokenVariable: {service.token_variable} is not set: export the API token of organisation "
            f"{service.org_id} in it"
        )
    variables = {name: environ[name] for name in ("CLIENT_ID", "CLIENT_SECRET") if name in environ}
    if token:
        variables["API_TOKEN"] = token
    try:
        return read_settings(known.get, variables)
    except SettingsError as error:
        if "no VMC API token" in error.answered:
            raise RequestError(
                f"organisation {service.org_id}: no VMC API token is set: export {service.token_variable} "
                "(or CLIENT_ID and CLIENT_SECRET of an OAuth app)"
            ) from None
        raise RequestError(str(error)) from None


def lab_environment(lab: LabSpec, environ: Mapping[str, str], *, backend: str) -> dict[str, str]:
    """The environment of a lab's CLI and of the AWS plugin that it starts: no secret of VMware's in it.

    The AWS part is this process's: a lab's profile or role is an argument of its provider, so that it goes
    before `AWS_*` and holds for a destroy as well; the backend may need this process's own.

    Args:
        lab: the lab.
        environ: this process's environment.
        backend: a Pulumi backend's URL; "" for the one that the environment or `pulumi login` names.
    """
    dropped = {*_VMC_SECRETS, lab.service.token_variable}
    kept = {name: value for name, value in environ.items() if name not in dropped}
    return {
        **kept,
        **({"PULUMI_BACKEND_URL": backend} if backend else {}),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
