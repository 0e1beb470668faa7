"""A stack that could not be made: what to do about it, beside the AWS provider's own words.

Where the answer to CreateStack got lost, nobody knows whether the stack was made; the engine stores nothing.
If it was, the next `up` finds the name taken, and a `destroy` passes it by. Nothing is repeated here and
nothing adopted: that is `recover`'s business, which can compare the template (ADR 0017).
"""

import re

import pulumi

from vmc_account_link.internal_errors import internal_errors

MAY_BE_THERE = "AWS may have made the stack all the same"
"""How the advice begins where nobody knows whether the stack was made."""
_TAKEN = "AlreadyExistsException"
_NAMELESS = "reading CloudFormation Stack ()"
"""How it begins where CreateStack was answered by a success with nothing in it: it goes on without an id, and
what AWS refuses then is another question."""
_ASKING = ("creating CloudFormation Stack", _NAMELESS)
"""How the AWS provider begins what went wrong with CreateStack itself, as opposed to what came after it."""
_REFUSED = re.compile(r"StatusCode: 4(?!08)\d\d|get identity:")
"""A 408 refuses nothing; without credentials AWS was not even asked."""


def stack_error_hook(name: str) -> pulumi.ErrorHook:
    """The error hook of a stack; its name is unique in the program."""
    return pulumi.ErrorHook(name, _say_what_to_do)


def was_refused(error: str) -> bool:
    """Whether the AWS provider's message says that AWS did nothing: it refused, or could not be asked."""
    return _NAMELESS not in error and _REFUSED.search(error) is not None


def what_to_do(error: str, stack: str) -> str | None:
    """What to say to a stack's error; None where the error says it all.

    Args:
        error: the AWS provider's message.
        stack: the Pulumi stack's name.
    """
    recover = f"`python -m labs recover --stack {stack}`"
    if _TAKEN in error:
        return (
            "the name is taken by a stack that this Pulumi stack does not know. If an earlier run was cut "
            f"off or its answer got lost, it is ours: {recover} takes it in. If not, choose another "
            "vmc-account-link:stackName."
        )
    if any(begin in error for begin in _ASKING) and not was_refused(error):
        return (
            f"{MAY_BE_THERE}: {recover} finds out and takes it in. Do that before "
            "the next `pulumi up` or `pulumi destroy`, which would know nothing of it."
        )
    return None


def _say_what_to_do(args: pulumi.ErrorHookArgs) -> bool:
    """Say it, and never ask the engine to try again."""
    with internal_errors("say what to do about the stack's failure"):
        said = what_to_do(args.errors[0] if args.errors else "", pulumi.get_stack())
        if said:
            pulumi.log.error(said)
    return False
