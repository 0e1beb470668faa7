"""The process in which the SDK serves dynamic resources, and what is changed there.

All that this package uses of the SDK's private parts in that process, `pulumi.dynamic.__main__`, which offers
neither (ADR 0008):

- `Cancel` answers and does nothing, and no signal reaches the process (it has a process group of its own), so
  Ctrl-C would be noticed when a wait of half an hour is over. Until the SDK has a `cancel` for dynamic
  resources.
- Every other call (`_abort_with_traceback`, since 3.260) answers a failure with `traceback.format_exc()`, so
  that a refused token is a dozen lines. Until a `RunError` reaches the person as its text.

A fleet's driver serves the providers itself (`vmc_labs.engine.dynamic_provider`) and needs only `error_line`.
"""

import sys
import threading
import traceback
import types
from collections.abc import Iterable, Sequence
from typing import Any

import pulumi

from vmc_account_link.internal_errors import internal_error

CANCELED = threading.Event()
"""Set once the engine has said that the person wants to stop."""

_SDK_MODULE = "pulumi.dynamic.__main__"
_SERVICER = "DynamicResourceProviderServicer"
_CALLS = ("Check", "Diff", "Create", "Read", "Update", "Delete")
_PACKAGE = __name__.rpartition(".")[0]


def prepare(secrets: Sequence[str]) -> list[str]:
    """Change the SDK's process that this is; elsewhere nothing is done.

    Args:
        secrets: what no failure may show; read when one is answered.

    Returns:
        A line for the person for each thing that this SDK does in another way than those we know.
    """
    main = sys.modules["__main__"]
    if getattr(getattr(main, "__spec__", None), "name", None) != _SDK_MODULE:
        return []
    return [
        f"vmc-account-link does not know the provider process of this Pulumi SDK: {missing}. "
        "Everything else works; please report it with the version of the Python package `pulumi`."
        for missing in (_answer_failures_in_one_line(main, secrets), _listen_for_cancel(main))
        if missing
    ]


def error_line(error: Exception, secrets: Iterable[str]) -> str | None:
    """What a provider's failure is to a person, in one line; None for what is none of this package.

    Args:
        error: as it was raised, with its traceback.
        secrets: see `internal_error`.
    """
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    ours = next((frame for frame in frames if _is_in_package(frame)), None)
    if ours is None:
        return None
    if isinstance(error, pulumi.RunError):
        return str(error)
    resource = type(ours.f_locals.get("self")).__name__.removesuffix("Provider")
    return str(internal_error(f"{ours.f_code.co_name} {resource}", error, secrets))


def _is_in_package(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(f"{_PACKAGE}.")


def _answer_failures_in_one_line(main: types.ModuleType, secrets: Sequence[str]) -> str | None:
    """Replace the module `traceback` for the SDK's module alone. What is missing for that, or None.

    Its wrappers look the name up at each failure. The program's other dynamic resources are served by the
    same process: theirs are answered as before.
    """
    servicer = getattr(main, _SERVICER, None)
    for name in _CALLS:
        code = getattr(getattr(servicer, name, None), "__code__", None)
        if not {"traceback", "format_exc"} <= set(getattr(code, "co_names", ())):
            return "a failure may be shown with a traceback"

    def format_exc() -> str:
        error = sys.exception()
        line = error_line(error, secrets) if isinstance(error, Exception) else None
        return line or traceback.format_exc()

    setattr(main, "traceback", types.SimpleNamespace(**{**vars(traceback), "format_exc": format_exc}))  # noqa: B010
    return None


def _listen_for_cancel(main: types.ModuleType) -> str | None:
    """Have `Cancel` set `CANCELED`. What is missing for that, or None.

    The server has bound its methods before any provider of ours is loaded, so the method's code is replaced
    rather than the method.
    """
    method = getattr(getattr(main, _SERVICER, None), "Cancel", None)
    if not isinstance(method, types.FunctionType):
        return "Ctrl-C is noticed only when a wait is over"
    method.__code__ = _cancel.__code__
    return None


def _cancel(self: Any, request: Any, context: Any) -> Any:  # noqa: ARG001  # the signature of a gRPC method
    # Runs with the globals of the SDK's module, see above: what it needs it has to look up itself.
    import sys  # noqa: PLC0415

    from google.protobuf import empty_pb2  # noqa: PLC0415

    sys.modules["vmc_account_link.provider_process"].CANCELED.set()
    return empty_pb2.Empty()
