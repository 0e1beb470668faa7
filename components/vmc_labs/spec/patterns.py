"""Names with a range in braces: `team-{01..30}` stands for thirty. Pure."""

import re

LARGEST = 2000
"""Labs of one pattern: more is a slip of the finger."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def expand(text: str) -> tuple[str, ...]:
    """The texts that a pattern stands for, in order; the text itself where it has no range.

    The numbers have as many digits as the first one is written with.

    Raises:
        ValueError: more than one range, one that runs backwards, one too long, or stray braces.
    """
    ranges = list(_RANGE.finditer(text))
    rest = _RANGE.sub("", text)
    if re.search(r"\{[^}]*\.\.|\.\.[^{]*\}", rest):
        raise ValueError(f"{text!r} has a malformed range: write it like team-{{01..30}}")
    if not ranges:
        return (text,)
    if len(ranges) > 1:
        raise ValueError(f"{text!r} has more than one range")
    (found,) = ranges
    first, last, digits = int(found[1]), int(found[2]), len(found[1])
    if last < first:
        raise ValueError(f"{text!r} runs backwards")
    if last - first >= LARGEST:
        raise ValueError(f"{text!r} stands for {last - first + 1} labs; {LARGEST} are the most")
    return tuple(f"{text[: found.start()]}{n:0{digits}}{text[found.end() :]}" for n in range(first, last + 1))
