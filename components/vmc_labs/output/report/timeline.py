"""Moments -> places on a time axis, in percent. Pure.

An event often has two bursts of work: all labs in the morning, the mended ones an hour later. Long pauses
in which nothing ran are cut out of the axis and marked, so that neither burst is squeezed to a hair.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo

from vmc_labs.state.reader import Phases

_PAUSE_SHARE = 0.4
"""A pause is cut out when it is longer than this share of all the time in which something ran …"""
_PAUSE_LEAST = timedelta(minutes=2)
"""… and longer than this."""
_CUT_PERCENT = 5.0
"""The place that a cut takes on the axis."""
_MOST_TICKS = 7
_LABEL, _LONG_LABEL = (7.0, 15.0), (10.0, 24.0)
"""What a label, without and with seconds, needs of the axis on a desk, and on a phone or on paper."""
_STEPS = [
    *(timedelta(seconds=s) for s in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=h) for h in (1, 2, 3, 6, 12, 24, 48, 168)),
]

Interval = tuple[datetime, datetime]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a lab's bar, from one moment to the next that is known."""

    until: str
    """What it ended with: `stack`, `connected` or `ready`."""
    left: float
    width: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A labelled moment of the axis."""

    left: float
    label: str
    """Empty where there is no room beside the one before."""
    is_minor: bool
    """Whether there is room on a desk only, and not on a phone or on paper."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A pause that is not drawn to scale."""

    left: float
    width: float
    label: str
    """How long it was."""


class Axis:
    """The time axis over all labs."""

    def __init__(self, phases: Iterable[Phases]) -> None:
        """Lay the axis over everything that ran."""
        self._bursts = _bursts([(known[0], known[-1]) for one in phases if (known := moments(one))])
        cuts = max(len(self._bursts) - 1, 0)
        ran = sum((end - begin for begin, end in self._bursts), timedelta())
        self._percent_a_second = (100 - cuts * _CUT_PERCENT) / max(ran.total_seconds(), 0.001)
        self._begins: list[float] = []
        """Where each burst begins, in percent."""
        index = 0.0
        for begin, end in self._bursts:
            self._begins.append(index)
            index += (end - begin).total_seconds() * self._percent_a_second + _CUT_PERCENT

    @property
    def bursts(self) -> Sequence[Interval]:
        """The stretches of time that are drawn to scale."""
        return self._bursts

    def index(self, moment: datetime) -> float:
        """Where a moment of a burst lies, 0 to 100."""
        number = max(bisect.bisect_right([begin for begin, _ in self._bursts], moment) - 1, 0)
        begin, end = self._bursts[number]
        within = (min(moment, end) - begin).total_seconds() * self._percent_a_second
        return min(max(self._begins[number] + within, 0.0), 100.0)

    def spans(self, phases: Phases) -> list[Span]:
        """A lab's bar; empty where fewer than two of its moments are known."""
        return [
            Span(until=name, left=self.index(begin), width=self.index(end) - self.index(begin))
            for (_, begin), (name, end) in itertools.pairwise(_named(phases))
        ]

    def ticks(self, zone: tzinfo) -> list[Tick]:
        """Moments at round times of the clock, few enough to be read."""
        ran = sum((end - begin for begin, end in self._bursts), timedelta())
        step = next((one for one in _STEPS if ran / one <= _MOST_TICKS), _STEPS[-1])
        text, widths = ("%H:%M", _LABEL) if step >= timedelta(minutes=1) else ("%H:%M:%S", _LONG_LABEL)
        ticks: list[Tick] = []
        last = last_major = -math.inf
        for begin, end in self._bursts:
            midnight = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
            moment = midnight + step * -(-(begin - midnight) // step)
            while moment <= end:
                left = self.index(moment)
                has_room, is_minor = left - last >= widths[0], left - last_major < widths[1]
                label = f"{moment.astimezone(zone):{text}}" if has_room else ""
                ticks.append(Tick(left=left, label=label, is_minor=is_minor))
                last = left if has_room else last
                last_major = last_major if is_minor else left
                moment += step
        return ticks

    def cuts(self) -> list[Cut]:
        """The pauses that were cut out."""
        return [
            Cut(left=index - _CUT_PERCENT, width=_CUT_PERCENT, label=duration(after[0] - before[1]))
            for (before, after), index in zip(itertools.pairwise(self._bursts), self._begins[1:], strict=True)
        ]


def moments(phases: Phases) -> list[datetime]:
    """The moments that are known, in the order of the phases."""
    return [moment for _, moment in _named(phases)]


def duration(length: timedelta) -> str:
    """A length of time in words: `8 s`, `1 min 5 s`, `2 h 10 min`."""
    seconds = max(round(length.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    said = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(said[:2]) or "0 s"


def clock(length: timedelta) -> str:
    """A length of time in figures that line up: `0:08`, `1:05`, `2:10:00`."""
    seconds = max(round(length.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _named(phases: Phases) -> list[tuple[str, datetime]]:
    """The known moments by name; none lies before the one ahead of it, whatever two machines' clocks say."""
    known = [(field.name, getattr(phases, field.name)) for field in dataclasses.fields(phases)]
    named = [(name, moment) for name, moment in known if moment is not None]
    latest = itertools.accumulate((moment for _, moment in named), max)
    return [(name, moment) for (name, _), moment in zip(named, latest, strict=True)]


def _bursts(intervals: Sequence[Interval]) -> list[Interval]:
    """The intervals melted together over every pause that is too short to be cut out."""
    melted: list[Interval] = []
    for begin, end in sorted(intervals):
        if melted and begin <= melted[-1][1]:
            melted[-1] = (melted[-1][0], max(melted[-1][1], end))
        else:
            melted.append((begin, end))
    ran = sum((end - begin for begin, end in melted), timedelta())
    least = max(ran * _PAUSE_SHARE, _PAUSE_LEAST)
    bursts: list[Interval] = []
    for begin, end in melted:
        if bursts and begin - bursts[-1][1] <= least:
            bursts[-1] = (bursts[-1][0], end)
        else:
            bursts.append((begin, end))
    return bursts
