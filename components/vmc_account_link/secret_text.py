"""Text that must not be printed."""


class SecretText(str):
    """A string whose `repr` is dots: what a debugger, a log of arguments or a test's report shows.

    Itself it is the text: where it is put into a request, or joined to another string.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Three dots, as long as it may be."""
        return "'...'"
