"""The look before a stack runs a link's template, in front of the emulated service."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.control.client import SandboxControl
from tests.support.lab import ACCOUNT
from vmc_account_link.errors import AlreadyLinked, LinkExpired
from vmc_account_link.link.evidence import LinkEnd
from vmc_account_link.link.ownership import LinkEvidence
from vmc_account_link.settings import VmcSettings
from vmc_account_link.stack_hooks import StackPrecheck

FRESH = LinkEnd(at=datetime.now(UTC) + timedelta(hours=1))


def of(*stack_names: str) -> LinkEvidence:
    """What is known of a link that was requested and never run."""
    return LinkEvidence(account_number=ACCOUNT, stack_names=stack_names)


@pytest.fixture
def precheck(settings: VmcSettings) -> StackPrecheck:
    return StackPrecheck(settings)


def test_another_stacks_live_link_stops_the_stack_and_our_own_or_a_broken_one_does_not(
    precheck: StackPrecheck, control: SandboxControl
) -> None:
    precheck.verify(of("ours"), FRESH)
    control.seed_account(ACCOUNT, cf_stack_name="theirs")
    with pytest.raises(AlreadyLinked, match='"theirs"'):
        precheck.verify(of("ours"), FRESH)
    precheck.verify(of("ours", "theirs"), FRESH)
    control.set_account_state(ACCOUNT, "BROKEN")
    precheck.verify(of("ours"), FRESH)
    assert control.links() == ()


@pytest.mark.parametrize("hours", [-6, 6])
def test_the_services_clock_says_whether_a_link_has_expired_not_ours(
    precheck: StackPrecheck, control: SandboxControl, hours: int
) -> None:
    now = control.advance(hours * 3600)
    precheck.verify(of("ours"), LinkEnd(at=now + timedelta(minutes=5)))
    precheck.verify(of("ours"), None)
    for end in (
        LinkEnd(at=now - timedelta(minutes=5)),
        LinkEnd(at=now - timedelta(minutes=5), is_named=False),
    ):
        with pytest.raises(LinkExpired, match="--replace") as refusal:
            precheck.verify(of("ours"), end)
        assert end.why in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_a_link_that_was_minted_in_this_update_was_looked_at_just_now(
    precheck: StackPrecheck, control: SandboxControl
) -> None:
    precheck.note_request()
    precheck.verify(of("ours"), FRESH)
    assert control.journal() == ()
