"""The organisation of a token that sees exactly one, where none is set."""

from collections.abc import Callable, Sequence

from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import Organisation
from vmc_account_link.errors import SettingsError
from vmc_account_link.settings import VmcSettings

_MOST_NAMED = 5


def find_organisation(
    settings: VmcSettings,
    *,
    emit_progress: Callable[[str], object],
    new_client: Callable[[VmcSettings], VmcClient] = VmcClient,
) -> str:
    """Ask which organisations the token sees, and take the only one.

    Args:
        settings: without an organisation.
        emit_progress: takes the line that says which one is used.
        new_client: makes a client of the settings.

    Raises:
        SettingsError: it sees none, or several.
        VmcError: the service could not be asked.
    """
    with new_client(settings) as vmc:
        visible = vmc.list_organisations()
    if len(visible) != 1:
        raise SettingsError(
            "vmc:orgId",
            f"it is not set, and the token sees {_described(visible)}",
            "Run `pulumi config set vmc:orgId <organisation id>` or set ORG_ID.",
        )
    emit_progress(f"vmc:orgId is not set: {_described(visible)} is used, the only one that the token sees")
    return visible[0].id


def _described(visible: Sequence[Organisation]) -> str:
    named = [f"{one.id} ({one.name})" if one.name else one.id for one in visible[:_MOST_NAMED]]
    more = f" and {len(visible) - _MOST_NAMED} more" if len(visible) > _MOST_NAMED else ""
    return f"organisation {', '.join(named)}{more}" if named else "no organisation"
