"""A stack whose name is taken: what to do about it, beside CloudFormation's own words.

The name may be taken by our own stack, whose creation was asked for and never heard of: its answer got lost,
or `pulumi` was killed. The state knows nothing of it, so the engine asks for it once more. Nothing is
repeated here and nothing adopted: that is `recover`'s business, which can compare the template.
"""

import pulumi

_TAKEN = "AlreadyExistsException"


def taken_name_hook(name: str) -> pulumi.ErrorHook:
    """The error hook of a stack; its name is unique in the program."""
    return pulumi.ErrorHook(name, _say_what_to_do)


def what_to_do(error: str, stack: str) -> str | None:
    """What to say to a stack's error; None where the error says it all.

    Args:
        error: the AWS provider's message.
        stack: the Pulumi stack's name.
    """
    if _TAKEN not in error:
        return None
    return (
        "the name is taken by a stack that this Pulumi stack does not know. If an earlier run was cut off or "
        f"its answer got lost, it is ours: `python -m labs recover --stack {stack}` takes it in. If not, "
        "choose another vmc-account-link:stackName."
    )


def _say_what_to_do(args: pulumi.ErrorHookArgs) -> bool:
    """Say it, and never ask the engine to try again."""
    said = what_to_do(args.errors[0] if args.errors else "", pulumi.get_stack())
    if said:
        pulumi.log.error(said)
    return False
