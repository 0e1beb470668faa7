import { AccountLink } from "@pulumi/vmc-account-link";

const link = new AccountLink("account-link", {
    stackName: "SDDC-Account-Link",
    subnetRegion: "us-west-2",
    tags: { owner: "workshop" },
});

// What SDDC creation asks for (`account_link_sddc_config` of the Terraform provider vmware/vmc).
export const connectedAccountId = link.connectedAccountId;
export const compatibleSubnets = link.compatibleSubnets;
export const connectedAccountState = link.connectedAccountState;
