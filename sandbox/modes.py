"""How the emulated services behave: one frozen value, replaced as a whole."""

import dataclasses
import threading
from enum import StrEnum
from typing import Any, Self, get_type_hints


class TaskOutcome(StrEnum):
    """What becomes of a link's tracking task once its template's custom resource has run."""

    FINISH = "finish"
    NEVER = "never"
    FAIL = "fail"
    CANCEL = "cancel"


class StackOutcome(StrEnum):
    """What becomes of a CloudFormation stack that is created or updated."""

    COMPLETE = "complete"
    ROLL_BACK = "roll_back"


class TemplateKind(StrEnum):
    """What `template_url` of a new link leads to."""

    NORMAL = "normal"
    LARGE = "large"
    """A working template above CloudFormation's 51,200 bytes for an inline body."""
    NOT_A_TEMPLATE = "not_a_template"
    """200 and a page that is neither a JSON nor a YAML template."""
    TWIN_KEYS = "twin_keys"
    """A key twice: some readers of YAML keep the last one, others fail and quote the lines around it."""
    FOREIGN_HOST = "foreign_host"
    """A URL on a host that is neither S3's nor the service's."""
    PATH_TOKEN = "path_token"  # noqa: S105 - no password
    """On the service's own host, with the secret in the path."""
    LARGE_ON_SERVICE = "large_on_service"
    """Above the limit, on the service's own host: CloudFormation takes it neither way."""
    SIBLING_HOST = "sibling_host"
    """A URL on a known other name of VMware's service."""
    REDIRECT = "redirect"
    """302 to a foreign host."""
    MISSING = "missing"
    """403 with S3's XML error, as for an expired signature."""


class RecordName(StrEnum):
    """What `cf_stack_name` of a connected account holds: no public source shows it under a chosen name."""

    CHOSEN = "chosen"
    ARN = "arn"
    """The stack's ARN."""
    VMWARE = "vmware"
    """A name of VMware's own, as of a stack made in its console."""
    NULL = "null"


class FieldForm(StrEnum):
    """Which of the API's optional fields come, and as what."""

    DOCUMENTED = "documented"
    FEW = "few"
    """Nothing but what nobody could do without: id, account number, state; template URL; status."""
    OTHER_TYPES = "other_types"
    """Numbers for texts, texts for numbers, moments in milliseconds, keys that nobody knows."""
    NO_STATE = "no_state"
    """A connected account without its state."""
    STATE_IS_NUMBER = "state_is_number"


class TokenRefusal(StrEnum):
    """Why credentials that are right are not exchanged, or their token is not taken."""

    NONE = "none"
    MFA = "mfa"
    IP_POLICY = "ip_policy"
    DEACTIVATED = "deactivated"
    REGENERATED = "regenerated"
    HOLD = "hold"
    """The organization is on hold: the service refuses the token."""
    UNKNOWN_REASON = "unknown_reason"


class UnknownMode(ValueError):
    """A mode that does not exist, or a value it can't have."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The behaviour of the emulated services. Times are in seconds of the sandbox's clock."""

    link_lifetime_seconds: float = 1800.0
    """From requesting a link to its `expiration_date`."""
    access_token_seconds: float = 1799.0
    """Lifetime of an access token; a call with an older one is answered 401."""
    template: TemplateKind = TemplateKind.NORMAL
    stack_seconds: float = 3.0
    """From CreateStack, UpdateStack or DeleteStack to the stack's final status."""
    stack_outcome: StackOutcome = StackOutcome.COMPLETE
    task_outcome: TaskOutcome = TaskOutcome.FINISH
    task_seconds: float = 2.0
    """From the custom resource's run to the task's end and the account's record."""
    task_error_message: str = "Unable to assume role RemoteRole in the customer account."
    """What a failed task says."""
    list_lag_seconds: float = 0.0
    """How much later than the task's end the account shows in the list."""
    task_lag_seconds: float = 0.0
    """How much later than the account's record the task's end shows."""
    broken_seconds: float = 0.0
    """How long a newly connected account shows BROKEN before it becomes ACTIVE; negative: for ever."""
    inventory_seconds: float = 0.0
    """How long after a link's run no subnet is known, unless a rescan is forced."""
    unlink_lag_seconds: float = 0.0
    """How long an unlinked account stays in the list after the DELETE was answered."""
    deleted_records_listed: bool = False
    """Whether an unlinked account stays in the list as DELETED."""
    record_name: RecordName = RecordName.CHOSEN
    record_roles: bool = True
    """Whether a connected account names its roles."""
    fields: FieldForm = FieldForm.DOCUMENTED
    redirect_to: str = ""
    """Where the service redirects every call: a URL, or `none` for a redirect without one."""
    token_refusal: TokenRefusal = TokenRefusal.NONE
    visible_organizations: int = 1
    """How many organizations a token sees; those beyond its own are made up."""
    denied_actions: str = ""
    """What AWS denies its callers, as `service:Action`, separated by commas (see `permissions.py`)."""
    api_token_seconds: float = 180 * 24 * 3600.0
    """Lifetime of the API token, from the sandbox's start; 0: it never ends."""
    token_roles: str = "csp:org_member,external/vmc/vmc-user:full"  # noqa: S105 - roles, no password
    """The roles that an access token names, separated by commas; the service does not look at them."""

    @classmethod
    def from_wire(cls, wire: dict[str, Any], base: Self) -> Self:
        """Apply the keys of `wire` to `base`.

        Raises:
            UnknownMode: a key that is no mode, or a value of the wrong kind.
        """
        hints = get_type_hints(cls)
        changes: dict[str, Any] = {}
        for key, value in wire.items():
            if key not in hints:
                raise UnknownMode(f"no mode {key!r}; there are {', '.join(sorted(hints))}")
            if hints[key] is bool and not isinstance(value, bool):
                raise UnknownMode(f"mode {key!r}: true or false is needed, not {value!r}")
            try:
                changes[key] = hints[key](value)
            except (TypeError, ValueError) as error:
                raise UnknownMode(f"mode {key!r}: {error}") from None
        return dataclasses.replace(base, **changes)


class ModeSwitch:
    """Holds the modes in force; safe to read and set from every server thread."""

    def __init__(self, modes: Modes | None = None) -> None:
        self._modes = modes or Modes()
        self._lock = threading.Lock()

    @property
    def current(self) -> Modes:
        """The modes in force."""
        with self._lock:
            return self._modes

    def apply(self, wire: dict[str, Any]) -> Modes:
        """Change the modes named in `wire`; the others stay."""
        with self._lock:
            self._modes = Modes.from_wire(wire, self._modes)
            return self._modes

    def reset(self) -> Modes:
        """Back to the defaults."""
        with self._lock:
            self._modes = Modes()
            return self._modes
