"""A lab through generated histories: our real providers, the emulated clouds, a model of the engine.

Real: our providers, the client, the AWS provider's process, both emulators. Modelled: the engine. Emulated:
time, and the sockets between our providers and the services.
"""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.link_machine import LinkMachine


@pytest.mark.timeout(4 * 3600)
def test_a_lab_reports_the_truth_and_converges_whatever_happens() -> None:
    run_state_machine_as_test(LinkMachine)
