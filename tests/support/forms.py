"""The forms in which the service may answer: which of them the real one has, nobody here has seen.

To add a form, add a line to `LINKING` or `REFUSED`: the fault sweep, the random histories and the tests of a
first contact take theirs from here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """One form of an answer."""

    name: str
    modes: Mapping[str, Any]
    """The sandbox's."""
    hides_maker: bool = False
    """A record shows neither our stack's name nor its roles: a takeover is not noticed (ADR 0025), and a link
    that a destroy was told to leave is nobody's."""
    says: str = ""
    """What the one line says in which an `up` ends; empty where it links."""
    is_sampled: bool = True
    """Whether an `up` against it is in `make test`, or only in `make whole`."""


AS_DOCUMENTED = Form(name="as documented", modes={}, is_sampled=False)
FEW_FIELDS = Form(name="few fields", modes={"fields": "few"}, hides_maker=True)
SECRET_IN_PATH = Form(name="template's secret in its path", modes={"template": "path_token"})
LINKING = (
    AS_DOCUMENTED,
    Form(name="record by ARN", modes={"record_name": "arn"}, is_sampled=False),
    Form(name="record by VMware's name", modes={"record_name": "vmware"}, is_sampled=False),
    Form(name="record without a name", modes={"record_name": "null"}, is_sampled=False),
    Form(
        name="record by VMware's name without roles",
        modes={"record_name": "vmware", "record_roles": False},
        hides_maker=True,
    ),
    Form(
        name="record without name and roles",
        modes={"record_name": "null", "record_roles": False},
        hides_maker=True,
        is_sampled=False,
    ),
    FEW_FIELDS,
    Form(name="other types", modes={"fields": "other_types"}),
    SECRET_IN_PATH,
)
"""Those that an `up` gets through."""

REFUSED = (
    Form(name="record without its state", modes={"fields": "no_state"}, says="the field state is missing"),
    Form(
        name="number for the state",
        modes={"fields": "state_is_number"},
        says="state is float, not text",
        is_sampled=False,
    ),
    Form(
        name="redirecting host",
        modes={"redirect_to": "https://vmc.broadcom.com/x"},
        says="`pulumi config set vmc:vmcUrl https://vmc.broadcom.com` and `pulumi config set vmc:cspUrl",
    ),
    Form(
        name="template on a sibling host",
        modes={"template": "sibling_host"},
        says="https://vmc.broadcom.com",
        is_sampled=False,
    ),
    Form(name="template on a foreign host", modes={"template": "foreign_host"}, says="templateHosts"),
    Form(
        name="large template not on S3",
        modes={"template": "large_on_service"},
        says="from Amazon S3 alone",
    ),
    Form(
        name="template that is none",
        modes={"template": "not_a_template"},
        says="neither a JSON nor a YAML template",
    ),
    Form(name="template with a key twice", modes={"template": "twin_keys"}, says="the same key twice"),
    Form(name="template that redirects", modes={"template": "redirect"}, says="302"),
    Form(
        name="template that is missing",
        modes={"template": "missing"},
        says="403 AccessDenied, Request has expired",
        is_sampled=False,
    ),
    Form(
        name="token with MFA",
        modes={"token_refusal": "mfa"},
        says="asks for an MFA code, which no program can give: make one without MFA",
    ),
    Form(
        name="IP policy",
        modes={"token_refusal": "ip_policy"},
        says="IP policy keeps this machine out",
        is_sampled=False,
    ),
    Form(
        name="deactivated token",
        modes={"token_refusal": "deactivated"},
        says="It was deactivated, which an organisation owner can do",
        is_sampled=False,
    ),
    Form(
        name="regenerated token",
        modes={"token_refusal": "regenerated"},
        says="It was regenerated, which ends the earlier one",
        is_sampled=False,
    ),
    Form(
        name="organisation on hold",
        modes={"token_refusal": "hold"},
        says="The organisation is on hold",
        is_sampled=False,
    ),
    Form(
        name="token refused without a known reason",
        modes={"token_refusal": "unknown_reason"},
        says="Check it in the Cloud Services Console",
        is_sampled=False,
    ),
)
"""Those against which an `up` ends in one line that one can act on."""
