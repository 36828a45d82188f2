"""Drawing units that are alike by how many are active: for layers that are silent on most examples.

An exchangeable layer is the law of its population count n and a uniform subset of n units. Examples
come in groups of 256, whose random numbers are their own. Within a group the next example that is not
empty is ⌊E h⌋ further, h = -1/log P(n = 0), E standard exponential; its count follows the law of n given
n > 0, by inversion with a guide table [1]_, and :mod:`rote.simulate.subsets` draws the subset. An empty
example costs nothing, and all others what is active. Probabilities are those of the law to 2⁻⁵².

.. [1] Chen and Asau (1974), AIIE Transactions 6, 163-166.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.events import Events
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import uniform
from ..activity.ziggurat import exponential
from .process import EventDraw
from .subsets import SPAN, choose_units

RARE = 1 / 64  # mean probability below which this costs less than cells
GROUP = 256  # examples
_EXAMPLES = 1 << 14  # looked through by a thread at least
_UNITS = 1 << 14  # chosen by a thread at least


@dataclass(frozen=True, slots=True, eq=False)
class CountLaw:
    """The law of a population count, as it is drawn."""

    reach: float  # h, from an example that is not empty to the next; infinite if all are
    edge: Floats  # (n_units,) P(n ≤ k | n > 0) for k from 1 on
    guide: NDArray[
        np.int32
    ]  # (n_units,) the first count whose edge lies above each equal part of [0, 1)

    @classmethod
    def of(cls, population_pmf: Floats) -> Self:
        """Tabulate a law, ``(n_units + 1,)``."""
        some = population_pmf[1:]
        chance = some.sum()
        if chance == 0:
            return cls(np.inf, np.ones(some.size), np.zeros(some.size, dtype=np.int32))
        edge = np.cumsum(some) / chance
        edge[np.flatnonzero(some)[-1] :] = 1.0
        with np.errstate(divide="ignore"):
            reach = float(-1 / np.log1p(-min(chance, 1.0)))
        guide = np.searchsorted(edge, np.arange(some.size) / some.size, side="right")
        return cls(reach, edge, guide.astype(np.int32))


def counted_draw(law: CountLaw, keys: NDArray[np.uint64]) -> EventDraw:
    """Return the draw of a law by three keys: of gaps, of counts, of subsets."""
    return EventDraw.of(law.edge.size, lambda first, last: _list_events(law, first, last, keys))


def _list_events(law: CountLaw, first: int, last: int, keys: NDArray[np.uint64]) -> Events:
    examples, counts = _populated(law, first, last, keys)
    places = np.append(0, np.cumsum(counts))
    unit, n_units = np.empty(places[-1], dtype=np.int32), law.edge.size

    def choose(start: int, stop: int) -> None:
        part = unit[places[start] : places[stop]]
        choose_units(part, n_units, examples[start:stop], counts[start:stop], keys[2])

    over_blocks(choose, counts.size, least=1 + counts.size * _UNITS // (1 + unit.size))
    start = np.zeros(last - first + 1, dtype=np.int64)
    start[1:][examples - first] = counts
    return Events(start=np.cumsum(start, out=start), unit=unit, n_units=n_units)


def _populated(law: CountLaw, first: int, last: int, keys: NDArray[np.uint64]) -> tuple[Counts, Counts]:
    """Return the examples that are not empty, and their population counts."""
    parts: dict[int, tuple[Counts, Counts]] = {}

    def look(start: int, stop: int) -> None:
        parts[start] = _look(law.reach, law.edge, law.guide, first + start, first + stop, keys)

    over_blocks(look, last - first, least=_EXAMPLES)
    examples, counts = zip(*(parts[start] for start in sorted(parts)), strict=True)
    return np.concatenate(examples), np.concatenate(counts)


@kernel
def _look(
    reach: float,
    edge: Floats,
    guide: NDArray[np.int32],
    first: int,
    last: int,
    keys: NDArray[np.uint64],
) -> tuple[Counts, Counts]:
    """Return examples from ``first`` to before ``last`` that are not empty, and their counts."""
    examples, found = np.empty(last - first, dtype=np.int64), 0
    for group in range(first // GROUP, (last + GROUP - 1) // GROUP):
        at, end, counter = group * GROUP, (group + 1) * GROUP, np.uint64(group) * SPAN
        while True:
            gap, counter = exponential(keys[0], counter)
            gap *= reach
            if gap >= end - at:
                break
            at += np.int64(gap)
            if first <= at < last:
                examples[found] = at
                found += 1
            at += 1
    counts = np.empty(found, dtype=np.int64)
    for place in range(found):
        drawn = uniform(keys[1], np.uint64(examples[place]))
        count = np.int64(guide[np.int64(drawn * guide.size)])
        while edge[count] <= drawn:
            count += 1
        counts[place] = count + 1
    return examples[:found].copy(), counts
