"""The known hosts of VMware Cloud on AWS: each service, and the token service that belongs to it. Pure."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A service and its token service."""

    vmc: str | None
    """Host of the VMC service; None where no public source names it."""
    csp: str
    """Host of the token service."""

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The two settings that lead there; the first one without a value that is known is left out."""
        pairs = (("vmc:vmcUrl", self.vmc), ("vmc:cspUrl", self.csp))
        return tuple((key, f"https://{host}") for key, host in pairs if host)


SITES = (
    Site(vmc="vmc.vmware.com", csp="console.cloud.vmware.com"),
    # The consoles of the first have moved here; whether its API follows is not known (2026-11).
    Site(vmc="vmc.broadcom.com", csp="console.cloud.broadcom.com"),
    # GovCloud. Source: the Terraform provider for HCX; the host of its VMC service is in no public source.
    Site(vmc=None, csp="console.cloud-us-gov.vmware.com"),
)
_COMMERCIAL = {site.vmc for site in SITES if site.vmc}


def site_of(host: str | None) -> Site | None:
    """The site that a host belongs to."""
    return next((site for site in SITES if host is not None and host.lower() in {site.vmc, site.csp}), None)


def siblings(service_host: str | None) -> frozenset[str]:
    """The hosts under which a known service is known too; of another service none."""
    known = {host for host in _COMMERCIAL if host}
    return frozenset(known if service_host in known else ())
