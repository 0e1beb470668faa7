"""Link an AWS account to VMware Cloud on AWS, as one Pulumi component.

>>> from vmc_account_link import AccountLink
>>> link = AccountLink("account-link", {"stack_name": "SDDC-Account-Link"})
"""

from vmc_account_link.account_link import AccountLink
from vmc_account_link.arguments import AccountLinkArgs
from vmc_account_link.errors import VmcError

__all__ = ["AccountLink", "AccountLinkArgs", "VmcError"]
