"""What became of a CloudFormation stack whose creation, change or deletion nobody heard the end of."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable

from vmc_account_link.aws_reader import AwsAccess, AwsReader, AwsRefused, StackSummary
from vmc_account_link.errors import CommandFailed

_POLL_SECONDS = 5.0
_SETTLE_SECONDS = 35 * 60.0
"""CloudFormation's own bound for the link's template is far below; AWS's plugin waits 30 minutes."""
_STRAGGLER_SECONDS = 10.0
"""A request that was on its way as its sender was killed may take effect after the first look."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FoundStack(StackSummary):
    """A stack that exists, and what it runs."""

    template: object
    """As it was sent: text, or parsed where it is JSON."""


def find_stack(
    name: str,
    *,
    access: AwsAccess,
    account_number: str | None = None,
    may_be_on_its_way: bool = False,
    emit_progress: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> FoundStack | None:
    """Look a stack up by name, waiting until CloudFormation has finished with it.

    Args:
        name: the stack's name.
        access: where to look, as whom.
        account_number: the AWS account it belongs in, if that is known: a stack that another account does
            not have is not gone.
        may_be_on_its_way: whether its creation may have been asked for and not have arrived yet; absent
            counts only after a while then.
        emit_progress: gets a line when there is something to wait for.
        sleep: between two looks.

    Returns:
        None where there is no such stack; a deleted one counts as none.

    Raises:
        CommandFailed: AWS could not be asked, it was another account, or the stack did not settle.
    """
    try:
        reader = AwsReader(access)
        if account_number is not None:
            reader.refuse_other_account(account_number)
        stack = _settled(
            reader, name, may_be_on_its_way=may_be_on_its_way, emit_progress=emit_progress, sleep=sleep
        )
        if stack is None:
            return None
        return FoundStack(**dataclasses.asdict(stack), template=reader.template(stack.id))
    except AwsRefused as error:
        hint = f"{error.hint[0].lower()}{error.hint[1:]}"
        raise CommandFailed(f"{error.action}: {error.detail}. Nothing was changed: {hint}") from None


def _settled(
    reader: AwsReader,
    name: str,
    *,
    may_be_on_its_way: bool,
    emit_progress: Callable[[str], None],
    sleep: Callable[[float], object],
) -> StackSummary | None:
    waited = 0.0
    while True:
        stack = reader.stack(name)
        if stack is not None and not stack.status.endswith("_IN_PROGRESS"):
            return stack
        if stack is None and (not may_be_on_its_way or waited >= _STRAGGLER_SECONDS):
            return None
        if waited >= _SETTLE_SECONDS:
            raise CommandFailed(f"CloudFormation stack {name} is still changing: run this again later")
        if stack is not None and not waited:
            emit_progress(f"CloudFormation stack {name} is {stack.status}: waiting for its end")
        sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def same_template(sent: str, kept: object) -> bool:
    """Whether CloudFormation has what was sent; the SDK hands a JSON template over parsed."""
    if isinstance(kept, str):
        return sent.strip() == kept.strip()
    with contextlib.suppress(ValueError):
        return bool(json.loads(sent) == kept)
    return False
