"""Drawing only the units that are active: for layers so rare that cells cost more than activations.

A unit of probability p is active exactly if a Poisson variable of mean h = -log(1 - p) is above
zero. Lay the units of a layer along a line, unit i on a piece of length h_i; a Poisson process of
rate 1 on the line is spent as unit exponentials, and each piece that is hit is an active unit, however
often it is hit. What remains of a long piece after its first hit is skipped, so the work is about one
exponential, and one look-up [1]_, for each active unit. Where the probabilities follow a latent state,
the line is that of an upper bound of the state's neighbourhood and a hit is kept with probability
p_i(x) / bound_i, which is still exact. Places on the line are rounded to 2⁻⁵² of its length, and that is
how far a unit's probability may be off.

.. [1] The guide table of Chen and Asau (1974), AIIE Transactions 6, 163-166: where to begin the search.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.events import Events
from ..activity.kernel import inlined_kernel, kernel, over_blocks
from ..activity.streams import Key, draw_keys, uniform
from ..activity.ziggurat import exponential
from .drawing import Mixture
from .process import Draw, EventDraw

_RARE = 1 / 64  # mean probability below which events cost less than cells
CERTAIN = 40.0  # length of the piece of a unit that is always active: missed once in 2e17
_SPARE = 6.0  # standard deviations of room for what is found
SPAN = np.uint64(1 << 32)  # numbers set aside for one example

type Row = tuple[NDArray[np.int32], Counts]
"""Active units of some examples, one after the other, and how many each example has."""


class Lines(NamedTuple):
    """Lines of pieces, one for each neighbourhood of latent states."""

    line: Floats  # (n_states, n_units) where the pieces end
    guide: NDArray[
        np.int32
    ]  # (n_states, n_units) the unit at the beginning of each of so many equal parts


class RareMixture(Mixture):
    """A mixture that is drawn by its activations where it is rare, in all forms."""

    __slots__ = ()

    @property
    @abstractmethod
    def rarity(self) -> float:
        """Mean probability of a unit; below 1/64 draws are by events, above by cells."""

    @abstractmethod
    def list_active(self, latent: NDArray, first: int, keys: NDArray[np.uint64]) -> Row:
        """Return the active units of examples from ``first`` on in their latent states; two keys."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys."""
        if self.rarity >= _RARE:
            return Mixture.draw(self, rng)
        keys = draw_keys(rng, 3)
        return EventDraw.of(self.n_units, lambda first, last: _list_events(self, first, last, keys))


class BoundedMixture(RareMixture):
    """A rare mixture whose probabilities have upper bounds in neighbourhoods of latent states."""

    tight: bool = False  # whether the bounds are the probabilities themselves

    @abstractmethod
    def bounds(self) -> Floats:
        """Return the bounds: ``(n_states, n_units)``."""

    @abstractmethod
    def neighbourhood(self, latent: NDArray) -> NDArray[np.int64]:
        """Return the row of bounds that holds at each latent state: a function of that state alone."""

    def list_active(self, latent: NDArray, first: int, keys: NDArray[np.uint64]) -> Row:
        """Return the active units of examples from ``first`` on in their latent states; two keys."""
        bound, lines = self._bounds
        state = self.neighbourhood(latent)
        order = np.argsort(
            state, kind="stable"
        )  # examples that read the same line, while it is in cache
        state, per_example = state[order], np.empty(state.size, dtype=np.int64)

        def hit(unit: NDArray[np.int32]) -> int:
            return _hits(unit, per_example, *lines, state, keys[0], first + order)

        unit = with_room(hit, lines.line[state, -1].sum())
        if not self.tight:
            place = np.repeat(np.arange(state.size), per_example)
            row, most = order[place], bound[state[place], unit]
            keep = _thinning(keys[1], first + row, unit) < self.given(latent[row], unit) / most
            unit, per_example = unit[keep], np.bincount(place[keep], minlength=state.size)
        return _put_back(unit, per_example, order)

    @cached_property
    def _bounds(self) -> tuple[Floats, Lines]:
        """Bounds and lines, made once for a process however many blocks are drawn."""
        bound = self.bounds()
        with np.errstate(divide="ignore"):
            return bound, new_lines(np.minimum(-np.log1p(-bound), CERTAIN))


def new_lines(length: Floats) -> Lines:
    """Return the lines of pieces of some ``length``: ``(n_states, n_units)``."""
    line = np.cumsum(length, axis=1)
    return Lines(line, _guides(line))


def with_room(hit: Callable[[NDArray[np.int32]], int], due: float) -> NDArray[np.int32]:
    """Return the units that ``hit`` lists, about ``due`` of them; it returns how many.

    It is called a second time should the room not do: hardly ever.
    """
    found, room = -1, int(due + _SPARE * (np.sqrt(due) + 10))
    while found < 0 or found > room:
        room = max(room, found)
        unit = np.empty(room, dtype=np.int32)
        found = hit(unit)
    return unit[:found]


def _list_events(process: RareMixture, start: int, stop: int, keys: NDArray[np.uint64]) -> Events:
    parts: dict[int, Row] = {}

    def fill(first: int, last: int) -> None:
        latent = process.latent(keys[0], np.arange(start + first, start + last, dtype=np.uint64))
        parts[first] = process.list_active(latent, start + first, keys[1:])

    over_blocks(fill, stop - start, least=256)
    units, counts = zip(*(parts[first] for first in sorted(parts)), strict=True)
    places = np.append(0, np.cumsum(np.concatenate(counts)))
    unit = np.concatenate(units) if len(units) > 1 else units[0]
    return Events(start=places, unit=unit, n_units=process.n_units)


@kernel
def _guides(line: Floats) -> NDArray[np.int32]:
    """Cut each line into as many equal parts as units: return the unit at the beginning of each part."""
    n_states, n_units = line.shape
    guide = np.empty((n_states, n_units), dtype=np.int32)
    for state in range(n_states):
        unit, width = 0, line[state, n_units - 1] / n_units
        for part in range(n_units):
            while unit < n_units - 1 and line[state, unit] <= part * width:
                unit += 1
            guide[state, part] = unit
    return guide


@inlined_kernel
def find(line: Floats, guide: NDArray[np.int32], here: np.uint64, at: float, scale: float) -> np.uint64:
    """Return the unit on whose piece of line ``here`` a place lies that is not behind its end.

    ``scale`` is the number of units over the length of the line.
    """
    unit = np.uint64(guide[here, min(np.uint64(at * scale), np.uint64(line.shape[1] - 1))])
    while unit > 0 and line[here, unit - np.uint64(1)] > at:  # what rounding has overstepped
        unit -= np.uint64(1)
    while line[here, unit] <= at:
        unit += np.uint64(1)
    return unit


@kernel
def _hits(
    units: NDArray[np.int32],
    per_example: Counts,
    line: Floats,
    guide: NDArray[np.int32],
    state: NDArray[np.int64],
    key: Key,
    examples: Counts,
) -> int:
    """List the units hit, example after example, as far as there is room; return how many there are."""
    found = 0
    for example in range(state.size):
        before, counter = found, np.uint64(examples[example]) * SPAN
        found = walk(units, found, line, guide, np.uint64(state[example]), 1.0, key, counter)
        per_example[example] = found - before
    return found


@inlined_kernel
def walk(
    units: NDArray[np.int32],
    found: int,
    line: Floats,
    guide: NDArray[np.int32],
    here: np.uint64,
    pace: float,
    key: Key,
    counter: np.uint64,
) -> int:
    """List behind ``found`` units those hit along line ``here``, ``pace`` times a unit of its length.

    Returns how many there are then, whether there was room for them or not.
    """
    n_units = np.uint64(line.shape[1])
    length = line[here, n_units - np.uint64(1)]
    at, last, scale = 0.0, n_units, n_units / length
    while True:
        gap, counter = exponential(key, counter)
        at += gap / pace
        if at >= length:
            return found
        unit = find(line, guide, here, at, scale)
        if unit == last:
            continue
        if found < units.size:
            units[found] = unit
        last = unit
        found += 1
        if line[here, unit] > at + 1.0 / pace:  # what else hits its piece is of no account
            at = line[here, unit]


@kernel
def _put_back(
    unit: NDArray[np.int32], per_example: Counts, order: Counts
) -> tuple[NDArray[np.int32], Counts]:
    """Return units and numbers of examples that were taken in ``order`` as these follow one another."""
    number = np.empty(order.size, dtype=np.int64)
    number[order] = per_example
    start = np.cumsum(number) - number
    back, before = np.empty_like(unit), 0
    for place in range(order.size):
        n_units, to = per_example[place], start[order[place]]
        for event in range(n_units):
            back[to + event] = unit[before + event]
        before += n_units
    return back, number


@kernel
def _thinning(key: Key, example: NDArray[np.int64], unit: NDArray[np.int32]) -> Floats:
    numbers = np.empty(unit.size)
    for event in range(unit.size):
        numbers[event] = uniform(key, np.uint64(example[event]) * SPAN + np.uint64(unit[event]))
    return numbers
