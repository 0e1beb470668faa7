"""A lab and this process's environment -> its credentials, and the environment of its processes."""

import sys
from collections.abc import Collection, Mapping

from vmc_account_link.aws_reader import AwsAccess
from vmc_account_link.cli.environment import absolute_paths
from vmc_account_link.errors import RequestError, SettingsError
from vmc_account_link.settings import DEFAULT_REGION, VmcSettings, read_settings
from vmc_labs.spec.model import ROLE_SESSION_NAME, LabSpec, Service

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
        if "no VMC API token" in error.detail:
            raise RequestError(
                f"organisation {service.org_id}: no VMC API token is set: export {service.token_variable} "
                "(or CLIENT_ID and CLIENT_SECRET of an OAuth app)"
            ) from None
        raise RequestError(str(error)) from None


def engine_environment(
    environ: Mapping[str, str],
    *,
    token_variables: Collection[str],
    backend: str = "",
) -> dict[str, str]:
    """The environment of a CLI and of all that it starts: no secret of VMware's, no relative path.

    The AWS part is this process's: a lab's profile or role is an argument of its provider, so that it goes
    before `AWS_*` and holds for a destroy as well; the backend may need this process's own.

    Args:
        environ: this process's environment.
        token_variables: the variables that hold any organisation's token.
        backend: a Pulumi backend's URL, absolute; "" for the one that `pulumi login` names.
    """
    dropped = {*_VMC_SECRETS, *token_variables}
    kept = {name: value for name, value in environ.items() if name not in dropped}
    return {
        **kept,
        # The CLI runs in another folder than this process.
        **absolute_paths(kept),
        **({"PULUMI_BACKEND_URL": backend} if backend else {}),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        # The CLI and the AWS provider live for seconds: with Go's default they spend a seventh of a lab's CPU
        # time on collecting garbage.
        "GOGC": environ.get("GOGC") or "400",
    }


def aws_access(lab: LabSpec) -> AwsAccess:
    """How to ask AWS as the lab's provider does."""
    role = lab.credentials.role_arn
    return AwsAccess(
        region=str(lab.settings.get("region", DEFAULT_REGION)),
        profile=lab.credentials.profile,
        assumed_roles=({"roleArn": role, "sessionName": ROLE_SESSION_NAME},) if role else (),
    )
