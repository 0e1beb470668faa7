"""A lab through generated histories: our real providers, the emulated clouds, a model of the engine.

Real: our providers, the client, the AWS provider's process, both emulators. Modelled: the engine. Emulated:
time, and the sockets between our providers and the services.
"""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.link_machine import LinkMachine


@pytest.mark.timeout(4 * 3600)
def test_whatever_happens_a_lab_lies_never_makes_nothing_twice_and_arrives() -> None:
    run_state_machine_as_test(LinkMachine)
