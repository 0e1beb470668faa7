"""An exception that nobody foresaw -> one line for the person, and a file with its traceback for a report.

The one way to do this for providers, hooks and commands. Neither the line nor the file holds a secret.
"""

import contextlib
import os
import re
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator

import pulumi

from vmc_account_link.errors import InternalError, safe_text, without_secrets

_NAMES_A_SECRET = re.compile(r"TOKEN|SECRET|PASS", re.IGNORECASE)
_SHORTEST_SECRET = 4
"""Characters. A shorter value of the environment would take half of a text out."""


def internal_error(
    action: str,
    error: Exception,
    secrets: Iterable[str] = (),
    keep: Callable[[str], object] | None = None,
) -> InternalError:
    """Make the error that the person sees; the traceback goes to where `keep` puts it.

    Args:
        action: what was being done, in words ("create LinkRequest").
        error: what was raised.
        secrets: what may be shown nowhere, beside the secrets of the environment.
        keep: writes the traceback and returns its place; by default into a new file in the folder for
            temporary files, which the user alone can read.
    """
    secrets = (*secrets, *_secrets_of_the_environment())
    text = without_secrets("".join(traceback.format_exception(error)), secrets)
    try:
        location = (keep or _new_file)(text)
        report = f"with the traceback in {location}"
    except OSError as failure:
        report = f"(its traceback could not be written: {failure.strerror})"
    return InternalError(
        action,
        safe_text(f"{type(error).__name__}: {error}".rstrip(": "), secrets),
        f"This is a bug in vmc-account-link: please report it {report}.",
    )


@contextlib.contextmanager
def internal_errors(action: str, secrets: Iterable[str] = ()) -> Iterator[None]:
    """Turn an exception that nobody foresaw into its `InternalError`; errors meant for people pass.

    Raises:
        InternalError: the block has a bug.
    """
    try:
        yield
    except pulumi.RunError:
        raise
    except Exception as error:  # noqa: BLE001 - that is its purpose
        raise internal_error(action, error, secrets) from None


def _secrets_of_the_environment() -> Iterator[str]:
    return (
        value
        for name, value in os.environ.items()
        if _NAMES_A_SECRET.search(name) and len(value) >= _SHORTEST_SECRET
    )


def _new_file(text: str) -> str:
    # mkstemp makes it with mode 0600.
    descriptor, path = tempfile.mkstemp(prefix="vmc-account-link-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
