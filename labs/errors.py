"""What goes wrong around the engine, in one line each."""


class LabsError(Exception):
    """The command could not do what was asked; the text is one line that says what to do."""


class RequestError(LabsError):
    """The request itself is wrong; nothing was touched."""


class Interrupted(LabsError):
    """The person pressed Ctrl-C while something was waited for."""


class StateUnreadable(LabsError):
    """The engine can't read the stack's state; the text is the engine's."""


class StackLocked(LabsError):
    """The engine says that the stack is locked; the text is the engine's."""
