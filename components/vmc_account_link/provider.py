"""What the providers of all our dynamic resources have in common."""

import os
from typing import Any

from pulumi.dynamic import ConfigureRequest, ResourceProvider

from vmc_account_link.api.models import AccountRecord
from vmc_account_link.call_context import emit_progress
from vmc_account_link.provider_process import prepare
from vmc_account_link.settings import VmcSettings, read_settings


class ServiceProvider(ResourceProvider):
    """A provider that asks VMware Cloud on AWS."""

    serialize_as_secret_always = False
    """The pickled provider is a module and a class name; encrypting it would only slow the state down."""

    settings: VmcSettings
    """Set by `configure`, in the engine's provider process alone."""

    def configure(self, req: ConfigureRequest) -> None:
        """Make the process ready for us, and read the settings from the configuration and the environment.

        Raises:
            SettingsError: one is missing or malformed.
        """
        secrets: list[str] = []
        # First, so that a missing setting is one line too.
        for line in prepare(secrets):
            emit_progress(line)
        self.settings = read_settings(req.config.get, os.environ)
        secrets.extend(self.settings.secrets)


def record_outputs(account: AccountRecord) -> dict[str, Any]:
    """What a resource that stands for a connected account keeps of its record."""
    return {
        "connected_account_id": account.id,
        "connected_account_state": account.state,
        "cf_stack_name": account.cf_stack_name,
    }
