"""A lab through generated histories: our real providers, the emulated clouds, a model of the engine.

Real: our providers, the client, the AWS provider's process, both emulators. Modelled: the engine. Emulated:
time, and the sockets between our providers and the services.
"""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.link_machine import LinkMachine
from tests.properties.profiles import PROFILE


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("histories", [10, pytest.param(PROFILE.max_examples, marks=pytest.mark.whole)])
def test_a_lab_reports_the_truth_and_converges_whatever_happens(histories: int) -> None:
    run_state_machine_as_test(LinkMachine, settings=settings(PROFILE, max_examples=histories))
