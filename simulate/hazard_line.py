"""Drawing units by hazards that share a factor: one line serves all frailties.

Given the frailty g of an example, unit i is active where a Poisson number of mean g h_i is above zero. A
Poisson process of rate g on the line on which unit i has a piece of length h_i hits the piece with that
probability, so the line is the same for all examples and only the steps along it, exponentials over g,
follow the frailty (:mod:`rote.simulate.rare` for lines and guides).

Where g h_i exceeds 40 a unit is active but once in 2e17. Pieces as long as that would leave no digits to
the others, so examples of so great a frailty use a second line, on which units lie in the order of their
hazards: those beyond 40/g are active, and the line ends before them.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel
from ..activity.streams import Key
from ..activity.ziggurat import exponential
from .rare import CERTAIN, SPAN, Lines, Row, new_lines, walk, with_room


@dataclass(frozen=True, slots=True, eq=False)
class HazardLine:
    """Hazards of a layer, laid along two lines."""

    lines: Lines  # (1, n_units) in the order of the units; of no use for great frailties
    order: NDArray[np.int32]  # (n_units,) units by their hazard
    hazard: Floats  # (n_units,) ascending
    ascending: Floats  # (n_units,) where their pieces end

    @classmethod
    def of(cls, hazard: Floats) -> Self:
        """Lay out units of ``hazard`` ``(n_units,)``."""
        order = np.argsort(hazard, kind="stable")
        sorted_hazard = hazard[order]
        return cls(
            new_lines(hazard[None]), order.astype(np.int32), sorted_hazard, np.cumsum(sorted_hazard)
        )

    def list_active(self, frailty: Floats, first: int, key: Key) -> Row:
        """Return the active units of examples from ``first`` on of some ``frailty``."""
        with np.errstate(divide="ignore", over="ignore"):
            uncertain = np.searchsorted(self.hazard, CERTAIN / frailty, side="right")
        length = np.append(0.0, self.ascending)[uncertain]
        per_example = np.empty(frailty.size, dtype=np.int64)

        def hit(unit: NDArray[np.int32]) -> int:
            return _hits(
                unit,
                per_example,
                *self.lines,
                self.order,
                self.ascending,
                uncertain,
                frailty,
                key,
                first,
            )

        due = np.minimum(frailty * length, uncertain) + (frailty.size and self.hazard.size - uncertain)
        return with_room(hit, due.sum()), per_example


@kernel
def _hits(
    units: NDArray[np.int32],
    per_example: Counts,
    line: Floats,
    guide: NDArray[np.int32],
    order: NDArray[np.int32],
    ascending: Floats,
    uncertain: Counts,
    frailty: Floats,
    key: Key,
    first: int,
) -> int:
    """List the units hit, example after example, as far as there is room; return how many there are."""
    n_units, found = order.size, 0
    held = np.empty(n_units, dtype=np.int32)
    for example in range(frailty.size):
        counter, g, before = np.uint64(first + example) * SPAN, frailty[example], found
        if uncertain[example] == n_units:
            found = walk(units, found, line, guide, np.uint64(0), g, key, counter)
        else:
            n_held = _climb(held, order, ascending, uncertain[example], g, key, counter)
            for place in range(n_held):
                if found < units.size:
                    units[found] = held[place]
                found += 1
        per_example[example] = found - before
    return found


@kernel
def _climb(
    held: NDArray[np.int32],
    order: NDArray[np.int32],
    ascending: Floats,
    uncertain: int,
    g: float,
    key: Key,
    counter: np.uint64,
) -> int:
    """List the units of an example in order: those hit below ``uncertain``, and all from there on."""
    found, at, place = 0, 0.0, 0
    while uncertain > 0:
        gap, counter = exponential(key, counter)
        at += gap / g
        place += np.searchsorted(ascending[place:uncertain], at, side="right")
        if place >= uncertain:
            break
        held[found] = order[place]
        found += 1
        at = ascending[place]
        place += 1
    for place in range(uncertain, order.size):
        held[found] = order[place]
        found += 1
    held[:found].sort()
    return found
