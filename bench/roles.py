"""What a process of an update is for, told from its arguments. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

CLI = "CLI"
LANGUAGE_HOST = "language host"
PIP_LIST = "pip list"
PROGRAM = "program"
DYNAMIC_PROVIDER = "dynamic provider"
AWS_PLUGIN = "AWS plugin"
DRIVER = "driver"
"""The contender's own process: a script, a shell, `labs`."""

_MODULES = {"pip": PIP_LIST, "pulumi.dynamic": DYNAMIC_PROVIDER}
_PROGRAMS = {
    "pulumi": CLI,
    "pulumi-language-python": LANGUAGE_HOST,
    "pulumi-language-python-exec": PROGRAM,
    "pulumi-resource-pulumi-python": DYNAMIC_PROVIDER,
    "pulumi-resource-aws": AWS_PLUGIN,
}


def role_of(arguments: Sequence[str]) -> str:
    """The role of a process with these arguments; `driver` where it is none of the engine's.

    A process that has ended has no arguments any more.
    """
    if list(arguments[1:]) == ["--version"]:
        return LANGUAGE_HOST  # it asks the interpreter for its version
    for argument, following in pairwise([*arguments, ""]):
        if argument == "-m":
            return _MODULES.get(following, DRIVER)
        name = PurePath(argument).name
        if name in _PROGRAMS:
            return _PROGRAMS[name]
    return DRIVER
