"""The program of a lab: what the repository's `__main__.py` declares, with settings from the spec.

Imported before any thread starts: the first use of a lazy module of `pulumi_aws` in two threads at once fails
with "module has no attribute 'Stack'" (seen on the engine).
"""

import json
from collections.abc import Callable
from typing import cast

import pulumi
import pulumi_aws as aws

from vmc_account_link import AccountLink, AccountLinkArgs
from vmc_account_link.settings import VmcSettings
from vmc_labs.spec.model import ROLE_SESSION_NAME, LabSpec
from vmc_labs.state.reader import SETTINGS, settings_digest

COMPONENT = "account-link"
"""As in `__main__.py`, so that a lab's stack can be taken over by a plain `pulumi up`, and the other way."""
OUTPUTS = (
    "account_number",
    "connected_account_id",
    "connected_account_state",
    "stack_id",
    "stack_name",
    "tracking_task",
    "link_expiration_date",
    "compatible_subnets",
    "rejected_subnets",
)

# Loads the lazy modules.
_STACK, _PROVIDER = aws.cloudformation.Stack, aws.Provider


def program(lab: LabSpec, vmc: VmcSettings) -> Callable[[], None]:
    """The lab's program, for an engine that runs in this process.

    Args:
        lab: what to declare.
        vmc: the lab's organisation and its token, as a value: the token is in no configuration, no process's
            environment and no state.
    """
    arguments = {**lab.settings, "aws_account_id": lab.aws_account_id, "vmc": vmc}

    def declare() -> None:
        # Not `set_config`: its default mapping is shared by all threads.
        pulumi.runtime.set_all_config(configuration(lab))
        link = AccountLink(COMPONENT, cast("AccountLinkArgs", arguments))
        for name in OUTPUTS:
            pulumi.export(name, getattr(link, name))
        pulumi.export(SETTINGS, settings_digest(lab))

    return declare


def configuration(lab: LabSpec) -> dict[str, str]:
    """The lab's `aws:` configuration; there is no file of it and no secret in it.

    It reaches the AWS provider as arguments that stand in the state, so a destroy has them too.
    """
    values: dict[str, str] = {}
    if lab.credentials.profile:
        values["aws:profile"] = lab.credentials.profile
    if lab.aws_account_id:
        # One AWS provider for a lab, whose process is most of a lab's memory (ADR 0001).
        values["aws:allowedAccountIds"] = json.dumps([lab.aws_account_id])
    if lab.credentials.role_arn:
        role = {"roleArn": lab.credentials.role_arn, "sessionName": ROLE_SESSION_NAME}
        values["aws:assumeRoles"] = json.dumps([role])
    return values
