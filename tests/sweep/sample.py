"""A few cells that meet every call and every kind of fault. Pure."""

from collections import Counter
from collections.abc import Sequence

from tests.sweep.kinds import Cell

SHARPEST = (
    "up vmc mint-link: reset after",
    "up aws cloudformation.CreateStack: empty 200",
    "up aws sts.GetCallerIdentity #2: 401",
    "up template download-template: truncated",
    "destroy vmc list-connected-accounts: HTML page",
    "destroy vmc unlink: 502 after",
)
"""Where a mistake would lose something or make it twice: these go first, whatever else they meet."""


def sample_of(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The sharpest cells, and one more for each call and kind that is not met yet; always the same ones.

    That is the cell whose call and kind were met the least so far; among equals the first, which is an
    `up` where `up` comes first: a `destroy` needs one before it.
    """
    chosen = [cell for name in SHARPEST for cell in cells if cell.name == name]
    met = Counter(item for cell in chosen for item in _meets(cell))
    for wanted in sorted({item for cell in cells for item in _meets(cell)}):
        if not met[wanted]:
            able = (cell for cell in cells if wanted in _meets(cell))
            best = min(able, key=lambda cell: sum(met[item] for item in _meets(cell)))
            chosen.append(best)
            met.update(_meets(best))
    return tuple(chosen)


def _meets(cell: Cell) -> tuple[tuple[str, str], ...]:
    return ("call", f"{cell.point.service} {cell.point.call}"), ("kind", cell.kind.name)
