"""Link an AWS account to VMware Cloud on AWS, as one Pulumi component.

>>> from vmc_account_link import AccountLink
>>> link = AccountLink("account-link", {"stack_name": "SDDC-Account-Link"})

The public names are those of `__all__`; everything else may change with any release, but for the import paths
of the dynamic providers, which stand in state files.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from vmc_account_link.account_link import AccountLink
    from vmc_account_link.args import AccountLinkArgs
    from vmc_account_link.compatible_subnets import CompatibleSubnets
    from vmc_account_link.errors import VmcError
    from vmc_account_link.template.report import TemplatePolicy, TemplateReport, inspect_template, violations

_HOMES = {
    "AccountLink": "account_link",
    "AccountLinkArgs": "args",
    "CompatibleSubnets": "compatible_subnets",
    "TemplatePolicy": "template.report",
    "TemplateReport": "template.report",
    "VmcError": "errors",
    "inspect_template": "template.report",
    "violations": "template.report",
}
__all__ = [
    "AccountLink",
    "AccountLinkArgs",
    "CompatibleSubnets",
    "TemplatePolicy",
    "TemplateReport",
    "VmcError",
    "inspect_template",
    "violations",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for.

    The engine's dynamic-provider process and the command line import modules of this package and need
    neither the component nor pulumi-aws under it.
    """
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("vmc-account-link")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
