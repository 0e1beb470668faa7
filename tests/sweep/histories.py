"""The sweep of histories: a lab through random ones, 25 a case, each case with a seed of its own.

What can happen in a history is said in `tests/properties/history.py` and `link_machine.py`.
"""

import argparse
import contextlib
import dataclasses
import io

from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.properties.link_machine import LinkMachine
from tests.properties.profiles import PROFILE
from tests.sweep.harness import Case, Played, Sweep
from tests.sweep.stage import Stages


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryCase(Case):
    """Histories that follow from one seed; the first that goes wrong is made as short as it can be."""

    seed: int
    row = "a lab whatever happens"

    @property
    def column(self) -> str:
        """The seed, by which it can be played again."""
        return f"seed {self.seed}"

    def play(self, _: Stages, /) -> Played:
        """Generate the histories, and check after each step."""
        return play_machine(LinkMachine, self.seed)


def play_machine(machine: type[RuleBasedStateMachine], number: int) -> Played:
    """Play the histories of a machine that follow from a number."""
    seeded = seed(number)(type(machine.__name__, (machine,), {}))
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            run_state_machine_as_test(seeded, settings=settings(PROFILE, derandomize=False))
    except Exception as error:  # noqa: BLE001 - whatever it was, it is what went wrong
        steps = "\n".join([said.getvalue(), *getattr(error, "__notes__", ())])
        short = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return Played(fell_short=short, details={"history": steps})
    return Played()


def history_cases(options: argparse.Namespace) -> list[HistoryCase]:
    """So many histories, in cases of as many as `make test` plays."""
    return [HistoryCase(seed=number) for number in range(options.histories // PROFILE.max_examples)]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--histories", type=int, default=500, help="how many (default 500)")


SWEEP = Sweep(
    name="histories",
    purpose="random histories of a link, up to 30 steps each",
    cases=history_cases,
    legend="ok: whatever happened, nothing was made twice and the lab arrived",
    add_options=_add_options,
)
