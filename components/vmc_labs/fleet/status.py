"""How a lab is, by its stack's state and the service's list: decided once, for all who show it. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from enum import StrEnum

from vmc_account_link.api.models import AccountRecord, AccountState
from vmc_account_link.link.ownership import LinkEvidence, Owner, decide_owner, find_account
from vmc_labs.spec.model import LabSpec
from vmc_labs.state.reader import LabState, settings_digest


class LabStatus(StrEnum):
    """How a lab is."""

    LINKED = "linked"
    OUTDATED = "outdated"
    """Linked, by other settings than the spec's."""
    DRIFTED = "drifted"
    """Linked by its state, and the service does not agree."""
    FAILED = "failed"
    """The last run failed; a success takes that away."""
    INTERRUPTED = "interrupted"
    """A run ended in the middle of its work: a crash, or Ctrl-C."""
    NOT_LINKED = "not linked"
    """There is a Pulumi stack, and neither a link nor an error in it."""
    ABSENT = "absent"
    """There is no Pulumi stack."""

    @property
    def has_link(self) -> bool:
        """Whether the lab's people can use it."""
        return self in {self.LINKED, self.OUTDATED}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How a lab was found, and why it is called that."""

    status: LabStatus
    reason: str
    needs_link: bool = False
    """Whether the record of a linked account is gone: only a new link brings it back."""
    is_blocked: bool = False
    """Whether no `up` can change it; the reason says what can."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetSnapshot:
    """What was seen of a fleet before anything is done."""

    states: Mapping[str, LabState]
    """By Pulumi stack; one that is missing does not exist."""
    accounts: Mapping[str, Sequence[AccountRecord]] = dataclasses.field(default_factory=dict)
    """By organisation; one that is missing was not asked."""

    def find(self, lab: LabSpec) -> Finding:
        """How a lab is."""
        state = self.states.get(lab.stack)
        if state is None:
            return Finding(status=LabStatus.ABSENT, reason="there is no Pulumi stack")
        drift = self._drift(lab, state)
        if state.error:
            status, reason = LabStatus.FAILED, state.error
        elif state.has_pending:
            status, reason = LabStatus.INTERRUPTED, "its last run was interrupted"
        elif not state.is_linked:
            status, reason = LabStatus.NOT_LINKED, "it is not linked yet"
        elif state.settings != settings_digest(lab):
            status, reason = LabStatus.OUTDATED, "its settings have changed"
        else:
            return drift or Finding(status=LabStatus.LINKED, reason="nothing to do")
        return Finding(status=status, reason=reason, needs_link=drift is not None and drift.needs_link)

    def _drift(self, lab: LabSpec, state: LabState) -> Finding | None:
        """What the service says against a lab that its state calls linked."""
        accounts = self.accounts.get(lab.service.org_id)
        if not state.is_linked or accounts is None:
            return None
        number = str(state.outputs.get("account_number", lab.aws_account_id or ""))
        account, is_own = find_account(accounts, number), lab.settings.get("link") != "existing"
        if account is None:
            reason = f"the organisation does not list AWS account {number} any more"
            reason += ": a new link is requested" if is_own else ""
            return Finding(status=LabStatus.DRIFTED, reason=reason, needs_link=is_own)
        if account.state != AccountState.ACTIVE:
            return Finding(status=LabStatus.DRIFTED, reason=f"the account is {account.state}")
        known = LinkEvidence(
            account_number=number, stack_names=(lab.stack_name,), own_record=state.own_record
        )
        ownership = decide_owner(account, known)
        if is_own and ownership.owner is Owner.UNCLEAR:
            reason = f"whether the link is this lab's is not clear: {ownership.why}"
            return Finding(status=LabStatus.DRIFTED, reason=reason)
        if is_own and not ownership.is_own:
            reason = (
                f'the account is linked by another CloudFormation stack, "{account.cf_stack_name}": '
                "unlink it where that was made, or set `link: existing`"
            )
            return Finding(status=LabStatus.DRIFTED, reason=reason, is_blocked=True)
        return None
