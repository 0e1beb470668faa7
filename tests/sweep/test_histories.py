"""The sweep of histories: what a history that goes wrong leaves in the results."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.sweep.harness import Played
from tests.sweep.histories import play_machine


class Counter(RuleBasedStateMachine):
    """Adds numbers."""

    limit = 10**9

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @rule(number=st.integers(0, 9))
    def add(self, number: int) -> None:
        self.total += number
        assert self.total < self.limit, f"the total is {self.total}"


class LimitedCounter(Counter):
    """Goes wrong soon."""

    limit = 5


def test_histories_that_go_well_are_ok() -> None:
    assert play_machine(Counter, 1) == Played()


def test_a_history_that_goes_wrong_is_in_the_results_as_short_as_can_be() -> None:
    played = play_machine(LimitedCounter, 1)
    assert played.fell_short.startswith("AssertionError: the total is 5")
    assert "state.add(number=5)" in played.details["history"]
    assert played == play_machine(LimitedCounter, 1), "the seed says which it is"
