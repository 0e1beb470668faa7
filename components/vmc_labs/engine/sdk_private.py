"""All that the fleet uses of the SDK's private parts, each with why and until when.

A name that is gone is an error at import; `tests/labs/test_inline_programs.py` looks at what they do. For the
provider's process there is such a module in the package, `vmc_account_link.provider_process`, and for every
server `vmc_account_link.sdk_private`.
"""

import logging
import pickle  # nosec B403 - nothing is unpickled here
from typing import Any

from pulumi.automation._server import LanguageServer

__all__ = ["LanguageServer", "unwrap_pickler"]
# `LanguageServer` serves an inline program. Until the Automation API's `up` is one CLI process (ADR 0019).

# An engine that failed is gone when its program reports so, and gRPC prints a traceback of that on standard
# error. What went wrong is in the engine's own events. Until `LanguageServer` takes a dead engine for an end.
logging.getLogger("grpc._server").setLevel(logging.CRITICAL)

_PICKLER: Any = getattr(pickle, "_Pickler")  # noqa: B009 - private, and not in the stubs
_UNWRAPPED = _PICKLER._batch_setitems  # noqa: SLF001


def unwrap_pickler() -> None:
    """Undo what `serialize_provider` does to Python's own pickler.

    It wraps a method once more for each dynamic resource (3.272): after some hundred labs in one process
    pickling a mapping would recurse too deep. Until it puts back what it has replaced.
    """
    _PICKLER._batch_setitems = _UNWRAPPED  # noqa: SLF001
