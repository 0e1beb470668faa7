"""The dynamic resource that lists the subnets of a connected account that an SDDC can use.

Identity: none, it is a look; deleting it does nothing. It looks in `create`, where an input changed, where
the last look found nothing to use, and on a refresh. Usable alone, beside a link that another program made.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from vmc_account_link import resource_types
from vmc_account_link.api.client import VmcClient
from vmc_account_link.api.models import AccountState, Subnet
from vmc_account_link.link.ownership import same_organisation
from vmc_account_link.link.subnets import SDDC_TYPES, by_zone, check_chosen, rejected
from vmc_account_link.provider import ServiceProvider

_ACTION = ("org_id", "connected_account_id", "region", "sddc_type", "hosts", "chosen", "tracking_task")


class CompatibleSubnetsProvider(ServiceProvider):
    """List and judge subnets. Pickled by reference into every state file: never moves."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:  # noqa: ARG002
        """Judge the inputs; unknown ones are judged when they are known."""
        failures = []
        sddc_type, hosts = news.get("sddc_type"), news.get("hosts")
        if isinstance(sddc_type, str) and sddc_type not in SDDC_TYPES:
            failures.append(CheckFailure("sddc_type", f"set one of {', '.join(SDDC_TYPES)}"))
        if isinstance(hosts, int | float) and not (hosts >= 1 and hosts == int(hosts)):
            failures.append(CheckFailure("hosts", "a whole number, 1 or more, is needed"))
        return CheckResult(inputs=news, failures=failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Look again where something else is asked for, or the last look found no subnet to use."""
        changed = any(news.get(key) != olds.get(key) for key in _ACTION)
        return DiffResult(changes=changed or not olds.get("compatible_subnets"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """List the subnets; where the service knows none, or not a chosen one, have it look again.

        Raises:
            SubnetsDoNotFit: the chosen ones are none that an SDDC can use.
            VmcError: the service could not be asked.
        """
        id_ = f"{props['org_id']}/{props['connected_account_id']}/{props['region']}"
        return CreateResult(id_=id_, outs={**props, **self._list_subnets(props)})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """List them again.

        Raises:
            VmcError: as `create`.
        """
        return UpdateResult(outs={**olds, **news, **self._list_subnets(news)})

    def read(self, _id: str, props: dict[str, Any]) -> ReadResult:
        """List them as they are now; gone when the account is no longer in a list that was read.

        Raises:
            SettingsError: the settings are of another organisation.
            VmcError: the service could not be asked.
        """
        same_organisation(self.settings, props)
        with self.open_client() as vmc:
            live = {a.id for a in vmc.list_connected_accounts() if a.state != AccountState.DELETED}
            if props["connected_account_id"] not in live:
                return ReadResult(None, {})
            return ReadResult(_id, {**props, **subnet_outputs(_subnets(vmc, props))})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Do nothing: this was a look."""

    def _list_subnets(self, props: Mapping[str, Any]) -> dict[str, Any]:
        same_organisation(self.settings, props)
        chosen = props.get("chosen") or ()
        with self.open_client() as vmc:
            subnets = _subnets(vmc, props)
            missing = sorted(set(chosen) - {subnet.id for subnet in subnets})
            if missing or not subnets:
                self.context.emit_progress(
                    f"VMware knows no {', '.join(missing) or 'subnet'} in {props['region']} yet: "
                    "asking it to read the account again"
                )
                subnets = _subnets(vmc, props, force_refresh=True)
        for line in _result_lines(props["region"], subnets):
            self.context.emit_progress(line)
        if chosen:
            check_chosen(
                chosen,
                subnets,
                sddc_type=props.get("sddc_type"),
                connected_account_id=props["connected_account_id"],
            )
        return subnet_outputs(subnets)


def subnet_outputs(subnets: Sequence[Subnet]) -> dict[str, Any]:
    """What the state keeps of a look."""
    return {"compatible_subnets": by_zone(subnets), "rejected_subnets": rejected(subnets)}


def _subnets(vmc: VmcClient, props: Mapping[str, Any], *, force_refresh: bool = False) -> tuple[Subnet, ...]:
    hosts = props.get("hosts")
    return vmc.list_compatible_subnets(
        props["connected_account_id"],
        region=props["region"],
        sddc_type=props.get("sddc_type"),
        hosts=int(hosts) if hosts else None,
        force_refresh=force_refresh,
    )


def _result_lines(region: str, subnets: Sequence[Subnet]) -> list[str]:
    zones = by_zone(subnets)
    if zones:
        count = sum(len(ids) for ids in zones.values())
        return [f"{count} subnets of {region} can be used by an SDDC, in {', '.join(zones)}"]
    return [
        f"no subnet of {region} can be used by an SDDC; make one of at least /26 in each availability zone",
        *(f"  {subnet_id} ({why})" for subnet_id, why in rejected(subnets).items()),
    ]


class CompatibleSubnets(Resource, module=resource_types.PACKAGE, name="CompatibleSubnets"):
    """The subnets of a connected account, in one region, that an SDDC can use."""

    compatible_subnets: pulumi.Output[dict[str, list[str]]]
    """Availability zone -> subnet ids, both sorted."""
    rejected_subnets: pulumi.Output[dict[str, str]]
    """Subnet id -> where it is, and why no SDDC can use it."""

    def __init__(
        self,
        name: str,
        *,
        org_id: str,
        connected_account_id: pulumi.Input[str],
        region: pulumi.Input[str],
        sddc_type: pulumi.Input[str | None] = None,
        hosts: pulumi.Input[int | None] = None,
        chosen: pulumi.Input[Sequence[str] | None] = None,
        tracking_task: pulumi.Input[str | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the look.

        Args:
            name: the resource's name.
            org_id: the VMC organisation.
            connected_account_id: the record's id (output of `AccountLink`), not the AWS account number.
            region: where the SDDC will be, such as `us-west-2`.
            sddc_type: `1NODE`, `SingleAZ` or `MultiAZ`; the service takes SingleAZ where it is left out.
            hosts: how many hosts the SDDC will have.
            chosen: subnet ids that have to fit: one, or two in different zones for MultiAZ.
            tracking_task: of the link; another one is a reason to look again.
            opts: resource options.
        """
        super().__init__(
            CompatibleSubnetsProvider(),
            name,
            {
                "org_id": org_id,
                "connected_account_id": connected_account_id,
                "region": region,
                "sddc_type": sddc_type,
                "hosts": hosts,
                "chosen": chosen,
                "tracking_task": tracking_task,
                # Outputs have to be named here to become attributes.
                "compatible_subnets": None,
                "rejected_subnets": None,
            },
            opts,
        )
