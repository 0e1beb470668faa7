"""Whose link is it: the organisation and AWS account of a resource, the CloudFormation stack of a record.

An organisation holds one record for each AWS account. Which stack made the link is decided by all that the
record and the link's own history say (`decide_owner`), because no public source shows what the service writes
into `cf_stack_name` where a person chose the stack's name (ADR 0025).
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from pulumi.dynamic import CheckFailure

from vmc_account_link.api.models import AccountRecord, AccountState, Task, TaskStatus
from vmc_account_link.errors import AlreadyLinked, SettingsError
from vmc_account_link.settings import VmcSettings

IDENTITY = ("org_id", "account_number")

KNOWN_ROLE_IDS = ("RemoteRole", "RemoteRolePayer", "RemoteRoleService", "BasicLambdaRole")
"""The logical ids of the template's roles, where the template was not seen. Source: AWS whitepaper "SDDC
Deployment and Best Practices"."""
_STACK_ARN = re.compile(r"arn:[a-z-]+:cloudformation:[a-z0-9-]*:(?P<account>\d*):stack/(?P<name>[^/]+)(/.*)?")
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")
_CUT_ROLE_LENGTH = 60
"""CloudFormation cuts the stack's name where a role's would have more than IAM's 64 characters; those seen
had 63 and 64."""
_LONGEST_LOGICAL_ID = 24
"""Characters of a logical id in such a name."""


class Owner(Enum):
    """Whose a record is."""

    OURS = auto()
    ANOTHER = auto()
    """It says so by its stack's name and by its roles."""
    UNCLEAR = auto()
    """Nothing says that it is ours, or one thing says so and another denies it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """The record that an `up` took for our link, as the service wrote it."""

    id: str
    cf_stack_name: str | None
    role_arns: tuple[str, ...]

    @classmethod
    def of(cls, account: AccountRecord) -> "OwnRecord":
        """What is kept of a record."""
        return cls(id=account.id, cf_stack_name=account.cf_stack_name, role_arns=account.role_arns)

    @classmethod
    def from_state(cls, stored: Any) -> "OwnRecord | None":
        """Read `to_state`; None where the state has none."""
        if not isinstance(stored, Mapping) or not isinstance(stored.get("id"), str):
            return None
        return cls(
            id=stored["id"],
            cf_stack_name=stored.get("cf_stack_name"),
            role_arns=tuple(stored.get("role_arns") or ()),
        )

    def to_state(self) -> dict[str, Any]:
        """As a resource's output."""
        return {**dataclasses.asdict(self), "role_arns": list(self.role_arns)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvidence:
    """What is known of our link, beside the record."""

    account_number: str
    """12 digits."""
    stack_names: tuple[str, ...]
    """The stacks that are ours, the wanted one first."""
    role_ids: tuple[str, ...] = KNOWN_ROLE_IDS
    """The logical ids of the template's roles."""
    was_requested: bool = False
    """Whether a link was requested for it; the next four say nothing where not."""
    revision_at_request: str | None = None
    """The revision of the record that was there then, whoever's; None: there was none."""
    previous_revision: str | None = None
    """The same, if that record was ours; else None."""
    tracking_task: str | None = None
    """The id of the link's task; None: the service gave none."""
    task_status: str | None = None
    """Of that task; None: not asked, or not known."""
    task_is_unknown: bool = False
    """The service was asked and does not know the task."""
    own_record: OwnRecord | None = None
    """What an `up` has seen before."""

    def with_task(self, task: Task | None) -> "LinkEvidence":
        """The same, once the service was asked for the task; None: it does not know it."""
        return dataclasses.replace(
            self, task_status=task.status if task else None, task_is_unknown=task is None
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Whose a record is, and how that is known."""

    owner: Owner
    reasons: tuple[str, ...]
    """Each as the end of a sentence about the record."""

    @property
    def is_own(self) -> bool:
        """Whether the link is ours to keep, to renew, to remove."""
        return self.owner is Owner.OURS

    @property
    def why(self) -> str:
        """The reasons as one text."""
        return ", ".join(self.reasons)


def decide_owner(account: AccountRecord, known: LinkEvidence) -> Ownership:
    """Decide whose a record is: the one place where that is done.

    The roles are the strongest evidence: they are named after the stack that made them, and the service has
    to assume them. A stack's name that differs may be VMware's own name for the link. The history decides
    only where the roles say nothing and no `up` has seen the record before.

    Args:
        account: the live record of our AWS account, just read.
        known: what is known of our link.
    """
    by_name, name_reason = _by_name(account, known)
    by_roles, roles_reason = _by_roles(account, known)
    by_history, history_reason = _by_history(account, known, is_named=by_name is False)
    reasons = tuple(reason for reason in (name_reason, roles_reason) if reason)
    if by_roles:
        owner = Owner.OURS
    elif by_roles is False:
        owner = Owner.ANOTHER if by_name is False else Owner.UNCLEAR
    elif by_name:
        owner = Owner.OURS
    elif by_history:
        owner, reasons = Owner.OURS, (*reasons, history_reason)
    else:
        owner = Owner.UNCLEAR
    return Ownership(owner=owner, reasons=reasons or ("it names neither a CloudFormation stack nor roles",))


def _by_name(account: AccountRecord, known: LinkEvidence) -> tuple[bool | None, str]:
    """What `cf_stack_name` says: ours, not ours, or nothing (None)."""
    name = account.cf_stack_name
    if name is None:
        return None, ""
    arn = _STACK_ARN.fullmatch(name)
    plain = arn["name"] if arn else name
    is_own = plain in known.stack_names and (not arn or arn["account"] in {"", known.account_number})
    if is_own or (known.own_record is not None and name == known.own_record.cf_stack_name):
        return True, f'its CloudFormation stack is "{plain}"'
    return False, f'its CloudFormation stack is "{plain}", not ours'


def _by_roles(account: AccountRecord, known: LinkEvidence) -> tuple[bool | None, str]:
    """What the role ARNs say: ours, another stack's, or nothing (None)."""
    roles = known.own_record.role_arns if known.own_record else ()
    voices = {arn: arn in roles or _made_role(arn, known) for arn in account.role_arns}
    if roles and voices and not any(voices.values()):
        # Not what they were, and nothing makes them ours.
        voices = dict.fromkeys(voices, False)
    for answer, reason in (
        (True, "our CloudFormation stack made its roles"),
        (False, "another stack made its roles"),
    ):
        if arns := [arn for arn, voice in voices.items() if voice is answer]:
            return answer, f"{reason} ({arns[0].rpartition('/')[2]})"
    return None, ""


def _made_role(arn: str, known: LinkEvidence) -> bool | None:
    """Whether our stack made a role: `<stack name, cut>-<logical id>-<random>`; None: that can't be said."""
    parts = _ROLE_ARN.fullmatch(arn)
    if parts is None:
        return None
    head, _, random = parts["name"].rpartition("-")
    ids = {one[:length] for one in known.role_ids for length in (len(one), _LONGEST_LOGICAL_ID)}
    logical_id = next((one for one in sorted(ids, key=len, reverse=True) if head.endswith(f"-{one}")), None)
    if logical_id is None or not random:
        return None
    stack = head.removesuffix(f"-{logical_id}")
    if parts["account"] != known.account_number:
        return False
    if stack in known.stack_names:
        return True
    was_cut = any(name.startswith(stack) for name in known.stack_names)
    if was_cut:
        return True if len(parts["name"]) >= _CUT_ROLE_LENGTH else None
    return False


def _by_history(account: AccountRecord, known: LinkEvidence, *, is_named: bool) -> tuple[bool, str]:
    """Whether the record has come, or changed, with our link: its task FINISHED.

    Where the service has no task to show, a record that has come with the link has to do, unless it is named
    otherwise.
    """
    if known.own_record is not None:
        return OwnRecord.of(account) == known.own_record, "it is the record that was linked"
    if not known.was_requested:
        return False, ""
    if account.revision == known.revision_at_request:
        return account.revision == known.previous_revision, "it is the record of our earlier link"
    if known.task_status == TaskStatus.FINISHED:
        return True, "it has come with our link, whose task FINISHED"
    has_no_task = known.tracking_task is None or known.task_is_unknown
    return has_no_task and not is_named, "it has come with our link"


def identity_failures(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[CheckFailure]:
    """The failures of a `check` whose organisation or AWS account differs from the one in the state."""
    text = {"org_id": "organisation", "account_number": "AWS account"}
    return [
        CheckFailure(
            key,
            f"this Pulumi stack holds a link of {text[key]} {olds[key]}, and it can't be moved: "
            "use the old settings and credentials, or another Pulumi stack",
        )
        for key in IDENTITY
        if isinstance(olds.get(key), str) and isinstance(news.get(key), str) and olds[key] != news[key]
    ]


def same_organisation(settings: VmcSettings, props: Mapping[str, Any]) -> None:
    """Make sure that the settings are those of the organisation in the state.

    A refresh or a destroy runs no program, so nobody has compared them; and an account that is missing from
    another organisation's list is not gone.

    Raises:
        SettingsError: they are of another organisation.
    """
    if settings.org_id != props["org_id"]:
        raise SettingsError(
            "vmc:orgId",
            f"this Pulumi stack holds a link of organisation {props['org_id']}, not {settings.org_id}",
            "Nothing was changed: set it back (vmc:orgId or ORG_ID).",
        )


def find_account(accounts: Sequence[AccountRecord], account_number: str) -> AccountRecord | None:
    """The live record of an AWS account; a DELETED one does not count, an ACTIVE one goes first."""
    live = [a for a in accounts if a.account_number == account_number and a.state != AccountState.DELETED]
    live.sort(key=lambda account: account.state != AccountState.ACTIVE)
    return live[0] if live else None


def stack_description(account: AccountRecord) -> str:
    """The stack that a record names, for messages: it comes after "CloudFormation"."""
    return (
        f'stack "{account.cf_stack_name}"'
        if account.cf_stack_name
        else "stack (the service does not name it)"
    )


def refuse_another_stacks_link(account: AccountRecord | None, ownership: Ownership | None) -> None:
    """Make sure that an account's live link is not somebody else's.

    Args:
        account: its record, just read; None where it has none.
        ownership: whose it is.

    Raises:
        AlreadyLinked: it is ACTIVE, and another stack's or perhaps so.
    """
    if account is None or ownership is None or account.state != AccountState.ACTIVE or ownership.is_own:
        return
    by_whom = (
        f'CloudFormation stack "{account.cf_stack_name}" linked it already'
        if account.cf_stack_name
        else "it is linked already, by a CloudFormation stack that the service does not name"
    )
    unclear = f"; whether that is this Pulumi stack's link is not clear: {ownership.why}"
    raise AlreadyLinked(
        f"link AWS account {account.account_number}",
        f"{by_whom} (connected account {account.id})" + (unclear if ownership.owner is Owner.UNCLEAR else ""),
        "Nothing was created: either use that link (vmc-account-link:link `existing`), or unlink the account "
        "where it was linked (`vmc-account-link unlink`, where no Pulumi stack holds that link) and run "
        "`pulumi up` again.",
    )
