"""The types of our resources as the engine writes them; frozen from 0.1.0: they stand in state files."""

PACKAGE = "vmc-account-link"
_DYNAMIC = f"pulumi-python:dynamic/{PACKAGE}:"

ACCOUNT_LINK = f"{PACKAGE}:index:AccountLink"
LINK_REQUEST = f"{_DYNAMIC}LinkRequest"
CONNECTED_ACCOUNT = f"{_DYNAMIC}ConnectedAccount"
CONNECTION_WAIT = f"{_DYNAMIC}ConnectionWait"
EXISTING_ACCOUNT = f"{_DYNAMIC}ExistingAccount"
COMPATIBLE_SUBNETS = f"{_DYNAMIC}CompatibleSubnets"

STACK = "aws:cloudformation/stack:Stack"
OF_A_LINK = frozenset(
    {LINK_REQUEST, CONNECTED_ACCOUNT, CONNECTION_WAIT, EXISTING_ACCOUNT, COMPATIBLE_SUBNETS, STACK}
)
"""The types whose resources are parts of one `AccountLink`."""

AWS_PROVIDER = "pulumi:providers:aws"
ROOT = "pulumi:pulumi:Stack"
"""The Pulumi stack itself: its outputs are the program's."""
