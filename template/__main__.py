"""Link an AWS account to VMware Cloud on AWS, and beside the link whatever needs one."""

import pulumi

from vmc_account_link import AccountLink

link = AccountLink("account-link", {"subnet_region": "us-west-2", "tags": {"owner": "workshop"}})

# What SDDC creation asks for (`account_link_sddc_config` of the Terraform provider vmware/vmc).
pulumi.export("connected_account_id", link.connected_account_id)
pulumi.export("compatible_subnets", link.compatible_subnets)
pulumi.export("connected_account_state", link.connected_account_state)
