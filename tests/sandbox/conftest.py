"""What the tests of the sandbox hold in their hand."""

from collections.abc import Iterator

import pytest

from tests.sandbox.service import Vmware


@pytest.fixture
def vmware() -> Iterator[Vmware]:
    with Vmware() as running:
        yield running
