"""Link an AWS account to VMware Cloud on AWS: read the configuration, declare the link, export what came."""

import signal

import pulumi

from vmc_account_link import AccountLink

signal.signal(signal.SIGINT, signal.SIG_DFL)  # else Python prints a traceback when a failed engine ends us
config = pulumi.Config()
link = AccountLink(
    "account-link",
    {
        "link": config.get("link"),
        "stack_name": config.get("stackName"),
        "region": config.get("region"),
        "aws_account_id": config.get("awsAccountId"),
        "inline_template": config.get_bool("inlineTemplate"),
        "template_hosts": config.get_object("templateHosts"),
        "link_timeout_minutes": config.get_int("linkTimeoutMinutes"),
        "unlink_on_destroy": config.get_bool("unlinkOnDestroy"),
        "relink": config.get("relink"),
        "template_policy": config.get_object("templatePolicy"),
        "subnet_region": config.get("subnetRegion"),
        "sddc_type": config.get("sddcType"),
        "sddc_hosts": config.get_int("sddcHosts"),
        "sddc_subnets": config.get_object("sddcSubnets"),
        "tags": config.get_object("tags"),
    },
)

pulumi.export("account_number", link.account_number)
pulumi.export("connected_account_id", link.connected_account_id)
pulumi.export("connected_account_state", link.connected_account_state)
pulumi.export("stack_id", link.stack_id)
pulumi.export("stack_name", link.stack_name)
pulumi.export("tracking_task", link.tracking_task)
pulumi.export("link_expiration_date", link.link_expiration_date)
pulumi.export("compatible_subnets", link.compatible_subnets)
pulumi.export("rejected_subnets", link.rejected_subnets)
