"""A state machine: a lab, the person who runs it, others who meddle, and services that misbehave."""

import re
from contextlib import ExitStack
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sandbox.cloudformation.errors import Refusal
from sandbox.faults import PlannedFault
from sandbox.modes import FieldForm
from sandbox.vmc.accounts import AccountState
from tests.properties import witness
from tests.properties.cloud import AWS, REGION, VMWARE, Cloud
from tests.properties.engine_model import Outcome
from tests.properties.history import (
    FORMS,
    HIDE_THE_MAKER,
    LONGEST_UNLINK_LAG_SECONDS,
    MODES,
    SETTINGS,
    THEIRS,
    faults,
)
from tests.properties.program_model import Lab
from tests.properties.witness import Sight
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import AlreadyLinked, LinkExpired

_ROUNDS = 5
"""So many times `refresh` and `up` until everything is as it should be again, a link's life between two.

A task that was under way when all was mended may take two of them (3,600 s with its lag, and a link lives for
1,800 s) and end in failure, which one tells; the next asks anew.
"""


def _succeeded(machine: "LinkMachine") -> bool:
    """Whether the person may go on, or has to run `recover` first, as the last `up` said."""
    return not machine._must_recover


class LinkMachine(RuleBasedStateMachine):
    """One lab from its first `up` to its last `destroy`."""

    def __init__(self) -> None:
        """Start with an empty organisation, account and state."""
        super().__init__()
        self.cloud = Cloud()
        self.lab = Lab(self.cloud)
        self._use = ExitStack()
        self._stack_was_touched = False
        """Somebody deleted the stack by hand, and nobody has looked since."""
        self._has_waited = False
        """The last operation waited for the account until it was connected."""
        self._must_recover = False
        """The last `up` said that a stack may be there which the state does not know."""
        self._left: str | None = None
        """The stack of the record that the last `destroy` has left: told to, or no `up` had seen it."""
        self._forgotten: set[str] = set()
        """The stacks of requests that `--replace` has replaced: the engine creates the new request then, and
        shows its provider nothing of the old one."""
        self._unlinking_until = 0.0
        """Until then the list may show a record that a `destroy` has had unlinked and did not wait for."""
        self._holds = True
        """No check has failed yet."""
        self._form: dict[str, Any] = {}
        """In which form the service shows a record."""

    @initialize(modes=MODES, settings=SETTINGS, form=FORMS)
    def begin(self, modes: dict[str, Any], settings: dict[str, Any], form: dict[str, Any]) -> None:
        """Any service, any configuration."""
        self._form = form
        self._use.enter_context(self.cloud.in_use())
        self.the_services_behave_differently(modes)
        self.the_configuration_changes(settings)

    # What the person does.

    @rule()
    def preview(self) -> None:
        """`pulumi preview`."""
        before, _, after = self._run("preview")
        assert (after.live_stacks, after.record, after.state) == (
            before.live_stacks,
            before.record,
            before.state,
        )

    @precondition(_succeeded)
    @rule()
    def refresh(self) -> None:
        """`pulumi refresh`."""
        before, _, after = self._run("refresh")
        assert (after.live_stacks, after.record) == (before.live_stacks, before.record)

    @precondition(_succeeded)
    @rule(refreshes=st.booleans(), interrupted_after=st.sampled_from([None, None, None, 0.0, 100.0]))
    def up(self, *, refreshes: bool, interrupted_after: float | None) -> None:
        """`pulumi up`, `pulumi up --refresh`, or `pulumi up` and Ctrl-C some time later."""
        if refreshes and not self._run("refresh")[1].succeeded:
            return
        if interrupted_after is not None:
            self.cloud.interrupted_at = self.cloud.monotonic() + interrupted_after
        self._up(was_refreshed=refreshes)
        self.cloud.interrupted_at = None

    @precondition(_succeeded)
    @rule()
    def up_again(self) -> None:
        """`pulumi up`, the commonest thing to do."""
        self._up(was_refreshed=False)

    @precondition(_succeeded)
    @rule(name=st.sampled_from(["request", "stack"]))
    def replace(self, name: str) -> None:
        """`pulumi up --replace`."""
        self._run("up", replaced=(name,))

    @precondition(_succeeded)
    @rule(interrupted_after=st.sampled_from([None, None, None, 0.0, 20.0]))
    def destroy(self, *, interrupted_after: float | None) -> None:
        """`pulumi destroy`, or `pulumi destroy` and Ctrl-C some time later."""
        if interrupted_after is not None:
            self.cloud.interrupted_at = self.cloud.monotonic() + interrupted_after
        self._destroy()
        self.cloud.interrupted_at = None

    def _destroy(self) -> None:
        before, outcome, after = self._run("destroy")
        if "the service has been told to unlink it" in str(outcome.error):
            self._unlinking_until = self.cloud.monotonic() + LONGEST_UNLINK_LAG_SECONDS
        if outcome.succeeded:
            witness.check_nothing_left(after, unlinks=witness.stands_for_a_link(self.lab, before))
            self._left = after.record.stack_name if after.record else None

    @rule()
    def recover(self) -> None:
        """`labs recover`, told or not."""
        self._recover()

    @precondition(_succeeded)
    @rule(settings=SETTINGS)
    def the_configuration_changes(self, settings: dict[str, Any]) -> None:
        """`pulumi config set`."""
        for key, value in settings.items():
            setattr(self.lab.settings, key, value)

    @rule(hours=st.sampled_from([-6, 0, 6]))
    def the_clock_is_off(self, hours: int) -> None:
        """The machine that runs `pulumi` thinks it is another time."""
        self.cloud.skew_seconds = hours * 3600.0

    # What others do.

    @precondition(lambda self: witness.see(self.lab).record is not None)
    @rule()
    def somebody_unlinks_the_account(self) -> None:
        """By hand, SDDCs or not."""
        self.cloud.world.links.accounts.remove(ACCOUNT)

    @precondition(lambda self: bool(witness.see(self.lab).live_stacks))
    @rule()
    def somebody_deletes_the_stack(self) -> None:
        """By hand, in the console."""
        for stack_id in witness.see(self.lab).live_stacks:
            try:
                self.cloud.stacks.delete(REGION, stack_id)
            except Refusal:
                continue
            self._stack_was_touched = True
        self.cloud.sleep(self.cloud.world.modes.current.stack_seconds)

    @precondition(lambda self: not self._hides_the_maker())
    @rule()
    def somebody_elses_stack_takes_the_account_over(self) -> None:
        """The same account, linked from the console."""
        self.cloud.world.links.accounts.seed(ACCOUNT, stack_name=THEIRS)

    @precondition(lambda self: witness.see(self.lab).record is not None)
    @rule(state=st.sampled_from([AccountState.BROKEN, AccountState.ACTIVE]))
    def the_account_breaks_or_recovers(self, state: AccountState) -> None:
        """The service can, or can't, assume the roles."""
        self.cloud.world.links.accounts.set_state(ACCOUNT, state)

    @precondition(lambda self: witness.see(self.lab).record is not None)
    @rule()
    def an_sddc_is_attached(self) -> None:
        """Somebody works with the lab."""
        self.cloud.world.links.accounts.attach_sddc(ACCOUNT)

    @rule()
    def the_sddcs_are_deleted(self) -> None:
        """Nobody works with the lab any more."""
        self.cloud.world.links.accounts.detach_sddcs(ACCOUNT)

    # What the services do.

    @rule(modes=MODES)
    def the_services_behave_differently(self, modes: dict[str, Any]) -> None:
        """Slow, failing, lagging, or well again."""
        self.cloud.world.modes.reset()
        self.cloud.world.modes.apply({**modes, **self._form})

    @rule(fault=faults())
    def a_call_will_go_wrong(self, fault: PlannedFault) -> None:
        """Soon, once or more often."""
        self.cloud.world.faults.plan(fault)

    @rule(address=st.sampled_from([VMWARE, AWS]), seconds=st.sampled_from([10.0, 1e9]))
    def a_service_is_out_of_reach(self, address: str, seconds: float) -> None:
        """For a moment, or until everything is well again."""
        self.cloud.close(address, seconds)

    @rule()
    def everything_is_well_again(self) -> None:
        """The services, not what they did."""
        self._mend()

    @rule(seconds=st.sampled_from([1.0, 90.0, 1000.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        """Links expire, tokens end, waits of the service come to theirs."""
        self.cloud.sleep(seconds)

    # What must always be so.

    @invariant()
    def nothing_is_made_twice(self) -> None:
        """Neither a stack nor a record."""
        sight = witness.see(self.lab)
        assert len(sight.live_stacks) <= 1
        assert len(self.cloud.world.links.accounts.connected()) <= 1
        if not self._must_recover:
            assert not witness.orphaned_engines(sight), "a stack that nobody was told of"
        witness.check_sandbox(self.cloud)

    def teardown(self) -> None:
        """From wherever this ended, the lab arrives, stays, and goes."""
        try:
            if self._holds:
                self._arrive()
        finally:
            self._use.close()

    def _arrive(self) -> None:
        note("the end: everything is mended, then refresh and up until it arrives")
        self._mend()
        self.lab.settings.unlink_on_destroy = True
        if self._must_recover:
            assert self._recover().succeeded
        for _ in range(_ROUNDS):
            _, refreshed, _ = self._run("refresh")
            assert refreshed.succeeded, refreshed.error
            outcome = self._up(was_refreshed=True)
            if isinstance(outcome.cause, LinkExpired):
                # The stack is gone while the account counts as connected: the person does as they are told.
                assert "--replace" in str(outcome.error)
                outcome = self._up(was_refreshed=True, replaced=("request",))
                if isinstance(outcome.cause, AlreadyLinked) and self._hides_the_maker():
                    # A new request knows nothing of the old one: the account is unlinked where it was linked.
                    self._destroy()
                    outcome = self._up(was_refreshed=True)
            record = witness.see(self.lab).record
            if isinstance(outcome.cause, AlreadyLinked) and record and record.stack_name in self._forgotten:
                # Its task has ended after all: the person does as they are told.
                assert "vmc-account-link unlink" in str(outcome.error)
                self.cloud.world.links.accounts.remove(ACCOUNT)
                outcome = self._up(was_refreshed=True)
            if outcome.succeeded:
                break
            self.cloud.sleep(self._link_seconds() + 1)
        record = witness.see(self.lab).record
        if record is not None and record.stack_name in {THEIRS, self._left} - {self.lab.settings.stack_name}:
            shown = f'"{record.stack_name}"' if not self._form else "linked|is our link"
            assert re.search(shown, str(outcome.error))
            return
        if not outcome.succeeded and record is not None and self._left and self._hides_the_maker():
            # What a destroy was told to leave, no later `up` can know for its own: one line says so.
            assert "linked it already" in str(outcome.error) or "is linked already" in str(outcome.error)
            return
        assert outcome.succeeded, outcome.error
        settled = witness.see(self.lab)
        _, unchanged, after = self._run("up")
        assert unchanged.succeeded, unchanged.error
        assert after == settled
        self._destroy()
        assert witness.see(self.lab).state == {}

    def _hides_the_maker(self) -> bool:
        """Whether a record shows neither our stack's name nor its roles."""
        return self._form in HIDE_THE_MAKER

    def _link_seconds(self) -> float:
        """How long a link lives at most; one that names no end counts as expired after a day."""
        modes = self.cloud.world.modes.current
        return 86_400.0 if modes.fields is FieldForm.FEW else modes.link_lifetime_seconds

    def _mend(self) -> None:
        self.cloud.world.faults.clear()
        self.cloud.world.modes.reset()
        self.cloud.world.modes.apply(self._form)
        self.cloud.world.links.accounts.detach_sddcs()
        for address in (VMWARE, AWS):
            self.cloud.close(address, 0)

    def _up(self, *, was_refreshed: bool, replaced: tuple[str, ...] = ()) -> Outcome:
        before, outcome, after = self._run("up", replaced=replaced)
        has_read = was_refreshed or self._has_waited or self._has_reported_an_expired_link(before)
        # What a destroy that was cut off has had unlinked stays in the list for a while: nothing shows it.
        is_believed = self.cloud.monotonic() < self._unlinking_until
        if outcome.succeeded and has_read and not is_believed:
            witness.check_link(self.lab, after, stack_was_read=not self._stack_was_touched)
        return outcome

    def _recover(self) -> Outcome:
        before, outcome, after = self._run("recover")
        # A stack that was made unheard goes its way meanwhile, to the account's record or to its own end.
        assert set(after.live_stacks) <= set(before.live_stacks)
        assert before.record is None or after.record is not None
        found = {} if "stack" in before.state else {"stack": after.state.get("stack")}
        assert after.state == {**before.state, **{k: v for k, v in found.items() if v}}
        if outcome.succeeded:
            self._must_recover = False
        return outcome

    def _has_reported_an_expired_link(self, before: Sight) -> bool:
        """An expired link is left alone only while the account is connected; another one says nothing."""
        request = before.state.get("request")
        expires = witness.expiry(self.cloud, request) if request else None
        return expires is not None and any(
            entry.call == "list-connected-accounts" and entry.status == 200 and not entry.fault
            for entry in self.cloud.world.journal.entries()
            if expires <= entry.at
        )

    def _run(self, operation: str, *, replaced: tuple[str, ...] = ()) -> tuple[Sight, Outcome, Sight]:
        """Run an operation and judge what holds for every one."""
        self.cloud.world.journal.clear()
        self._holds = False
        before = witness.see(self.lab)
        if "request" in replaced and "request" in before.state:
            self._forgotten.add(before.state["request"].outputs["stack_name"])
        keywords = {"replace": replaced} if operation == "up" else {}
        outcome: Outcome = getattr(self.lab, operation)(**keywords)
        after = witness.see(self.lab)
        note(f"    {operation}: {outcome.error or 'succeeded'}")
        witness.check_messages(self.cloud, outcome, self.lab.output)
        self._has_waited = "is connected" in self.lab.output
        if operation == "up":
            self._must_recover = "`vmc-account-link recover --stack lab`" in self.lab.output
        self.lab.output = ""
        witness.check_link_requests(self.lab, before, after, operation=operation, replaced=replaced)
        witness.check_others(before, after)
        if outcome.succeeded and operation == "refresh":
            self._stack_was_touched = False
        self._holds = True
        return before, outcome, after
