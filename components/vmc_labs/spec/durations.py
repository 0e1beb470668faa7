"""Durations as people write them. Pure."""

import re
from datetime import timedelta

DURATION_PATTERN = r"^\s*(\d+\s*[wdhms]\s*)+$"
_PART = re.compile(r"(\d+)\s*([wdhms])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def parse_duration(text: str) -> timedelta:
    """`8h`, `90m`, `1d12h`, `2w` -> a duration.

    Raises:
        ValueError: no such thing, or nothing at all.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration: write it like 8h, 90m or 1d12h")
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if len(set(units)) != len(units):
        raise ValueError(f"{text!r} names a unit twice: write it like 8h, 90m or 1d12h")
    try:
        duration = timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})
    except OverflowError:
        duration = timedelta.max
    if not timedelta() < duration <= timedelta(days=3650):
        raise ValueError(f"{text!r} is not between 1s and ten years")
    return duration
