"""Link an AWS account to VMware Cloud on AWS: read the configuration, declare the link, export what came."""

import signal

import pulumi

from vmc_account_link import AccountLink
from vmc_account_link.args import read_args

# After a failure the engine ends a program that still waits by this signal: Python would print a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

link = AccountLink("account-link", read_args(pulumi.Config()))

pulumi.export("account_number", link.account_number)
pulumi.export("connected_account_id", link.connected_account_id)
pulumi.export("connected_account_state", link.connected_account_state)
pulumi.export("stack_id", link.stack_id)
pulumi.export("stack_name", link.stack_name)
pulumi.export("tracking_task", link.tracking_task)
pulumi.export("link_expiration_date", link.link_expiration_date)
pulumi.export("compatible_subnets", link.compatible_subnets)
pulumi.export("rejected_subnets", link.rejected_subnets)
